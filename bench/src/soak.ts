import { FakeIssuer } from '@modelgate/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstLine, script, startOn } from './child.ts';
import { startInspectedGateway, type InspectedGateway } from './gateway-process.ts';
import type { Setting } from './proxy.ts';
import type { Report } from './report.ts';
import { traffic, type Sent } from './soak-traffic.ts';

/** The heap may grow by so much, once it has settled: a day of it would not be noticed. */
const goalKilobytesPerMinute = 50;
const samples = 40;
/** Small, so that it is full before anything is judged. */
const env = { TOKEN_CACHE_SIZE: '1000', MAX_CONCURRENT_PER_SUBJECT: '1000' };

interface Sample {
  /** Since the start. */
  minutes: number;
  /** Of all that is alive, and of the code in it. */
  kilobytes: number;
  code: number;
}

/** Everything at once for a long time: whether it is answered as it should be, and whether the heap goes on growing. */
export async function benchmarkSoak(seconds = 600): Promise<Report> {
  const issuer = await FakeIssuer.start();
  issuer.setLimit('fraud-scoring', { quota: 100_000_000, windowSeconds: 1 });
  const [backend, chat] = [startOn('other', script('backend.ts')), startOn('other', script('sse-backend.ts'))];
  const [upstreamPort, chatPort] = [Number(await firstLine(backend)), Number(await firstLine(chat))];
  const { audience, url, pair } = issuer;
  const setting: Setting = { upstreamPort, issuer: url, audience, jwk: pair.publicJwk, scope: 'fraud/iris:predict' };
  const gateway = await startInspectedGateway(setting, { env, elsewhere: { 'fraud/iris-chat': chatPort } });
  try {
    const sent = new Map<string, Sent>();
    const heap = await soak(gateway, { seconds, issuer, sent });
    return conclude(seconds, heap, sent);
  } finally {
    gateway.stop();
    backend.kill('SIGKILL');
    chat.kill('SIGKILL');
    await issuer.close();
  }
}

interface SoakOptions {
  seconds: number;
  issuer: FakeIssuer;
  /** Filled on the way. */
  sent: Map<string, Sent>;
}

async function soak(gateway: InspectedGateway, { seconds, issuer, sent }: SoakOptions): Promise<Sample[]> {
  const heap: Sample[] = [];
  const kinds = traffic(issuer);
  const started = performance.now();
  for (let passed = 0; passed < seconds; passed = (performance.now() - started) / 1000) {
    const pause = sleep(1_000);
    const counts = await Promise.all(kinds.map(({ send }) => send(gateway.port)));
    counts.forEach((count, at) => add(sent, kinds[at]?.name ?? '', count));
    await pause;
    if (passed < (heap.length * seconds) / samples) continue;
    const kilobytes = (await gateway.inspector.liveBytes()) / 1024;
    heap.push({ minutes: passed / 60, kilobytes, code: (await gateway.inspector.codeBytes()) / 1024 });
    process.stdout.write(`  ${passed.toFixed(0)} s: ${((heap.at(-1)?.kilobytes ?? 0) / 1024).toFixed(1)} MB alive\n`);
  }
  return heap;
}

function add(sent: Map<string, Sent>, name: string, { requests, wrong }: Sent): void {
  const before = sent.get(name) ?? { requests: 0, wrong: 0 };
  sent.set(name, { requests: before.requests + requests, wrong: before.wrong + wrong });
}

function conclude(seconds: number, heap: readonly Sample[], sent: ReadonlyMap<string, Sent>): Report {
  // The first quarter is left to caches and to code that is still being compiled.
  const settled = heap.slice(Math.ceil(heap.length / 4));
  const slope = slopeOf(settled, ({ kilobytes }) => kilobytes);
  const ofCode = slopeOf(settled, ({ code }) => code);
  const counts = [...sent.values()];
  const wrong = counts.reduce((sum, count) => sum + count.wrong, 0);
  const grows = slope > goalKilobytesPerMinute;
  const verdict = `at most ${goalKilobytesPerMinute} KB a minute${grows ? ', MISSED' : ''}`;
  return {
    title: `Everything at once for ${seconds} s`,
    sections: [],
    notes: [
      ...[...sent].map(([name, { requests, wrong: not }]) => `${name}: ${requests} sent, ${not} not answered so`),
      '',
      `heap alive: ${megabytes(settled[0])} after the first quarter, ${megabytes(settled.at(-1))} at the end; slope ${slope.toFixed(1)} KB a minute  (goal: ${verdict})`,
      `of that, code as V8 compiles it: ${ofCode.toFixed(1)} KB a minute`,
      `answers that were not as they should be: ${wrong}  (goal: 0)`,
    ],
    goalMissed: grows || wrong > 0,
  };
}

/** Of the straight line through all samples that leaves least beside it: per minute. */
function slopeOf(heap: readonly Sample[], figure: (sample: Sample) => number): number {
  const mean = (of: (sample: Sample) => number): number =>
    heap.reduce((sum, sample) => sum + of(sample), 0) / heap.length;
  const [minutes, middle] = [mean((sample) => sample.minutes), mean(figure)];
  const rise = mean((sample) => (sample.minutes - minutes) * (figure(sample) - middle));
  return rise / mean((sample) => (sample.minutes - minutes) ** 2);
}

function megabytes(sample: Sample | undefined): string {
  return `${((sample?.kilobytes ?? 0) / 1024).toFixed(1)} MB`;
}
