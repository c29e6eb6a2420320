import {
  loopback,
  loopbackPort,
  Progress,
  readRealmFile,
  Realm,
  realmClient,
  type Availability,
  type RealmClient,
  type RealmFile,
  type RealmUser,
  type RealPart,
  type StartOptions,
} from '@modelgate/real-parts';
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { errors, Provider, type TokenContext } from 'oidc-provider';
import { StandInKeys } from './stand-in-keys.ts';
import { StandInTokens } from './stand-in-tokens.ts';

const name = 'identity-provider';
const scopes = ['openid', 'email', 'profile', 'offline_access'];
// Since this long ago a proof may have been made, in seconds.
const dpopProofAge = 60;

/**
 * Stands in for Keycloak where that cannot be had: an embedded oidc-provider with the same realm, the same URLs and
 * tokens of the same shape for client credentials, password and refresh. No pages, no login, no admin API.
 */
export const identityProvider: RealPart<Realm> = {
  name,

  available(): Promise<Availability> {
    return Promise.resolve({ ok: true });
  },

  async start(options: StartOptions = {}): Promise<Realm> {
    new Progress(name, options.onProgress).note(
      "not Keycloak: an embedded oidc-provider issues tokens of Keycloak's shape",
    );
    const port = await loopbackPort(options.port);
    const url = `http://${loopback}:${port}`;
    const file = readRealmFile();
    const standIn = new StandIn(`${url}/realms/${file.realm}`, file, await StandInKeys.generate());
    const server = createServer((request, response) => standIn.handle(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, loopback, resolve);
    });
    return new Realm({ kind: 'stand-in', url, rotate: () => standIn.rotate(), stop: () => close(server) });
  },
};

class StandIn {
  readonly #issuer: string;
  readonly #file: RealmFile;
  readonly #keys: StandInKeys;
  readonly #tokens: StandInTokens;
  readonly #usedProofs = new Set<string>();
  #callback: ReturnType<Provider['callback']>;

  constructor(issuer: string, file: RealmFile, keys: StandInKeys) {
    this.#issuer = issuer;
    this.#file = file;
    this.#keys = keys;
    this.#tokens = new StandInTokens(issuer, file, keys);
    this.#callback = this.#provider();
  }

  /** The provider's key set is fixed when it is made; it holds nothing else, so another one takes its place. */
  async rotate(): Promise<{ kid: string }> {
    const rotated = await this.#keys.rotate();
    this.#callback = this.#provider();
    return rotated;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(this.#issuer);
    const url = request.url ?? '/';
    const rfc8414 = `/.well-known/oauth-authorization-server${pathname}`;
    if (url !== rfc8414 && !url.startsWith(`${pathname}/`)) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
      return;
    }
    const below = url === rfc8414 ? '/.well-known/oauth-authorization-server' : url.slice(pathname.length);
    this.#callback(Object.assign(request, { url: below, baseUrl: pathname }), response);
  }

  #provider(): ReturnType<Provider['callback']> {
    const connect = '/protocol/openid-connect';
    const provider = new Provider(this.#issuer, {
      clients: this.#file.clients.map(clientMetadata),
      jwks: this.#keys.jwks(),
      scopes,
      responseTypes: ['none'],
      clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
      features: { devInteractions: { enabled: false }, encryption: { enabled: true }, userinfo: { enabled: false } },
      routes: { token: `${connect}/token`, jwks: `${connect}/certs`, authorization: `${connect}/auth` },
      cookies: { keys: ['unused'] },
      adapter: NoStorage,
    });
    provider.registerGrantType('client_credentials', (ctx) => this.#clientCredentials(ctx), ['scope']);
    provider.registerGrantType('password', (ctx) => this.#password(ctx), ['username', 'password', 'scope']);
    provider.registerGrantType('refresh_token', (ctx) => this.#refresh(ctx), ['refresh_token', 'scope']);
    return provider.callback();
  }

  async #clientCredentials(ctx: TokenContext): Promise<void> {
    const client = realmClient(this.#file, ctx.oidc.client.clientId);
    const user = this.#file.users.find((candidate) => candidate.serviceAccountClientId === client.clientId);
    if (!user) throw new errors.InvalidGrant('the client has no service account');
    await this.#answer(ctx, client, user);
  }

  async #password(ctx: TokenContext): Promise<void> {
    const { username, password } = ctx.oidc.params;
    const user = this.#file.users.find((candidate) => candidate.username === username);
    const known = user?.credentials?.find(({ type }) => type === 'password')?.value;
    if (!user || !known || !sameText(known, password ?? '')) throw new errors.InvalidGrant('Invalid user credentials');
    await this.#answer(ctx, realmClient(this.#file, ctx.oidc.client.clientId), user);
  }

  async #refresh(ctx: TokenContext): Promise<void> {
    const read = this.#keys.readRefreshToken(ctx.oidc.params['refresh_token'] ?? '');
    const payload = await read.catch(() => {
      throw new errors.InvalidGrant('Invalid refresh token');
    });
    const user = this.#file.users.find((candidate) => candidate.username === payload['username']);
    if (!user || payload['azp'] !== ctx.oidc.client.clientId) throw new errors.InvalidGrant('Invalid refresh token');
    ctx.oidc.params['scope'] ??= text(payload['scope']);
    await this.#answer(ctx, realmClient(this.#file, ctx.oidc.client.clientId), user, text(payload['sid']));
  }

  async #answer(ctx: TokenContext, client: RealmClient, user: RealmUser, sid?: string): Promise<void> {
    const { scope = '' } = ctx.oidc.params;
    const unknown = scope.split(' ').filter((part) => part !== '' && !scopes.includes(part));
    if (unknown.length > 0) throw new errors.InvalidScope(`Invalid scopes: ${unknown.join(' ')}`);
    ctx.body = await this.#tokens.respond({ client, user, scope, sid, jkt: await this.#proofThumbprint(ctx, client) });
  }

  async #proofThumbprint(ctx: TokenContext, client: RealmClient): Promise<string | undefined> {
    const proof = ctx.get('DPoP');
    if (proof === '') {
      const required = client.attributes?.['dpop.bound.access.tokens'] === 'true';
      if (required) throw new errors.InvalidRequest('DPoP proof is missing');
      return undefined;
    }
    try {
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        maxTokenAge: dpopProofAge,
      });
      const here = payload['htm'] === 'POST' && payload['htu'] === `${this.#issuer}/protocol/openid-connect/token`;
      const { jti = '' } = payload;
      if (!here || jti === '' || this.#usedProofs.has(jti)) throw new Error('not a new proof for this request');
      this.#usedProofs.add(jti);
      return await calculateJwkThumbprint(protectedHeader.jwk ?? {});
    } catch {
      throw new errors.InvalidDpopProof('DPoP proof is not valid for this request');
    }
  }
}

/** The provider keeps nothing: what it would store are tokens and sessions it does not issue here. */
class NoStorage {
  find(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async upsert(): Promise<void> {}
}

function clientMetadata(client: RealmClient): object {
  const grants = [
    ...(client.serviceAccountsEnabled ? ['client_credentials'] : []),
    ...(client.directAccessGrantsEnabled ? ['password', 'refresh_token'] : []),
  ];
  return {
    client_id: client.clientId,
    ...(client.secret !== undefined && { client_secret: client.secret }),
    token_endpoint_auth_method: client.secret === undefined ? 'none' : 'client_secret_post',
    grant_types: grants,
    response_types: [],
    redirect_uris: [],
  };
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}
