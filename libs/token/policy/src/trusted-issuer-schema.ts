import { isProtectedUrl } from '@modelgate/core';
import { z } from 'zod';
import { dnsName, durationSeconds } from './schema-parts.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';

/** Asymmetric ones only: a shared secret would let every verifier sign. */
const algorithms = z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']);

const url = z
  .string()
  .refine(isPlainUrl, 'must be an absolute http or https URL without credentials, query and fragment');

/** A trusted issuer as written in the access file; its output is a TrustedIssuer. */
export const trustedIssuerSchema = z
  .strictObject({
    id: dnsName,
    kind: z.enum(['keycloak', 'oidc']),
    issuer: url,
    /** Default for Keycloak: its certs endpoint under `issuer`. */
    jwksUri: url.optional(),
    /** Keys fetched in plain text can be replaced on their way; loopback is excepted. */
    allowInsecureHttp: z.boolean().default(false),
    audiences: z.array(z.string().min(1)).min(1),
    authorizedParties: z.array(z.string().min(1)).min(1).optional(),
    algorithms: z.array(algorithms).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
    maxLifetime: durationSeconds({ min: 1 }).default(12 * 3600),
  })
  .transform(({ jwksUri: written, allowInsecureHttp, authorizedParties, ...issuer }, context): TrustedIssuer => {
    const jwksUri =
      written ??
      (issuer.kind === 'keycloak' ? `${issuer.issuer.replace(/\/$/, '')}/protocol/openid-connect/certs` : undefined);
    if (jwksUri === undefined) {
      context.addIssue({ code: 'custom', path: ['jwksUri'], message: 'is required for an issuer of kind oidc' });
      return z.NEVER;
    }
    if (!allowInsecureHttp && !isProtectedUrl(new URL(jwksUri))) {
      const message = 'keys over plain http can be replaced on their way; use https, or say allowInsecureHttp: true';
      context.addIssue({ code: 'custom', path: ['jwksUri'], message });
      return z.NEVER;
    }
    return { ...issuer, jwksUri, ...(authorizedParties && { authorizedParties }) };
  });

function isPlainUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s?#]+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
