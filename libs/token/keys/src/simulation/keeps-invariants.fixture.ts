import { env } from 'node:process';
import { expect, it } from 'vitest';
import { Simulation } from './simulation.ts';

/** `KEYS_SEED=42` replays one run and tells what happened in it; `KEYS_SEEDS=100000` asks for more of them. */
const replay = env['KEYS_SEED'];
const runs = Number(env['KEYS_SEEDS'] ?? 10_000);

/** Half of the seeds each, so that two processes share them. */
type Parity = 0 | 1;

async function keepsAll(parity: Parity): Promise<void> {
  const total = { tokens: 0, rotations: 0 };
  const failures: string[] = [];
  for (let seed: number = parity; seed < runs && failures.length < 5; seed += 2) {
    const { violation, tokens, rotations } = await new Simulation(seed).run();
    total.tokens += tokens;
    total.rotations += rotations;
    if (violation) failures.push(`${violation.message} (replay: KEYS_SEED=${seed})`);
  }
  expect(failures).toEqual([]);
  expect(total.tokens).toBeGreaterThan(15 * runs);
  expect(total.rotations).toBeGreaterThan(runs / 2);
}

async function keepsOne(): Promise<void> {
  const lines: string[] = [];
  const { violation } = await new Simulation(Number(replay), {}, (line) => lines.push(line)).run();
  expect(violation?.message, lines.join('\n')).toBeUndefined();
}

const timeout = 1_200_000;

export function itKeepsInvariants(parity: Parity): void {
  if (replay === undefined) {
    const half = parity === 0 ? 'even' : 'odd';
    it(`keeps I1 to I14 in the ${half} half of ${runs} runs`, { timeout }, () => keepsAll(parity));
  } else if (Number(replay) % 2 === parity) {
    it(`keeps I1 to I14 in the run of seed ${replay}`, { timeout }, keepsOne);
  } else {
    it('has the other half of the seeds', ({ skip }) => skip(`seed ${replay} is in the other half`));
  }
}
