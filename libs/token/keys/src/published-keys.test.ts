import { maxJwksKeys } from '@modelgate/core';
import { describe, expect, it } from 'vitest';
import { schedule as quiet, TestBed } from './key-ring.fixture.ts';
import { checkSchedule, mostPublishedKeys, type KeySchedule } from './key-schedule.ts';
import type { KeyGenerator } from './new-key.ts';
import { generateKey } from './new-key.ts';
import { signingAlgs, type SigningAlg } from './signing-key.ts';

/** Of each algorithm the name alone: what counts here is how many there are. */
const generate: KeyGenerator = (alg) => generateKey(alg === 'EdDSA' ? 'EdDSA' : 'ES256');

const hasty: KeySchedule = {
  rotateEverySeconds: 0,
  leadTimeSeconds: 20,
  jwksMaxAgeSeconds: 5,
  maxTokenTtlSeconds: 600,
  skewSeconds: 5,
  propagationSeconds: 10,
};

/** The shortest rotation that is accepted for so many ladders. */
function worst(ladders: number): KeySchedule {
  for (let rotateEverySeconds = hasty.leadTimeSeconds; ; rotateEverySeconds++) {
    const schedule = { ...hasty, rotateEverySeconds };
    if (checkSchedule(schedule, ladders).length === 0) return schedule;
  }
}

/** The most keys that verifiers find while every token is as long-lived as may be, over several lives of a key. */
async function mostFound(schedule: KeySchedule, first: readonly SigningAlg[], then = first): Promise<number> {
  const bed = new TestBed();
  let most = 0;
  for (const algs of [first, then]) {
    const [alg, ...furtherAlgs] = algs;
    const ring = bed.ring({ schedule, generate, furtherAlgs, ...(alg && { alg }) });
    await ring.reconcile();
    for (let passed = 0; passed < 1500; passed += 5) {
      await bed.run(5, ring);
      most = Math.max(most, ring.jwks().kids.length);
    }
    await ring.close();
  }
  return most;
}

describe('the worst schedule that is accepted', () => {
  it.each([1, 2, 3, 4])('publishes no more keys than verifiers take, with %i ladders', async (ladders) => {
    const schedule = worst(ladders);
    expect(mostPublishedKeys(schedule, ladders)).toBeLessThanOrEqual(maxJwksKeys);
    const most = await mostFound(schedule, signingAlgs.slice(0, ladders));
    expect(most).toBeLessThanOrEqual(maxJwksKeys);
    expect(most).toBeGreaterThan((maxJwksKeys * ladders) / (ladders + 1) / 2);
  });

  it('nor while signing is changed from one algorithm to another at once', async () => {
    expect(await mostFound(worst(1), ['ES256'], ['EdDSA'])).toBeLessThanOrEqual(maxJwksKeys);
  });
});

it('four ladders are refused a rotation that one of them may have', () => {
  const one = worst(1);
  expect(checkSchedule(one, 4)).toEqual([expect.stringContaining(`${maxJwksKeys} are as many as verifiers take`)]);
  expect(checkSchedule({ ...quiet, rotateEverySeconds: 40, leadTimeSeconds: 90 }, 4)).not.toEqual([]);
});

it('the rotation that a refusal names is accepted', () => {
  const [sentence = ''] = checkSchedule({ ...hasty, rotateEverySeconds: 20 }, 4);
  const seconds = Number(/which is rotation every (\d+) s/.exec(sentence)?.[1]);
  expect(checkSchedule({ ...hasty, rotateEverySeconds: seconds }, 4)).toEqual([]);
  expect(checkSchedule({ ...hasty, rotateEverySeconds: seconds - 1 }, 4)).not.toEqual([]);
});
