import type { AccessSnapshot, Client } from '@modelgate/issuance';
import { verificationKey } from '@modelgate/jwt';
import { ConfigurationError, readConfigurationFile } from '@modelgate/nest';
import { placeOf, problemsOf } from '@modelgate/oauth';
import { accessPolicySchema, accessProblems, trustedIssuerSchema, type TrustedIssuer } from '@modelgate/policy';
import type { JWK } from 'jose';
import { z } from 'zod';
import { adminSchema } from '../admin-api/admin-access.ts';

const identifier = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable characters without spaces');
const common = {
  clientId: identifier,
  mayExchange: z.array(identifier).default([]),
  issuers: z.array(z.string()).min(1).optional(),
  mayRevokeAny: z.boolean().default(false),
  /** A gateway, which reads the registered models. */
  mayReadCatalogue: z.boolean().default(false),
};
const publicJwk = z.record(z.string(), z.unknown()).transform((jwk, context): JWK => {
  // A registered key may do without a kid; for everything else it is held to what a JWKS is held to.
  const key = verificationKey({ kid: 'registered', ...jwk });
  if ('skipped' in key) context.addIssue({ code: 'custom', message: `is not a usable public key: ${key.skipped}` });
  return jwk;
});

const clientSchema = z.discriminatedUnion('authentication', [
  z.strictObject({
    ...common,
    authentication: z.literal('none'),
    mayExchange: z.array(identifier).max(0, 'a public client exchanges its own tokens only').default([]),
    mayReadCatalogue: z.literal(false, 'a public client is nobody in particular, and no gateway').default(false),
  }),
  z.strictObject({
    ...common,
    authentication: z.literal('client_secret'),
    secretSha256: z.array(z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')).min(1),
  }),
  z.strictObject({ ...common, authentication: z.literal('private_key_jwt'), keys: z.array(publicJwk).min(1) }),
]);

const fileSchema = z.strictObject({
  issuers: z.array(trustedIssuerSchema).min(1),
  clients: z.array(clientSchema).min(1),
  policies: z.array(accessPolicySchema),
  /** Who may use the admin API; absent: nobody, and it does not listen. */
  admin: adminSchema.optional(),
});

/**
 * Who is believed, who may ask, and who is granted what, as the file has it now.
 *
 * @param ownIssuer our own issuer URL
 * @throws ConfigurationError listing every problem of the file
 */
export function readAccessFile(path: string, ownIssuer: string): AccessSnapshot {
  const parsed = fileSchema.safeParse(readConfigurationFile('ACCESS_FILE', path));
  if (!parsed.success) {
    throw new ConfigurationError(
      problemsOf(parsed.error).map(({ path: at, detail }) => `ACCESS_FILE ${path}: ${placeOf(at) || 'it'} ${detail}`),
    );
  }
  const { issuers, policies, admin } = parsed.data;
  const clients: Client[] = parsed.data.clients.map(({ issuers: homes, ...client }) => ({
    ...client,
    ...(homes && { issuers: homes }),
  }));
  const problems = [...accessProblems(issuers, policies, ownIssuer), ...clientProblems(clients, issuers)];
  if (admin && !issuers.some(({ id }) => id === admin.issuer))
    problems.push(`admin names issuer ${admin.issuer}, which is not defined`);
  if (problems.length > 0) throw new ConfigurationError(problems.map((problem) => `ACCESS_FILE ${path}: ${problem}`));
  return { issuers, clients: new Map(clients.map((client) => [client.clientId, client])), policies, admin };
}

function clientProblems(clients: readonly Client[], issuers: readonly TrustedIssuer[]): string[] {
  const seen = new Set<string>();
  const known = new Set(issuers.map(({ id }) => id));
  return clients.flatMap(({ clientId, issuers: homes }) => {
    const problems = seen.has(clientId) ? [`client ${clientId} is defined twice`] : [];
    seen.add(clientId);
    if (!homes && issuers.length > 1)
      problems.push(`client ${clientId} must name its issuers, since there are several`);
    const unknown = (homes ?? []).filter((home) => !known.has(home));
    return [...problems, ...unknown.map((home) => `client ${clientId} names issuer ${home}, which is not defined`)];
  });
}
