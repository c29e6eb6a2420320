import type { HttpAnswer, HttpGet } from '@modelgate/jwt';
import { OAuthError, TokenType } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import type { SigningPair } from '@modelgate/testing';
import type { IssuerDispatch } from './issuer-dispatch.ts';

export const startOfTime = 1_800_000_000;
export const realm = 'https://id.example.com/realms/modelgate';

/** Publishes what it is told to, by URL; each question is counted. */
export class JwksSite {
  asked = 0;
  down = false;
  readonly documents = new Map<string, unknown>();

  publish(url: string, ...keys: readonly SigningPair[]): void {
    this.documents.set(url, { keys: keys.map(({ publicJwk }) => publicJwk) });
  }

  readonly get: HttpGet = async (url): Promise<HttpAnswer> => {
    this.asked++;
    const document = this.documents.get(url);
    const status = this.down || document === undefined ? 503 : 200;
    return {
      status,
      headers: new Headers({ 'cache-control': 'no-cache' }),
      body: Buffer.from(JSON.stringify(document ?? {})),
    };
  };
}

export function trusted(changes: Partial<TrustedIssuer> = {}): TrustedIssuer {
  return {
    id: 'keycloak-prod',
    kind: 'keycloak',
    issuer: realm,
    jwksUri: `${realm}/protocol/openid-connect/certs`,
    audiences: ['modelgate-sts'],
    algorithms: ['RS256', 'ES256'],
    maxLifetime: 3600,
    ...changes,
  };
}

/** A user's access token as Keycloak 26 makes it. */
export function userClaims(): Record<string, unknown> {
  return {
    exp: startOfTime + 300,
    iat: startOfTime,
    jti: 'onrtro:5a3e2c1b-8d13-4b0e-9d0e-3f0f7c2b1a90',
    iss: realm,
    aud: ['modelgate-sts', 'account'],
    sub: 'f3b1c0de-0000-4000-8000-000000000001',
    typ: 'Bearer',
    azp: 'notebook',
    sid: 'wZ0x1Y2v3U4t5S6r7Q8p9O0n',
    acr: '1',
    'allowed-origins': ['/*'],
    realm_access: { roles: ['model-user', 'default-roles-modelgate', 'offline_access'] },
    resource_access: { account: { roles: ['view-profile'] } },
    scope: 'openid email profile',
    email_verified: true,
    groups: ['/teams/fraud'],
    preferred_username: 'alice',
  };
}

/** 'accepted', or what the operator reads; everything the caller reads is checked on the way. */
export async function verdict(issuers: IssuerDispatch, token: string): Promise<string> {
  const error: unknown = await issuers.verify(token, TokenType.accessToken).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return 'accepted';
  if (!(error instanceof OAuthError)) throw error;
  if (error.code !== 'invalid_request' || error.description !== 'the token is not acceptable') {
    return `${error.code}: ${error.description}`;
  }
  return error.detail ?? 'no detail';
}
