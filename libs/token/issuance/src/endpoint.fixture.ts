/** A whole token endpoint in memory, with a real key and a clock that stands still. For tests. */
import { createHash, verify, type KeyObject } from 'node:crypto';
import { AuditLog, type AuditEvent } from '@modelgate/audit';
import type { Signer } from '@modelgate/keys';
import { OAuthError, TokenType, type TokenResponse } from '@modelgate/oauth';
import type { AccessPolicy, TrustedIssuer } from '@modelgate/policy';
import { parseScope } from '@modelgate/scope';
import { ManualClock, SigningPair } from '@modelgate/testing';
import type { AccessSnapshot } from './access/access-snapshot.ts';
import { AccessSource } from './access/access-source.ts';
import { MemoryAssertionIds } from './clients/memory-assertion-ids.ts';
import type { Client } from './clients/client.ts';
import { JwtFormat, type JwtFormatOptions } from './formats/jwt-format.ts';
import { TokenExchangeGrant, type TokenExchangeOptions } from './grants/token-exchange-grant.ts';
import { SubjectTokenVerifier, type Subject } from './subject.ts';
import { TokenEndpoint, type TokenEndpointOptions } from './token-endpoint.ts';

export const issuer = 'https://tokens.example.com';
export const audience = 'https://models.example.com';
export const startOfTime = 1_800_000_000;
export const secret = 'a-secret-of-high-entropy';
export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
export const basic = (clientId: string, clientSecret = secret) =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

/** Made anew from its lists for whoever asks, so that a test changes them in place; of two equal names the first counts. */
export class ListedAccess extends AccessSource {
  readonly clients: Client[];
  policies: AccessPolicy[] = [];
  issuers: TrustedIssuer[] = [];
  constructor(clients: Client[]) {
    super();
    this.clients = clients;
  }
  override get current(): AccessSnapshot {
    const clients = new Map(this.clients.toReversed().map((client) => [client.clientId, client]));
    return { issuers: this.issuers, clients, policies: this.policies };
  }
  override onChange(): void {}
}

/** Knows tokens by heart, and refuses every other one the way the real one does. */
export class ListedSubjects extends SubjectTokenVerifier {
  readonly tokens = new Map<string, Subject>();
  override async verify(token: string): Promise<Subject> {
    const subject = this.tokens.get(token);
    if (subject) return subject;
    throw new OAuthError('invalid_request', 'subject_token: bad signature', { detail: 'signature' });
  }
}

export class ListedAudit extends AuditLog {
  readonly events: AuditEvent[] = [];
  failure: Error | undefined;
  override async write(event: AuditEvent): Promise<void> {
    if (this.failure) throw this.failure;
    this.events.push(event);
  }
}

export function trustedIssuer(id: string, url = `https://${id}.example.com/realm`): TrustedIssuer {
  return {
    id,
    kind: 'keycloak',
    issuer: url,
    jwksUri: `${url}/certs`,
    audiences: ['modelgate'],
    algorithms: ['RS256'],
    maxLifetime: 36_000,
  };
}

export function policy(name: string, scope: string, more: Partial<AccessPolicy> = {}): AccessPolicy {
  const match = { '/realm_access/roles': { anyOf: ['fraud-scorer'] } };
  return {
    name,
    version: 3,
    enabled: true,
    issuer: 'keycloak',
    match,
    grants: parseScope(scope),
    maxTtl: 3600,
    ...more,
  };
}

export function subject(more: Partial<Subject> = {}): Subject {
  return {
    issuer: 'keycloak',
    sub: 'alice',
    authorizedParty: 'notebook',
    expiresAt: startOfTime + 300,
    senderConstrained: false,
    ...more,
    claims: {
      iss: `https://${more.issuer ?? 'keycloak'}.example.com/realm`,
      realm_access: { roles: ['fraud-scorer'] },
      azp: 'notebook',
      ...more.claims,
    },
  };
}

export interface Signing {
  signer: Signer;
  publicKey: KeyObject;
}

export function es256(kid = 'key-1'): Signing {
  const pair = new SigningPair('ES256', kid);
  const signer: Signer = {
    kid,
    alg: 'ES256',
    verifyNotAfter: startOfTime + 100_000,
    sign: (input) => pair.signature(Buffer.from(input)),
  };
  return { signer, publicKey: pair.publicKey };
}

/** Header and claims of a token whose signature has been verified. */
export function readToken(token: string, publicKey: KeyObject): { header: unknown; claims: Record<string, unknown> } {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const input = Buffer.from(`${header}.${payload}`);
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', input, key, Buffer.from(signature, 'base64url')))
    throw new Error('the signature does not verify');
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: read(header), claims: read(payload) as Record<string, unknown> };
}

const signing = es256();

type WorldOptions = TokenEndpointOptions & JwtFormatOptions & TokenExchangeOptions;

/** Public `notebook`, confidential `scorer` and `broker` (may exchange for `notebook`), and one policy for `fraud`. */
export function world(more: Partial<WorldOptions> = {}) {
  const access = new ListedAccess([
    { clientId: 'notebook', mayExchange: [], authentication: 'none' },
    { clientId: 'scorer', mayExchange: [], authentication: 'client_secret', secretSha256: [sha256(secret)] },
    { clientId: 'broker', mayExchange: ['notebook'], authentication: 'client_secret', secretSha256: [sha256(secret)] },
  ]);
  const subjects = new ListedSubjects();
  subjects.tokens.set('alice', subject());
  access.policies = [policy('fraud-batch', 'fraud/iris:predict fraud/iris:explain fraud/tree:predict')];
  access.issuers = [trustedIssuer('keycloak')];
  const clock = new ManualClock();
  const audit = new ListedAudit();
  const unaudited: AuditEvent[] = [];
  const options = {
    access,
    subjects,
    minting: { signer: () => signing.signer },
    audit,
    assertions: new MemoryAssertionIds(),
    clock,
    issuer,
    audience,
    defaultTtlSeconds: 900,
    onAuditFailure: (event: AuditEvent) => unaudited.push(event),
    ...more,
  };
  const endpoint = new TokenEndpoint({
    grants: [new TokenExchangeGrant(options)],
    format: new JwtFormat(options),
    ...options,
  });
  const send = (parameters: Parameters, authorization?: string) =>
    endpoint.handle({ form: form(parameters), authorization, requestId: 'request-1' });
  const exchange = (parameters: Parameters = {}, authorization?: string): Promise<TokenResponse> =>
    send(
      { ...exchangeOf('alice'), ...(authorization === undefined && { client_id: 'notebook' }), ...parameters },
      authorization,
    );
  const claimsOf = ({ access_token: token }: TokenResponse) => readToken(token, signing.publicKey).claims;
  return { access, subjects, clock, audit, unaudited, endpoint, send, exchange, claimsOf, signing };
}

export type Parameters = Record<string, string | string[]>;

export function form(parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return new URLSearchParams(pairs).toString();
}

export function exchangeOf(token: string): Parameters {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: TokenType.accessToken,
  };
}
