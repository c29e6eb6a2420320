/** Whether a real part can be had on this machine; the reason is a sentence for the list of what was skipped. */
export type Availability = { ok: true } | { ok: false; reason: string };

/** One line a person reads; called only while something takes longer than two seconds, or when something was mended. */
export type ProgressListener = (text: string) => void;

export interface InstallOptions {
  onProgress?: ProgressListener;
}

export interface StartOptions extends InstallOptions {
  /** 0 or absent: any free one. A port that is taken is refused by name. */
  port?: number;
  /** Where run folders, logs and pid files go; default: `run` in the cache folder. */
  stateFolder?: string;
  /** Called once with what is known when the part ends without having been stopped. */
  onExit?: (report: string) => void;
}

/** A server the suites, `npm start` and the benchmarks run against: the thing itself, or a stand-in that says it is one. */
export interface RealPart<S> {
  readonly name: string;
  /** Never throws. */
  available(): Promise<Availability>;
  /** Ready when it resolves. `stop` ends every process it started and removes its run folder; it may be called twice. */
  start(options?: StartOptions): Promise<S & { stop(): Promise<void> }>;
}

/** A part that is downloaded or built into the cache first; `start` does it where nobody has. */
export interface InstallablePart<S> extends RealPart<S> {
  /** Idempotent; two processes may call it at once. */
  install(options?: InstallOptions): Promise<void>;
}
