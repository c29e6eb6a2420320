import { z } from 'zod';
import { reason, time, type AdminOperation } from '../admin-operation.ts';
import { verbsOfRole, type AdminRole } from '../admin-role.ts';

const kid = z.string().describe('RFC 7638 thumbprint');
const exposure = z.array(
  z.object({
    verifier: z.string().describe('kind of verifier'),
    seconds: z.number().nullable().describe('null: until something makes it read the JWKS again'),
  }),
);

const readinessSchema = z.object({
  ready: z.boolean().describe('whether it may sign'),
  publishedForSeconds: z.number().optional().describe('absent while not every live replica serves it'),
  leadTimeSeconds: z.number().describe('for how long it must have been published'),
  acknowledgedBy: z.array(z.string()).describe('live replicas that serve it'),
  waitsFor: z.array(z.string()).describe('live replicas that do not serve it yet'),
  earliestActivation: time.optional(),
});

/** One signing key with what it waits for. */
export const keySchema = z.object({
  kid,
  alg: z.string(),
  state: z.enum(['STANDBY', 'ACTIVE', 'RETIRING', 'RETIRED', 'SUSPECT', 'REVOKED']),
  version: z.int(),
  bootstrap: z.boolean(),
  ageSeconds: z.number(),
  liveTokens: z.int().describe('tokens it signed that have not expired and are not revoked'),
  createdAt: time,
  publishedAt: time.optional().describe('when every live replica was known to serve it'),
  activatedAt: time.optional(),
  retiredAt: time.optional(),
  lastSignedExp: z.int().optional().describe('NumericDate: the latest exp it may have signed'),
  readiness: readinessSchema.optional().describe('of a spare'),
  rotationDue: time.optional(),
  leavesAt: time.optional(),
});
export const keyListSchema = z.object({
  now: time,
  leadTimeSeconds: z.number(),
  keys: z.array(keySchema),
  replicas: z.array(
    z.object({ replica: z.string(), jwksVersion: z.string(), ageSeconds: z.number(), live: z.boolean() }),
  ),
  problems: z.array(z.string()),
  verifiers: z
    .array(
      z.object({
        userAgent: z.string(),
        source: z.string().describe('its address; behind a trusted proxy, the one that the proxy names'),
        requests: z.int(),
        lastReadAt: time,
        everySeconds: z.number().optional().describe('from one reading to the next'),
        warning: z.string().optional().describe('where that is slower than the slowest verifier that is declared'),
      }),
    )
    .describe('who reads the JWKS, and how often, over all replicas'),
});

const alg = z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']);
const intent = {
  reason,
  force: z.boolean().optional().describe('although verifiers may not have seen the key that takes over'),
  dryRun: z.boolean().optional().describe('say what would happen, and change nothing'),
};
export const rotateSchema = z.strictObject({ ...intent, alg: alg.optional() });
export const prepareSchema = z.strictObject({ reason, alg: alg.optional() });
export const withdrawSchema = z.strictObject(intent);
export const rewrapSchema = z.strictObject({ reason });

const dryRun = z.literal(true).optional().describe('where nothing was changed');
const withdrawn = z.object({
  dryRun,
  kid,
  active: kid.optional().describe('the key that signs now, where the withdrawn one did'),
  residualExposure: exposure.describe('for how long the withdrawn key may still be accepted'),
  blastRadius: exposure.describe('for how long the key that signs now may be refused; empty unless forced'),
});

const looks = verbsOfRole.look;
const operates = verbsOfRole.operate;
const guards = verbsOfRole.guard;

export const keyOperations = {
  listKeys: {
    method: 'GET',
    path: '/keys',
    summary: 'Every key but the retired ones, and the replicas that serve them',
    roles: looks,
    answer: keyListSchema,
    errors: [503],
  },
  servedJwks: {
    method: 'GET',
    path: '/keys/jwks',
    summary: 'The JWKS as this replica serves it',
    roles: looks,
    answer: z.object({ etag: z.string(), keys: z.array(z.record(z.string(), z.unknown())) }),
    errors: [503],
  },
  rehearse: {
    method: 'GET',
    path: '/keys/rehearsal',
    summary: 'What would happen, and when, if nobody interfered; changes nothing',
    roles: looks,
    parameters: [{ name: 'within', in: 'query', description: 'seconds', schema: z.int().default(86_400) }],
    answer: z.object({
      steps: z.array(z.object({ at: time, action: z.string(), kid: kid.optional(), alg: z.string().optional() })),
    }),
    errors: [503],
  },
  rotate: {
    method: 'POST',
    path: '/keys/rotate',
    summary: 'Promote the spare now; 409 with earliestActivation while it is too young',
    roles: operates,
    body: rotateSchema,
    answer: z.object({ dryRun, active: kid, retiring: kid.optional(), blastRadius: exposure }),
    errors: [409, 503],
  },
  prepare: {
    method: 'POST',
    path: '/keys/prepare',
    summary: 'Make a fresh spare in place of the one there is',
    roles: operates,
    body: prepareSchema,
    answer: z.object({ kid, earliestActivation: time }),
    errors: [409, 503],
  },
  suspect: {
    method: 'POST',
    path: '/keys/{kid}/suspect',
    summary: 'Stop a key from signing; what it signed verifies until it expires',
    roles: guards,
    body: withdrawSchema,
    answer: withdrawn,
    errors: [404, 409, 503],
  },
  revoke: {
    method: 'POST',
    path: '/keys/{kid}/revoke',
    summary: 'Take a key out of the JWKS for ever and put it on the deny list',
    roles: guards,
    body: withdrawSchema,
    answer: withdrawn,
    errors: [404, 409, 503],
  },
  restore: {
    method: 'POST',
    path: '/keys/restore',
    summary: 'Put what this replica remembers back into a database that was restored from a backup',
    roles: guards,
    body: rewrapSchema,
    answer: z.object({ restored: z.literal(true) }),
    errors: [409, 503],
  },
  rewrap: {
    method: 'POST',
    path: '/keys/rewrap',
    summary: 'Seal private keys again under the newest key-encryption key',
    roles: guards,
    body: rewrapSchema,
    answer: z.object({ kids: z.array(kid) }),
    errors: [409, 503],
  },
} as const satisfies Record<string, AdminOperation>;

/** Only who holds this role may promote a key that verifiers have not seen. */
export const forceRoles: readonly AdminRole[] = guards;
