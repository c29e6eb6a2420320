import { verbsOfRole, type AdminRole } from './admin-role.ts';
import { z } from 'zod';

const kid = z.string().describe('RFC 7638 thumbprint');
const time = z.iso.datetime().describe('RFC 3339, on the database’s clock');
const exposure = z.array(
  z.object({
    verifier: z.string().describe('kind of verifier'),
    seconds: z.number().nullable().describe('null: until something makes it read the JWKS again'),
  }),
);

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
  earliestActivation: time.optional(),
  waitsFor: z.array(z.string()).optional().describe('live replicas that do not serve it yet'),
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
        requests: z.int(),
        slowestSeconds: z.number().optional(),
        warning: z.string().optional(),
      }),
    )
    .describe('who reads the JWKS, and how often'),
});

const reason = z.string().min(3).max(500).describe('goes to the audit log');
const alg = z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']);
export const rotateSchema = z.strictObject({ reason, alg: alg.optional(), force: z.boolean().optional() });
export const prepareSchema = z.strictObject({ reason, alg: alg.optional() });
export const withdrawSchema = z.strictObject({ reason, force: z.boolean().optional() });
export const rewrapSchema = z.strictObject({ reason });

export interface AdminOperation {
  method: 'GET' | 'POST';
  /** Under `/admin/v1`. */
  path: string;
  summary: string;
  roles: readonly AdminRole[];
  body?: z.ZodType;
  answer: z.ZodType;
  /** Beside 400, 401 and 403. */
  errors: readonly number[];
}

const looks = verbsOfRole.look;
const operates = verbsOfRole.operate;
const guards = verbsOfRole.guard;

/** Every operation of the admin API: what guards it, what it takes, what it answers. The API's description is made of it. */
export const adminOperations = {
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
    answer: z.object({ active: kid, retiring: kid, exposure }),
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
    answer: z.object({ kid, active: kid.optional(), exposure }),
    errors: [404, 409, 503],
  },
  revoke: {
    method: 'POST',
    path: '/keys/{kid}/revoke',
    summary: 'Take a key out of the JWKS for ever and put it on the deny list',
    roles: guards,
    body: withdrawSchema,
    answer: z.object({ kid, active: kid.optional(), exposure }),
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

export type AdminOperationName = keyof typeof adminOperations;

/** Only who holds this role may promote a key that verifiers have not seen. */
export const forceRoles: readonly AdminRole[] = guards;
