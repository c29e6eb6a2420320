import { readFileSync } from 'node:fs';

/** A Node process as its own inspector sees it. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #count = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (id !== undefined) this.#waiting.get(id)?.(result);
    });
  }

  /** @param logFile of a process started with `--inspect=127.0.0.1:0`, which says where its inspector is */
  static async of(logFile: string): Promise<Inspector> {
    const url = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(readFileSync(logFile, 'utf8'))?.[0];
    if (url === undefined) throw new Error('the process has no inspector');
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Inspector(socket);
  }

  /** What is alive after a garbage collection: objects, the buffers that belong to them, and compiled code. */
  async liveBytes(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = (await this.#call('Runtime.getHeapUsage')) as Usage;
    return usedSize + backingStorageSize;
  }

  /** How much of the heap is code as V8 compiled it, interpreted or not, and what belongs to it. */
  codeBytes(): Promise<number> {
    return this.#evaluate(codeInHeap);
  }

  /** Where the time goes while `work` is done, sampled every quarter of a millisecond. */
  async profile(work: () => Promise<unknown>): Promise<CpuProfile> {
    await this.#call('Profiler.enable');
    await this.#call('Profiler.setSamplingInterval', { interval: 250 });
    await this.#call('Profiler.start');
    await work();
    const { profile } = (await this.#call('Profiler.stop')) as { profile: CpuProfile };
    return profile;
  }

  /** Counts from now on how often the whole heap is collected. @returns the count so far */
  async countCollections(): Promise<() => Promise<number>> {
    await this.#evaluate(collectionCounter);
    return () => this.#evaluate('wholeHeapCollections');
  }

  close(): void {
    this.#socket.close();
  }

  async #evaluate(expression: string): Promise<number> {
    const { result } = (await this.#call('Runtime.evaluate', { expression })) as Evaluated;
    return result.value;
  }

  #call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#count;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => {
      this.#waiting.set(id, (result) => {
        this.#waiting.delete(id);
        resolve(result);
      });
    });
  }
}

/** As the DevTools protocol has it (`Profiler.Profile`), as far as it is read here. */
export interface CpuProfile {
  nodes: readonly CpuProfileNode[];
  /** The id of the node that ran, for each sample. */
  samples: readonly number[];
  /** Microseconds since the sample before. */
  timeDeltas: readonly number[];
}

export interface CpuProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: readonly number[];
}

/** Run in the process that is looked into. */
const collectionCounter = `
  globalThis.wholeHeapCollections = 0;
  const { PerformanceObserver, constants } = process.getBuiltinModule('node:perf_hooks');
  new PerformanceObserver((list) => {
    const major = list.getEntries().filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR);
    globalThis.wholeHeapCollections += major.length;
  }).observe({ entryTypes: ['gc'] });`;

const codeInHeap = `
  process.getBuiltinModule('node:v8').getHeapSpaceStatistics()
    .filter(({ space_name }) => /code|trusted/.test(space_name))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0)`;

interface Evaluated {
  result: { value: number };
}

interface Usage {
  usedSize: number;
  backingStorageSize: number;
}
