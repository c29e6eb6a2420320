import { env } from 'node:process';
import { expect, it } from 'vitest';
import { Simulation } from './simulation.ts';

/** `KEYS_SEED=42` replays one run and tells what happened in it; `KEYS_SEEDS=100000` asks for more of them. */
const replay = env['KEYS_SEED'];
const runs = Number(env['KEYS_SEEDS'] ?? 10_000);

async function keepsAll(): Promise<void> {
  const total = { tokens: 0, rotations: 0 };
  const failures: string[] = [];
  for (let seed = 0; seed < runs && failures.length < 5; seed++) {
    const { violation, tokens, rotations } = await new Simulation(seed).run();
    total.tokens += tokens;
    total.rotations += rotations;
    if (violation) failures.push(`${violation.message} (replay: KEYS_SEED=${seed})`);
  }
  expect(failures).toEqual([]);
  expect(total.tokens).toBeGreaterThan(30 * runs);
  expect(total.rotations).toBeGreaterThan(runs);
}

async function keepsOne(): Promise<void> {
  const lines: string[] = [];
  const { violation } = await new Simulation(Number(replay), {}, (line) => lines.push(line)).run();
  expect(violation?.message, lines.join('\n')).toBeUndefined();
}

const timeout = 1_200_000;
if (replay === undefined) it(`keeps I1 to I14 in ${runs} runs`, { timeout }, keepsAll);
else it(`keeps I1 to I14 in the run of seed ${replay}`, { timeout }, keepsOne);
