import type { Denial } from '@modelgate/protocols';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BufferedBodies, type HeldBody } from './buffered-bodies.ts';

function reading(bodies: BufferedBodies, { subject = 's', maxBytes = 100 } = {}) {
  const body = new PassThrough();
  const results: (HeldBody | Denial)[] = [];
  bodies.read({ body, subject, maxBytes }, (result) => results.push(result));
  return { body, results };
}

describe('BufferedBodies', () => {
  it('delivers a body, and counts its bytes until it is released', async () => {
    const bodies = new BufferedBodies({ maxBytes: 10, perSubject: 1, maxBytesPerSubject: 100 });
    const { body, results } = reading(bodies);
    body.write('abc');
    body.end('def');
    await turn();
    const [held] = results as HeldBody[];
    expect(held?.bytes.toString()).toBe('abcdef');
    expect(bodies.bytes).toBe(6);
    held?.release();
    held?.release();
    expect(bodies.bytes).toBe(0);
  });

  it('refuses a body over the size limit, over the total, and over the limits of its subject', async () => {
    const bodies = new BufferedBodies({ maxBytes: 10, perSubject: 1, maxBytesPerSubject: 100 });
    const first = reading(bodies, { maxBytes: 5 });
    const second = reading(bodies, { subject: 't' });
    expect(reading(bodies).results).toMatchObject([{ reason: 'subject_busy' }]);
    first.body.write('x'.repeat(6));
    second.body.write('x'.repeat(11));
    await turn();
    expect(first.results).toMatchObject([{ reason: 'body_too_large' }]);
    expect(second.results).toMatchObject([{ reason: 'overloaded' }]);
    expect(bodies.bytes).toBe(0);
    expect(reading(bodies).results).toEqual([]);
  });

  it('reserves room for other subjects, however much one subject sends', async () => {
    const bodies = new BufferedBodies({ maxBytes: 10, perSubject: 9, maxBytesPerSubject: 4 });
    const [first, second] = [reading(bodies), reading(bodies)];
    const other = reading(bodies, { subject: 't' });
    first.body.write('abc');
    second.body.write('de');
    other.body.end('abcd');
    await turn();
    expect([first.results, second.results]).toEqual([[], [expect.objectContaining({ reason: 'subject_busy' })]]);
    expect(other.results).toMatchObject([{ bytes: Buffer.from('abcd') }]);
    first.body.end();
    await turn();
    (first.results as HeldBody[])[0]?.release();
    const third = reading(bodies);
    third.body.end('abcd');
    await turn();
    expect(third.results).toMatchObject([{ bytes: Buffer.from('abcd') }]);
  });

  it('ignores a body that broke off, and releases its memory', async () => {
    const bodies = new BufferedBodies({ maxBytes: 10, perSubject: 1, maxBytesPerSubject: 100 });
    const { body, results } = reading(bodies);
    body.write('abc');
    await turn();
    expect(bodies.bytes).toBe(3);
    body.destroy(new Error('reset'));
    await turn();
    expect([results, bodies.bytes]).toEqual([[], 0]);
  });

  it('calls back once, whatever happens to the body', async () => {
    const bodies = new BufferedBodies({ maxBytes: 10, perSubject: 1, maxBytesPerSubject: 100 });
    const { body, results } = reading(bodies);
    body.end('abc');
    await turn();
    body.destroy(new Error('reset'));
    await turn();
    expect(results).toHaveLength(1);
    expect(bodies.bytes).toBe(3);
  });
});
