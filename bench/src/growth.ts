import { FakeIssuer } from '@modelgate/testing';
import { firstLine, pinning, script, startOn } from './child.ts';
import { dimensions, type Dimension, type Grown } from './growth-dimensions.ts';
import { rounds } from './measurement.ts';
import type { Setting } from './proxy.ts';
import { best, sectionText, type Report, type Row, type Section } from './report.ts';

/** With many of something a request may cost at most so many times what it costs with one. */
const goal = 1.3;

/** Whether a request costs the same however many models, tokens and connections there are, and what each of them takes. */
export async function benchmarkGrowth(only = ''): Promise<Report> {
  const issuer = await FakeIssuer.start();
  issuer.setLimit('fraud-scoring', { quota: 100_000_000, windowSeconds: 1 });
  const backend = startOn('other', script('backend.ts'));
  const { audience, url, pair } = issuer;
  const upstreamPort = Number(await firstLine(backend));
  const setting: Setting = { upstreamPort, issuer: url, audience, jwk: pair.publicJwk, scope: 'fraud/iris:predict' };
  const outcomes: Outcome[] = [];
  try {
    for (const dimension of dimensions.filter(({ title }) => title.includes(only))) {
      const outcome = await grow(dimension, setting, issuer);
      outcomes.push(outcome);
      process.stdout.write(`\n${sectionText(outcome.section)}`);
    }
  } finally {
    backend.kill('SIGKILL');
    await issuer.close();
  }
  return {
    title: 'What a request costs as the gateway grows',
    sections: outcomes.map(({ section }) => section),
    notes: [
      `CPU per request (of streams: per event), one process; two gateways in turns, ${rounds} rounds, the best is shown; ${pinning}.`,
      'Memory: objects and buffers that are alive after a garbage collection, beyond those of the gateway that has one; what the kernel holds for a connection is not in it.',
    ],
    goalMissed: outcomes.some(({ missed }) => missed),
  };
}

interface Outcome {
  section: Section;
  missed: boolean;
}

async function grow(dimension: Dimension, setting: Setting, issuer: FakeIssuer): Promise<Outcome> {
  const { title, many, of } = dimension;
  const sides: Grown[] = [];
  try {
    for (const count of [1, many]) sides.push(await dimension.start(count, setting, issuer));
    const rows = sides.map((_, at): Row => ({ name: `${[1, many][at]} ${of}`, cpu: [], p50: [], p99: [], errors: 0 }));
    for (let round = 0; round < rounds; round++) {
      for (const [at, side] of sides.entries()) rows[at]?.cpu.push(await side.cpuPerRequest());
    }
    const bytes: number[] = [];
    for (const side of sides) bytes.push(await side.liveBytes());
    const [one = 0, all = 0] = bytes;
    return conclude(title, rows, `${((all - one) / (many - 1) / 1024).toFixed(1)} KB`);
  } finally {
    for (const side of sides) side.stop();
  }
}

function conclude(title: string, rows: readonly Row[], memory: string): Outcome {
  const [one = 0, all = 0] = rows.map(({ cpu }) => best(cpu));
  const ratio = all / one;
  const missed = ratio > goal;
  const notes = [
    `CPU × ${ratio.toFixed(2)}  (goal: at most ${goal}${missed ? ', MISSED' : ''})`,
    `memory of each: ${memory}`,
  ];
  return { section: { title, rows, notes }, missed };
}
