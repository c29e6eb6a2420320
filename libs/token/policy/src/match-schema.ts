import { z } from 'zod';
import type { AccessPolicy, ClaimMatch, ClaimMatcher } from './access-policy.ts';
import { JsonPointerError, parseJsonPointer } from './json-pointer.ts';

const text = z.string().min(1);
const texts = z.array(text).min(1);

const matcher = z.union([
  z.strictObject({ exact: z.union([text, z.number(), z.boolean()]) }),
  z.strictObject({ anyOf: texts }),
  z.strictObject({ allOf: texts }),
  z.strictObject({ prefix: text }),
]);

const pointer = z.string().refine(isClaimPointer, 'a claim is named by a JSON pointer such as /realm_access/roles');

const oneOrMore = z.union([text.transform((value) => [value]), texts]);

const forms = z.strictObject({
  /** The subject's `sub`. */
  subject: z.union([text.transform((exact) => ({ exact })), matcher]).optional(),
  /** Keycloak's realm roles; any one of them is enough. */
  realmRole: oneOrMore.optional(),
  /** Keycloak's group paths, as its group membership mapper writes them with full paths; any one is enough. */
  group: oneOrMore.optional(),
  /** The client the token was issued to (`azp`); any one is enough. */
  client: oneOrMore.optional(),
  claims: z.record(pointer, matcher).optional(),
});

/** Claims that every token of an issuer carries alike: they say where a token comes from and not whose it is. */
const notIdentity = new Set(['iss', 'aud', 'typ', 'exp', 'iat', 'nbf', 'jti', 'auth_time', 'acr', 'scope']);

/**
 * The `match` of a policy: `{realmRole: …}`, `{group: …}`, `{client: …}`, `{subject: …}`, `{claims: {pointer: matcher}}`,
 * all of which must hold, or `everyone`. A match that says nothing about whose token it is would match everybody
 * without saying so, and is refused.
 */
export const matchSchema = z
  .union([z.literal('everyone'), z.strictObject({ everyone: z.literal(true) }), forms])
  .transform((written, context): AccessPolicy['match'] => {
    if (written === 'everyone' || 'everyone' in written) return 'everyone';
    const entries = conditions(written);
    const pointers = entries.map(([claim]) => claim);
    if (new Set(pointers).size !== pointers.length) {
      context.addIssue({ code: 'custom', message: 'names the same claim twice' });
      return z.NEVER;
    }
    if (!pointers.some(isIdentity)) {
      context.addIssue({
        code: 'custom',
        message: 'would match every subject of the issuer; write `match: everyone` to mean that',
      });
      return z.NEVER;
    }
    return Object.fromEntries(entries) satisfies ClaimMatch;
  });

function conditions({ subject, realmRole, group, client, claims }: z.output<typeof forms>): [string, ClaimMatcher][] {
  const entries: [string, ClaimMatcher | undefined][] = [
    ['/sub', subject],
    ['/realm_access/roles', realmRole && { anyOf: realmRole }],
    ['/groups', group && { anyOf: group }],
    ['/azp', client && { anyOf: client }],
    ...Object.entries(claims ?? {}),
  ];
  return entries.flatMap(([claim, matcher]): [string, ClaimMatcher][] => (matcher ? [[claim, matcher]] : []));
}

function isIdentity(claim: string): boolean {
  return !notIdentity.has(parseJsonPointer(claim)[0] ?? '');
}

function isClaimPointer(claim: string): boolean {
  try {
    return parseJsonPointer(claim).length > 0;
  } catch (error) {
    if (error instanceof JsonPointerError) return false;
    throw error;
  }
}
