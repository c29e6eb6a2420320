import type { ProgressListener } from '../real-part.ts';

const announceAfterMs = 2_000;
const repeatEveryMs = 10_000;

/** Tells a person what is being waited for, but only once it has taken longer than two seconds. */
export class Progress {
  readonly #part: string;
  readonly #listener: ProgressListener;

  constructor(part: string, listener: ProgressListener | undefined) {
    this.#part = part;
    this.#listener = listener ?? (() => undefined);
  }

  /** Something worth telling at once: a mended leftover, a stand-in. */
  note(text: string): void {
    this.#listener(`${this.#part}: ${text}`);
  }

  /** @param text what is being done, as in "downloading 53 wheels" */
  async during<T>(text: string, work: Promise<T>): Promise<T> {
    const started = Date.now();
    const seconds = (): string => `${Math.round((Date.now() - started) / 1000)} s`;
    let announced = false;
    const announce = (): void => {
      this.note(announced ? `still ${text} (${seconds()})` : `${text} …`);
      announced = true;
      timer = setTimeout(announce, repeatEveryMs);
    };
    let timer = setTimeout(announce, announceAfterMs);
    try {
      const result = await work;
      if (announced) this.note(`${text}: done in ${seconds()}`);
      return result;
    } finally {
      clearTimeout(timer);
    }
  }
}
