import { expect, it } from 'vitest';
import { brokenRules } from './sabotage.ts';
import { Simulation } from './simulation.ts';
import type { Invariant } from './violations.ts';

/** A rule that is broken shows within this many runs. */
const patience = 400;

const table = brokenRules.map(({ invariant, how, sabotage }) => [invariant, how, sabotage] as const);

it.each(table)('%s is found broken where %s', { timeout: 120_000 }, async (invariant, _, sabotage) => {
  const found = new Set<Invariant>();
  for (let seed = 0; seed < patience && !found.has(invariant); seed++) {
    const { violation } = await new Simulation(seed, sabotage).run();
    if (violation) found.add(violation.invariant);
  }
  expect([...found]).toContain(invariant);
});

it('breaks every invariant at least once', () => {
  const numbered = Array.from({ length: 14 }, (_, index) => `I${index + 1}`);
  const broken = new Set<string>(brokenRules.map(({ invariant }) => invariant));
  expect([...numbered, 'refused'].filter((invariant) => !broken.has(invariant))).toEqual([]);
});
