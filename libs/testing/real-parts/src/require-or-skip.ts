import { everyPartRequired } from './machine/environment.ts';
import type { RealPart } from './real-part.ts';

/** A real part that must be there (MODELGATE_REQUIRE=all) and is not. */
export class PartMissing extends Error {
  override readonly name = 'PartMissing';
}

/**
 * The reason to skip a suite that needs these parts, or undefined where all of them can be had. Awaited at the top of
 * the suite's file, the reason goes to every one of its tests:
 *
 * ```ts
 * const missing = await requireOrSkip(keycloak, kserve);
 * beforeEach(({ skip }) => skip(missing !== undefined, missing));
 * beforeAll(async () => { if (!missing) realm = await keycloak.start(); });
 * ```
 *
 * @throws PartMissing instead, where every part is required
 */
export async function requireOrSkip(
  ...parts: readonly Pick<RealPart<unknown>, 'name' | 'available'>[]
): Promise<string | undefined> {
  for (const part of parts) {
    const availability = await part.available();
    if (availability.ok) continue;
    const reason = `${part.name} cannot be had here: ${availability.reason}`;
    if (everyPartRequired()) throw new PartMissing(reason);
    return reason;
  }
  return undefined;
}
