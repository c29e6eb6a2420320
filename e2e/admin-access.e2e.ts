import { beforeAll, describe, expect, it } from 'vitest';
import { realm, stack } from './stack.ts';

interface Described {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string }>>;
}

/** Who has which role in the development realm. */
const people: Record<string, readonly string[]> = {
  dave: ['viewer'],
  erin: ['auditor'],
  frank: ['operator'],
  grace: ['key-custodian'],
  carol: ['viewer', 'operator', 'key-custodian'],
  alice: [],
};
const all = ['viewer', 'operator', 'key-custodian', 'auditor'];
const operators = ['operator', 'key-custodian'];
const custodians = ['key-custodian'];
/** Who may do what; written down here, so that a role that gained an operation by mistake is seen. */
const permittedTo: Record<string, readonly string[]> = {
  listKeys: all,
  servedJwks: all,
  rehearse: all,
  rotate: operators,
  prepare: operators,
  suspect: custodians,
  revoke: custodians,
  restore: custodians,
  rewrap: custodians,
  listModels: all,
  getModel: all,
  validateModel: all,
  putModel: operators,
  deleteModel: operators,
};
/** The client the admins' tokens must be for, and others whose tokens carry the same roles and audience. */
const parties = ['modelgate-admin', 'notebook'] as const;

const tokens = new Map<string, string>();
let described: Described = { openapi: '', paths: {} };

beforeAll(async () => {
  if (!stack.admin) return;
  for (const person of Object.keys(people)) {
    for (const party of parties) tokens.set(`${person} ${party}`, (await realm.password(person, party)).accessToken);
  }
  described = (await (await fetch(`${stack.admin}/admin/v1/openapi.json`)).json()) as Described;
});

/** What gets past the guard and no further: nobody is there to be changed, and no body says why. */
async function call(method: string, path: string, token?: string): Promise<number> {
  const withBody = method === 'post' || method === 'put';
  const answer = await fetch(stack.admin + path.replaceAll(/\{\w+\}/g, 'nobody'), {
    method: method.toUpperCase(),
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(withBody && { 'content-type': 'application/json' }),
    },
    ...(withBody && { body: '{}' }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

describe('admin API with real Keycloak tokens', () => {
  it('every operation × every role × own and foreign azp', async () => {
    const operations = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
    );
    expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(permittedTo).toSorted());
    for (const { path, method, operationId } of operations) {
      expect(await call(method, path), `${operationId} without a token`).toBe(401);
      for (const [person, roles] of Object.entries(people)) {
        const permitted = roles.some((role) => permittedTo[operationId]?.includes(role));
        const own = await call(method, path, tokens.get(`${person} modelgate-admin`));
        // A permitted change without a reason is malformed, and that is as far as it comes.
        const reached = method !== 'get' ? 400 : path.includes('{') ? 404 : 200;
        expect(own, `${operationId} as ${person}`).toBe(permitted ? reached : (alice(person) ?? 403));
        expect(
          await call(method, path, tokens.get(`${person} notebook`)),
          `${operationId} as ${person} by notebook`,
        ).toBe(401);
      }
    }
  });

  it('the foreign token does carry the admin’s roles and audience: only azp tells it apart', () => {
    const claims = JSON.parse(
      Buffer.from((tokens.get('carol notebook') ?? '').split('.')[1] ?? '', 'base64url').toString(),
    ) as Record<string, unknown>;
    expect(claims['azp']).toBe('notebook');
    expect(claims['aud']).toContain('modelgate-admin');
    expect(JSON.stringify(claims['resource_access'])).toContain('key-custodian');
  });
});

/** Somebody without any role there may get a token that is not even for the admin API. */
function alice(person: string): number | undefined {
  if (person !== 'alice') return undefined;
  const claims = JSON.parse(
    Buffer.from((tokens.get('alice modelgate-admin') ?? '').split('.')[1] ?? '', 'base64url').toString(),
  ) as { aud?: string | string[] };
  return [claims.aud ?? []].flat().includes('modelgate-admin') ? 403 : 401;
}
