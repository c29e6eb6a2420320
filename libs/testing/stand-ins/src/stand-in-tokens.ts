import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { RealmClient, RealmFile, RealmUser } from '@modelgate/real-parts';
import type { StandInKeys } from './stand-in-keys.ts';

const refreshLifespan = 1800;
// What every user of a Keycloak realm has by default.
const builtInRealmRoles = ['offline_access', 'uma_authorization'];
const accountRoles = ['manage-account', 'manage-account-links', 'view-profile'];

/** What a token is about: the client, and the person or the client's own account. */
export interface TokenSubject {
  client: RealmClient;
  user: RealmUser;
  /** Space-separated, as asked for. */
  scope: string;
  /** Thumbprint of the key a DPoP proof was made with. */
  jkt?: string | undefined;
  /** Of the session that is refreshed. */
  sid?: string | undefined;
}

/** Tokens with the claims, the header types and the omissions of Keycloak's, from the realm file. */
export class StandInTokens {
  readonly #issuer: string;
  readonly #file: RealmFile;
  readonly #keys: StandInKeys;

  constructor(issuer: string, file: RealmFile, keys: StandInKeys) {
    this.#issuer = issuer;
    this.#file = file;
    this.#keys = keys;
  }

  /** The body of the token endpoint's answer. */
  async respond(asked: TokenSubject): Promise<Record<string, unknown>> {
    const person = asked.user.serviceAccountClientId === undefined;
    const subject = { ...asked, sid: person ? (asked.sid ?? randomBytes(18).toString('base64url')) : undefined };
    const lifespan = Number(subject.client.attributes?.['access.token.lifespan'] ?? this.#file.accessTokenLifespan);
    const scopes = new Set(subject.scope.split(' '));
    return {
      access_token: await this.#accessToken(subject, lifespan),
      expires_in: lifespan,
      token_type: subject.jkt ? 'DPoP' : 'Bearer',
      'not-before-policy': 0,
      scope: grantedScope(subject),
      ...(person && { refresh_token: await this.#refreshToken(subject, scopes.has('offline_access')) }),
      ...(person && scopes.has('openid') && { id_token: await this.#idToken(subject, lifespan) }),
    };
  }

  #accessToken(subject: TokenSubject, lifespan: number): Promise<string> {
    const { client, user, jkt, sid } = subject;
    const attributes = client.attributes ?? {};
    const person = user.serviceAccountClientId === undefined;
    const lightweight = attributes['client.use.lightweight.access.token.enabled'] === 'true';
    const payload = {
      ...this.#common(lifespan, person ? 'onrtro:' : 'trrtcc:'),
      typ: jkt ? 'DPoP' : 'Bearer',
      azp: client.clientId,
      ...(sid && { sid }),
      ...(jkt && { cnf: { jkt, 'kc-jkt-type': 'DPoP' } }),
      scope: grantedScope(subject),
      ...(lightweight ? lightweightClaims(user) : fullClaims(client, user)),
    };
    const alg = attributes['access.token.signed.response.alg'] ?? 'RS256';
    const typ = attributes['access.token.header.type.rfc9068'] === 'true' ? 'at+jwt' : 'JWT';
    return this.#keys.sign(payload, { alg, typ });
  }

  #idToken({ client, user, sid }: TokenSubject, lifespan: number): Promise<string> {
    return this.#keys.sign({
      ...this.#common(lifespan),
      aud: client.clientId,
      sub: subjectId(user),
      typ: 'ID',
      azp: client.clientId,
      ...(sid && { sid }),
      acr: '1',
      ...profile(user),
      ...groups(client, user),
    });
  }

  #refreshToken({ client, user, scope, sid, jkt }: TokenSubject, offline: boolean): Promise<string> {
    const { exp, ...timeless } = this.#common(refreshLifespan);
    return this.#keys.signRefreshToken({
      ...timeless,
      ...(!offline && { exp }),
      aud: this.#issuer,
      sub: subjectId(user),
      typ: offline ? 'Offline' : 'Refresh',
      azp: client.clientId,
      ...(sid && { sid }),
      ...(jkt && { cnf: { jkt } }),
      scope,
      username: user.username,
    });
  }

  #common(lifespan: number, jtiPrefix = ''): JWTPayload & { exp: number } {
    const now = Math.floor(Date.now() / 1000);
    return { exp: now + lifespan, iat: now, jti: `${jtiPrefix}${randomUUID()}`, iss: this.#issuer };
  }
}

function fullClaims(client: RealmClient, user: RealmUser): JWTPayload {
  const own = user.clientRoles ?? {};
  const mapped = mappers(client, 'oidc-audience-mapper').map(({ config }) => config['included.client.audience'] ?? '');
  const audiences = [...new Set([...mapped, ...Object.keys(own), 'account'])];
  const roles = Object.entries({ ...own, account: accountRoles }).map(([name, list]) => [name, { roles: list }]);
  return {
    aud: audiences.length === 1 ? audiences.join('') : audiences,
    sub: subjectId(user),
    acr: '1',
    realm_access: { roles: [...user.realmRoles, ...builtInRealmRoles] },
    resource_access: Object.fromEntries(roles),
    ...profile(user),
    ...groups(client, user),
    ...(user.serviceAccountClientId && {
      client_id: user.serviceAccountClientId,
      clientHost: '127.0.0.1',
      clientAddress: '127.0.0.1',
    }),
  };
}

/** A person's carries no `sub`, a client's own does; neither has `aud`, roles or groups. */
function lightweightClaims(user: RealmUser): JWTPayload {
  return user.serviceAccountClientId === undefined ? {} : { sub: subjectId(user) };
}

function profile({ username, firstName, lastName, email }: RealmUser): JWTPayload {
  return {
    email_verified: email !== undefined,
    preferred_username: username,
    ...(firstName && lastName && { name: `${firstName} ${lastName}`, given_name: firstName, family_name: lastName }),
    ...(email && { email }),
  };
}

/** Absent, not empty, for who is in no group. */
function groups(client: RealmClient, user: RealmUser): JWTPayload {
  const mapped = mappers(client, 'oidc-group-membership-mapper').length > 0 && (user.groups?.length ?? 0) > 0;
  return mapped ? { groups: user.groups } : {};
}

function mappers(client: RealmClient, kind: string): NonNullable<RealmClient['protocolMappers']> {
  return (client.protocolMappers ?? []).filter(({ protocolMapper }) => protocolMapper === kind);
}

/** Keycloak adds its default scopes to what was asked for. */
function grantedScope({ scope }: TokenSubject): string {
  return [...new Set([...scope.split(' ').filter(Boolean), 'email', 'profile'])].join(' ');
}

/** The same UUID for the same user every time. */
function subjectId({ username }: RealmUser): string {
  const hex = createHash('sha256').update(username).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
