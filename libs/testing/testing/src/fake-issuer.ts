import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SigningPair } from './signing-pair.ts';

export interface TokenOverrides {
  header?: Readonly<Record<string, unknown>>;
  /** A member that is undefined is left out. */
  claims?: Readonly<Record<string, unknown>>;
  /** Signs with this pair instead of the issuer's own. */
  pair?: SigningPair;
}

/** An issuer of model tokens on a real socket: metadata, JWKS and feeds as the token service publishes them. */
export class FakeIssuer {
  readonly audience = 'https://models.example.com';
  url = '';
  pair = new SigningPair();
  /** Answers every request with 503 while it is true. */
  down = false;
  /** The models that are registered there, for its one gateway; undefined where it knows of no such thing. */
  registered: object[] | undefined;
  readonly gateway = { id: 'gateway', secret: 'secret of the gateway' };
  readonly #server: Server;
  #published: SigningPair[] = [this.pair];
  #revoked: { jti: string; exp: number }[] = [];
  #limits: Record<string, { version: number; limit: object | null }> = {};

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(port = 0): Promise<FakeIssuer> {
    const issuer = new FakeIssuer();
    await new Promise<void>((resolve) => issuer.#server.listen(port, '127.0.0.1', resolve));
    const address = issuer.#server.address();
    issuer.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    return issuer;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A model token for fraud/iris:predict, or what the overrides make of it. */
  sign({ header, claims, pair = this.pair }: TokenOverrides = {}): string {
    const now = Math.floor(Date.now() / 1000);
    return pair.sign(
      { typ: 'at+jwt', alg: 'ES256', kid: pair.kid, ...header },
      {
        iss: this.url,
        sub: 'keycloak|f3b1',
        aud: this.audience,
        client_id: 'batch-scorer',
        iat: now,
        exp: now + 900,
        jti: randomUUID(),
        scope: 'fraud/iris:predict',
        authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict'] }],
        policy: 'fraud-scoring',
        policy_version: 1,
        ...claims,
      },
    );
  }

  /** A model token for these scope tokens, `namespace/name:verb` each. */
  signFor(scope: string, claims: TokenOverrides['claims'] = {}): string {
    const details = scope.split(' ').map((text) => {
      const [model, action] = text.split(':');
      return { type: 'kserve_inference', models: [model], actions: [action] };
    });
    return this.sign({ claims: { ...claims, scope, authorization_details: details } });
  }

  revoke(jti: string): void {
    this.#revoked.push({ jti, exp: Math.floor(Date.now() / 1000) + 900 });
  }

  setLimit(policy: string, limit: { quota: number; windowSeconds: number } | null): void {
    this.#limits = { ...this.#limits, [policy]: { version: 1, limit } };
  }

  /** Publishes a new key and signs with it; the old one stays published unless it is dropped. */
  rotate({ drop = false } = {}): void {
    this.pair = new SigningPair();
    this.#published = drop ? [this.pair] : [...this.#published, this.pair];
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.down) return void response.writeHead(503).end();
    if (request.url === '/catalogue' && !this.#isGateway(request)) return void response.writeHead(401).end();
    const document = this.#documents()[request.url ?? ''];
    if (!document) return void response.writeHead(404).end();
    const body = JSON.stringify(document);
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    response.writeHead(200, { 'content-type': 'application/json', etag, 'cache-control': 'max-age=300' }).end(body);
  }

  #isGateway({ headers }: IncomingMessage): boolean {
    const { id, secret } = this.gateway;
    return headers.authorization === `Basic ${btoa(`${id}:${secret.replaceAll(' ', '+')}`)}`;
  }

  #documents(): Record<string, object> {
    return {
      '/.well-known/oauth-authorization-server': {
        issuer: this.url,
        jwks_uri: `${this.url}/jwks`,
        modelgate_revocations_endpoint: `${this.url}/revocations`,
        modelgate_limits_endpoint: `${this.url}/limits`,
        ...(this.registered && { modelgate_catalogue_endpoint: `${this.url}/catalogue` }),
      },
      ...(this.registered && { '/catalogue': { models: this.registered } }),
      '/jwks': { keys: this.#published.map(({ publicJwk }) => publicJwk) },
      '/revocations': { version: String(this.#revoked.length), tokens: this.#revoked },
      '/limits': { policies: this.#limits },
    };
  }
}
