import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { OpenApiContract } from '@modelgate/testing';
import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { openApiDocument } from './openapi.ts';
import { Deployment, RealmDouble, type Running } from '../token-service.fixture.ts';

/** Keys that move within seconds, at a pace that a replica keeps up with while the machine starts other processes. */
export const quickKeys = {
  KEYS_LEAD_TIME: '8s',
  KEYS_PROPAGATION: '6s',
  JWKS_MAX_AGE: '1s',
  CLOCK_SKEW: '1s',
  KEYS_VERIFIERS: 'none',
};

interface Access {
  clients: object[];
  [member: string]: unknown;
}

/** Lets people of the realm be admins, by their roles at the client `modelgate-admin`. */
export function admitAdmins(
  { environment }: Deployment,
  change: (access: Access) => Access = (access) => access,
): void {
  const file = environment['ACCESS_FILE'] ?? '';
  const access = change(JSON.parse(readFileSync(file, 'utf8')) as Access);
  writeFileSync(file, JSON.stringify({ ...access, admin: { issuer: 'keycloak', rolesOfClient: 'modelgate-admin' } }));
}

/** What the realm double issues to somebody with these roles. */
export function adminToken(realm: RealmDouble, ...roles: string[]): string {
  return realm.token({
    aud: ['modelgate-admin'],
    azp: 'modelgate-admin',
    sub: 'carol',
    resource_access: { 'modelgate-admin': { roles } },
  });
}

export interface AdminAnswer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface ListedKey {
  kid: string;
  state: string;
  liveTokens: number;
  readiness?: Record<string, unknown>;
}

/** A token service with an admin API, on a database of its own. */
export class AdminBed {
  readonly server: PostgresServer & { stop(): Promise<void> };
  readonly realm: RealmDouble;
  readonly deployment: Deployment;
  readonly service: Running;
  readonly #contract = new OpenApiContract(openApiDocument());

  private constructor(parts: Pick<AdminBed, 'server' | 'realm' | 'deployment' | 'service'>) {
    this.server = parts.server;
    this.realm = parts.realm;
    this.deployment = parts.deployment;
    this.service = parts.service;
  }

  /** @param access changes the access file @param more settings */
  static async start(
    access?: (access: Access) => Access,
    more: Readonly<Record<string, string>> = {},
  ): Promise<AdminBed> {
    const [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
    const deployment = new Deployment(realm.url, server.url, { ...quickKeys, ADMIN_PORT: '0', ...more });
    admitAdmins(deployment, access);
    return new AdminBed({ server, realm, deployment, service: await deployment.start() });
  }

  async stop(): Promise<void> {
    await this.deployment.stop();
    await this.realm.stop();
    await this.server.stop();
  }

  admin(...roles: string[]): string {
    return adminToken(this.realm, ...roles);
  }

  /** @throws where the answer is not as the API describes it */
  async call(
    method: string,
    path: string,
    token?: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<AdminAnswer> {
    const answer = await fetch(`${this.service.adminUrl}/admin/v1${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { status, headers: received } = answer;
    const parsed = (await answer.json()) as Record<string, unknown>;
    const exchanged = {
      method,
      path: `/admin/v1${path}`,
      status,
      contentType: received.get('content-type'),
      body: parsed,
    };
    const deviation = this.#contract.deviation(exchanged);
    if (deviation !== undefined) throw new Error(`${method} ${path}: ${deviation}`);
    return { status, headers: received, body: parsed };
  }

  async keys(): Promise<ListedKey[]> {
    return (await this.call('GET', '/keys', this.admin('viewer'))).body['keys'] as ListedKey[];
  }

  /** What the audit log has of one action on one key. */
  async auditOf(action: string, kid: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.server.url });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(
      'SELECT actor, reason FROM audit_events WHERE action = $1 AND kid = $2',
      [action, kid],
    );
    await client.end();
    return rows;
  }
}
