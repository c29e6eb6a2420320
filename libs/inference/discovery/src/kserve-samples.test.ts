import { suitesMissing } from '@modelgate/testing';
import { readFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { kserveSamples, outcome } from './kserve-samples.fixture.ts';

beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

it('discovery turns each of KServe’s samples into what KServe serves, or reports why not', () => {
  const lines = kserveSamples().map((sample, index) => {
    const { kind, metadata } = sample.object;
    return `${index} ${kind} ${metadata.name}: ${outcome(sample)}`;
  });
  const expected = readFileSync(new URL('../fixtures/kserve-samples.txt', import.meta.url), 'utf8');
  expect(lines).toEqual(expected.trimEnd().split('\n'));
});
