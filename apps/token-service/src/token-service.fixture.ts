import { createLogger, type Environment } from '@modelgate/nest';
import { SigningPair } from '@modelgate/testing';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from './config.ts';
import { startTokenService, type TokenService } from './token-service.ts';

/** A realm's keys on a real socket, and tokens shaped as Keycloak shapes them. */
export class RealmDouble {
  readonly #server: Server;
  readonly #key = new SigningPair('RS256', 'realm-key');
  url = '';

  constructor() {
    const jwks = JSON.stringify({ keys: [this.#key.publicJwk] });
    this.#server = createServer((_, response) => response.end(jwks));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    this.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  token(claims: Record<string, unknown> = {}): string {
    const now = Math.floor(Date.now() / 1000);
    return this.#key.jwt({
      iss: this.url,
      sub: 'f3b1',
      aud: ['modelgate-sts', 'account'],
      typ: 'Bearer',
      azp: 'batch-scorer',
      jti: `trrtcc:${randomUUID()}`,
      iat: now,
      exp: now + 300,
      realm_access: { roles: ['fraud-scorer'] },
      ...claims,
    });
  }
}

export const clientSecret = 'a-secret-of-this-test-alone';

/** An access file for one realm. */
export function accessYaml(realm: string): string {
  return JSON.stringify({
    issuers: [
      { id: 'keycloak', kind: 'keycloak', issuer: realm, jwksUri: `${realm}/certs`, audiences: ['modelgate-sts'] },
    ],
    clients: [
      {
        clientId: 'batch-scorer',
        authentication: 'client_secret',
        secretSha256: [createHash('sha256').update(clientSecret).digest('hex')],
      },
    ],
    policies: [
      {
        name: 'fraud-scoring',
        // A date and a time, as many write one: more than an integer column holds.
        version: 202_611_280_930,
        issuer: 'keycloak',
        match: { realmRole: 'fraud-scorer' },
        grants: [{ models: ['fraud/iris'], verbs: ['predict', 'explain'] }],
        limit: '600/1m',
      },
    ],
  });
}

export interface Running extends TokenService {
  /** Everything it logged. */
  log: () => string;
}

/** A folder with the files of one deployment, its environment, and services started from it. */
export class Deployment {
  readonly folder = mkdtempSync(join(tmpdir(), 'modelgate-token-service-'));
  readonly environment: Record<string, string>;
  readonly #running: Running[] = [];

  constructor(realm: string, databaseUrl: string, more: Record<string, string> = {}) {
    const access = join(this.folder, 'access.yaml');
    writeFileSync(access, accessYaml(realm));
    this.environment = {
      TOKEN_ISSUER: 'http://127.0.0.1:18099/tenant',
      MODEL_AUDIENCE: 'https://models.example.com',
      DATABASE_URL: databaseUrl,
      KEK_FILE: join(this.folder, 'kek.json'),
      ACCESS_FILE: access,
      PORT: '0',
      ...more,
    };
  }

  async start(more: Environment = {}): Promise<Running> {
    const lines: string[] = [];
    const logger = createLogger('token-service', 'info', { write: (line: string) => void lines.push(line) });
    const service = await startTokenService(readConfig({ ...this.environment, ...more }), logger);
    const running = { ...service, log: () => lines.join('') };
    this.#running.push(running);
    return running;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((service) => service.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const basic = `Basic ${btoa(`batch-scorer:${clientSecret}`)}`;

/** POSTs a token exchange; what is given wins. */
export function exchange(url: string, subjectToken: string, more: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: basic },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subjectToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...more,
    }),
  });
}
