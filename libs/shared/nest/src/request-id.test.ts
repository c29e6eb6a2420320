import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestId } from './request-id.ts';

describe('request id', () => {
  it.each(['abcdefgh', '0af7651916cd43dd8448eb211c80319c', 'b7ad6b71-6920-4331-a6c7-2f2f3b1d9a10', 'a.b_c-d.e'])(
    'is the caller’s own: %s',
    (id) => expect(requestId(id)).toBe(id),
  );

  it('is a fresh one where the caller’s is absent, repeated, short, long or not plain', () => {
    const refused = [undefined, '', 'short', 'a'.repeat(65), 'has space', 'line\nbreak', '"quoted"', ['abcdefgh']];
    const fresh = refused.map((id) => requestId(id));
    expect(new Set(fresh).size).toBe(refused.length);
    for (const id of fresh) expect(refused).not.toContain(id);
  });

  it('can always stand in a header and in a log as it is', () => {
    fc.assert(fc.property(fc.string(), (header) => /^[A-Za-z0-9._-]{8,64}$/.test(requestId(header))));
  });
});
