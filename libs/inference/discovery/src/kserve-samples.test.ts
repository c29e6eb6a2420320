import { suitesMissing } from '@modelgate/testing';
import { readFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { kserveSamples, outcome } from './kserve-samples.fixture.ts';

beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

it('makes of each of KServe’s own samples what KServe serves, or says why not', () => {
  const lines = kserveSamples().map((sample, index) => {
    const { kind, metadata } = sample.object;
    return `${index} ${kind} ${metadata.name}: ${outcome(sample)}`;
  });
  const expected = readFileSync(new URL('../fixtures/kserve-samples.txt', import.meta.url), 'utf8');
  expect(lines).toEqual(expected.trimEnd().split('\n'));
});
