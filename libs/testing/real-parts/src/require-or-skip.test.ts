import { afterEach, expect, test, vi } from 'vitest';
import type { Availability, RealPart } from './real-part.ts';
import { PartMissing, requireOrSkip } from './require-or-skip.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const present = part('postgres', { ok: true });
const missing = part('keycloak', { ok: false, reason: 'no Java' });

test('no reason where every part is there', async () => {
  vi.stubEnv('MODELGATE_REQUIRE', 'all');
  expect(await requireOrSkip(present, present)).toBeUndefined();
});

test('a missing part is a reason to skip, by name', async () => {
  vi.stubEnv('MODELGATE_REQUIRE', '');
  expect(await requireOrSkip(present, missing)).toBe('keycloak cannot be had here: no Java');
});

test('a missing part is a failure where all are required', async () => {
  vi.stubEnv('MODELGATE_REQUIRE', 'all');
  await expect(requireOrSkip(present, missing)).rejects.toThrow(PartMissing);
});

function part(name: string, availability: Availability): RealPart<object> {
  return {
    name,
    available: () => Promise.resolve(availability),
    start: () => Promise.resolve({ stop: () => Promise.resolve() }),
  };
}
