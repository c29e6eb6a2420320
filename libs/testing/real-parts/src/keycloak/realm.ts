import { dpopProof, type DpopKey } from './dpop-proof.ts';
import {
  readRealmFile,
  realmClient,
  realmUser,
  tokenServiceAudience,
  type RealmClient,
  type RealmFile,
} from './realm-file.ts';

export interface TokenSet {
  accessToken: string;
  /** `Bearer`, or `DPoP` where the token is bound to a key. */
  tokenType: string;
  /** Seconds. */
  expiresIn: number;
  scope: string;
  /** Not for a client's own tokens. With the scope `offline_access` it is an offline token. */
  refreshToken?: string;
  /** With the scope `openid`. */
  idToken?: string;
}

export interface TokenOptions {
  scope?: string;
  /** Binds the access token to this key. */
  dpopKey?: DpopKey;
}

export interface RealmOptions {
  kind: 'keycloak' | 'stand-in';
  /** Without a trailing slash; the issuer is `{url}/realms/{realm}`. */
  url: string;
  admin?: { username: string; password: string };
  rotate: () => Promise<{ kid: string }>;
  stop: () => Promise<void>;
}

/** The token endpoint answered with an error; the message carries `error` and `error_description` and no credential. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
  readonly status: number;
  /** RFC 6749 section 5.2. */
  readonly code: string;

  constructor(status: number, code: string, description: string) {
    super(`token endpoint answered ${status} ${code}: ${description}`);
    this.status = status;
    this.code = code;
  }
}

/** The development realm of a running identity provider, and its tokens. */
export class Realm {
  readonly kind: 'keycloak' | 'stand-in';
  readonly url: string;
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  /** What an exchangeable token's `aud` contains. */
  readonly audience = tokenServiceAudience;
  /** Of the master realm; absent for the stand-in. */
  readonly admin: { username: string; password: string } | undefined;
  readonly #file: RealmFile = readRealmFile();
  readonly #options: RealmOptions;

  constructor(options: RealmOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.url = options.url;
    this.admin = options.admin;
    this.issuer = `${options.url}/realms/${this.#file.realm}`;
    this.tokenEndpoint = `${this.issuer}/protocol/openid-connect/token`;
    this.jwksUri = `${this.issuer}/protocol/openid-connect/certs`;
  }

  /** The clients of the realm, with their secrets, which are for development only. */
  get clients(): readonly RealmClient[] {
    return this.#file.clients;
  }

  /** The token of a client's own account. @throws TokenRefused */
  clientCredentials(clientId: string, options: TokenOptions = {}): Promise<TokenSet> {
    return this.#request(clientId, { grant_type: 'client_credentials' }, options);
  }

  /** The tokens of a person at this client. @throws TokenRefused */
  password(username: string, clientId: string, options: TokenOptions = {}): Promise<TokenSet> {
    const password = realmUser(this.#file, username).credentials?.find(({ type }) => type === 'password')?.value;
    if (password === undefined) throw new Error(`the realm's user ${username} has no password`);
    return this.#request(clientId, { grant_type: 'password', username, password }, { scope: 'openid', ...options });
  }

  /** @throws TokenRefused */
  refresh(refreshToken: string, clientId: string, options: TokenOptions = {}): Promise<TokenSet> {
    return this.#request(clientId, { grant_type: 'refresh_token', refresh_token: refreshToken }, options);
  }

  /** Signs with a new key from now on; the old one stays published. Every client's next token carries the new `kid`. */
  rotateRealmKeys(): Promise<{ kid: string }> {
    return this.#options.rotate();
  }

  stop(): Promise<void> {
    return this.#options.stop();
  }

  async #request(clientId: string, grant: Record<string, string>, options: TokenOptions): Promise<TokenSet> {
    const { secret } = realmClient(this.#file, clientId);
    const form = new URLSearchParams({ ...grant, client_id: clientId });
    if (secret !== undefined) form.set('client_secret', secret);
    if (options.scope) form.set('scope', options.scope);
    const proof = options.dpopKey && { dpop: await dpopProof(options.dpopKey, 'POST', this.tokenEndpoint) };
    const response = await fetch(this.tokenEndpoint, {
      method: 'POST',
      body: form,
      headers: { ...proof },
      redirect: 'error',
    });
    return readTokenResponse(response);
  }
}

async function readTokenResponse(response: Response): Promise<TokenSet> {
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const text = (name: string): string => (typeof answer[name] === 'string' ? answer[name] : '');
  if (!response.ok) throw new TokenRefused(response.status, text('error') || 'unknown', text('error_description'));
  return {
    accessToken: text('access_token'),
    tokenType: text('token_type'),
    expiresIn: Number(answer['expires_in']),
    scope: text('scope'),
    ...(answer['refresh_token'] ? { refreshToken: text('refresh_token') } : {}),
    ...(answer['id_token'] ? { idToken: text('id_token') } : {}),
  };
}
