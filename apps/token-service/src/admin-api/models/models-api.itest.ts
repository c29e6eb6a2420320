import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AdminBed, type AdminAnswer } from '../admin.fixture.ts';

let bed: AdminBed;
beforeAll(async () => {
  bed = await AdminBed.start();
});
afterAll(() => bed.stop());
beforeEach(async () => {
  await query('DELETE FROM registered_models');
  await query('DELETE FROM audit_events');
});

const entry = { upstream: 'http://127.0.0.1:8080', protocols: ['v1', 'v2'] };
const change = { reason: 'a new model', entry };
const any = { 'if-match': '*' };

async function query(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: bed.server.url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

const operator = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<AdminAnswer> => bed.call(method, path, bed.admin('operator'), body, headers);

describe('models over the admin API', () => {
  it('are registered, read, replaced and deleted, each under the version that was read', async () => {
    const created = await operator('PUT', '/models/fraud/iris', change);
    expect(created.status).toBe(201);
    const etag = created.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"\d+"$/);
    expect(created.body).toEqual({
      model: 'fraud/iris',
      version: JSON.parse(JSON.parse(etag) as string) as number,
      changedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      changedBy: 'keycloak|carol',
      entry: { model: 'fraud/iris', ...entry },
    });
    const read = await bed.call('GET', '/models/fraud/iris', bed.admin('viewer'));
    expect([read.status, read.headers.get('etag'), read.body]).toEqual([200, etag, created.body]);
    expect((await bed.call('GET', '/models', bed.admin('auditor'))).body['models']).toEqual([created.body]);

    const moved = { reason: 'moved', entry: { ...entry, upstream: 'https://iris.internal' } };
    const replaced = await operator('PUT', '/models/fraud/iris', moved, { 'if-match': etag });
    expect(replaced.status).toBe(200);
    expect(replaced.headers.get('etag')).not.toBe(etag);
    expect(
      (await operator('DELETE', '/models/fraud/iris?reason=retired', undefined, { 'if-match': etag })).status,
    ).toBe(412);
    const current = { 'if-match': replaced.headers.get('etag') ?? '' };
    const deleted = await operator('DELETE', '/models/fraud/iris?reason=retired', undefined, current);
    expect([deleted.status, deleted.body]).toEqual([200, replaced.body]);
    expect((await operator('GET', '/models/fraud/iris')).status).toBe(404);
  });

  it('stand in the audit log with who, why and where to; what was refused does not', async () => {
    await operator('PUT', '/models/fraud/iris', change);
    await operator('PUT', '/models/fraud/iris', change);
    await operator('PUT', '/models/fraud/iris', change, any);
    await operator('DELETE', '/models/fraud/iris?reason=was+a+mistake', undefined, any);
    const rows = await query('SELECT action, outcome, actor, model, reason FROM audit_events ORDER BY id');
    const common = { outcome: 'done', actor: 'keycloak|carol', model: 'fraud/iris' };
    const reason = (text: RegExp) => expect.stringMatching(text) as string;
    expect(rows).toEqual([
      {
        action: 'model.register',
        ...common,
        reason: reason(/^version \d+ at http:\/\/127\.0\.0\.1:8080: a new model$/),
      },
      { action: 'model.replace', ...common, reason: reason(/a new model$/) },
      { action: 'model.delete', ...common, reason: reason(/^version \d+: was a mistake$/) },
    ]);
  });

  it('are changed by one of two who read the same version', async () => {
    const { headers } = await operator('PUT', '/models/fraud/iris', change);
    const condition = { 'if-match': headers.get('etag') ?? '' };
    const both = await Promise.all([1, 2].map(() => operator('PUT', '/models/fraud/iris', change, condition)));
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 412]));
  });

  it('that clash are registered once, also when both come at the same time', async () => {
    const both = await Promise.all([
      operator('PUT', '/models/a/b-c', change),
      operator('PUT', '/models/c-a/b', change),
    ]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 409]));
    expect(both.find(({ status }) => status === 409)?.body['detail']).toMatch(/would share the host b-c-a\.\{domain\}/);
  });

  it('can be tried: everything that is wrong with an entry at once, each with its place', async () => {
    const wrong = {
      ...entry,
      model: 'fraud/iris',
      protocols: ['v9'],
      credential: { replaceFile: '/etc/shadow' },
      x: 1,
    };
    const tried = await bed.call('POST', '/models/validate', bed.admin('viewer'), { entry: wrong });
    expect(tried.status).toBe(200);
    expect(tried.body['change']).toBe('refuse');
    const places = (tried.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
    expect(places.toSorted()).toEqual(['#/entry/credential/replaceFile', '#/entry/protocols/0', '#/entry/x']);
    const refused = await operator('PUT', '/models/fraud/iris', { reason: 'test', entry: wrong });
    expect(refused.status).toBe(400);
    expect(refused.body['errors']).toEqual(tried.body['errors']);
    const right = { entry: { ...entry, model: 'fraud/iris' } };
    expect((await operator('POST', '/models/validate', right)).body).toEqual({ change: 'register', errors: [] });
    expect(await query('SELECT * FROM registered_models')).toEqual([]);
  });

  it.each<[string, number, string, unknown, Record<string, string>?]>([
    ['no reason', 400, 'PUT /models/fraud/iris', { entry }],
    ['a reason with a line break', 400, 'PUT /models/fraud/iris', { entry, reason: 'two\nlines' }],
    ['a reason with a NUL', 400, 'PUT /models/fraud/iris', { entry, reason: 'a\u0000b' }],
    ['no entry', 400, 'PUT /models/fraud/iris', { reason: 'test' }],
    ['an entry that is a list', 400, 'PUT /models/fraud/iris', { reason: 'test', entry: [entry] }],
    ['an unknown member of the request', 400, 'PUT /models/fraud/iris', { ...change, dryRun: true }],
    ['an unknown member of the entry', 400, 'PUT /models/fraud/iris', { ...change, entry: { ...entry, a: 1 } }],
    ['an entry of another model', 400, 'PUT /models/fraud/iris', { ...change, entry: { ...entry, model: 'a/b' } }],
    ['a name in capitals', 400, 'PUT /models/Fraud/iris', change],
    ['a wildcard', 400, 'PUT /models/fraud/*', change],
    ['an encoded slash', 400, 'PUT /models/fraud/iris%2Fx', change],
    ['an alias', 400, 'PUT /models/fraud/iris%23a', change],
    ['a name that is too long', 414, `PUT /models/fraud/${'a'.repeat(300)}`, change],
    [
      'an upstream with a credential',
      400,
      'PUT /models/fraud/iris',
      { ...change, entry: { ...entry, upstream: 'http://a:b@c' } },
    ],
    ['If-Match without quotes', 400, 'PUT /models/fraud/iris', change, { 'if-match': '3' }],
    ['If-None-Match with a version', 400, 'PUT /models/fraud/iris', change, { 'if-none-match': '"3"' }],
    ['both conditions', 400, 'PUT /models/fraud/iris', change, { 'if-match': '*', 'if-none-match': '*' }],
    ['a version of a model that is not there', 412, 'PUT /models/fraud/iris', change, { 'if-match': '"3"' }],
    ['any version of a model that is not there', 412, 'PUT /models/fraud/iris', change, any],
    ['a delete without a reason', 400, 'DELETE /models/fraud/iris', undefined, any],
    ['a delete of nothing', 404, 'DELETE /models/fraud/iris?reason=test', undefined, any],
    ['a delete with two reasons', 400, 'DELETE /models/fraud/iris?reason=test&reason=other', undefined, any],
    ['a validation of nothing', 400, 'POST /models/validate', {}],
    ['another method', 405, 'POST /models/fraud/iris', change],
    ['a path that is not there', 404, 'GET /models/fraud', undefined],
  ])('%s: %i as problem details', async (_, status, target, body, headers) => {
    const [method = '', path = ''] = target.split(' ');
    const answer = await operator(method, path, body, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status, instance: answer.headers.get('x-request-id') });
    expect(await query('SELECT * FROM registered_models')).toEqual([]);
  });

  it.each<[string, number, Record<string, string>]>([
    ['nothing said', 428, {}],
    ['there must be none', 412, { 'if-none-match': '*' }],
    ['a version it never had', 412, { 'if-match': '"0"' }],
    ['a weak tag', 412, { 'if-match': 'W/"1"' }],
    ['somebody else’s tag', 412, { 'if-match': '"xyz", "0"' }],
  ])('a model that is there is not replaced: %s, %i', async (_, status, headers) => {
    await operator('PUT', '/models/fraud/iris', change);
    const answer = await operator('PUT', '/models/fraud/iris', { ...change, reason: 'again' }, headers);
    expect(answer.status).toBe(status);
    expect(answer.body['detail']).toContain('fraud/iris');
  });

  it('refuse viewers and auditors every change, and take one from operators and key custodians', async () => {
    const attempts = [
      ['PUT', '/models/fraud/iris', change],
      ['DELETE', '/models/fraud/iris?reason=test', undefined],
    ] as const;
    for (const [method, path, body] of attempts) {
      for (const role of ['viewer', 'auditor']) {
        expect((await bed.call(method, path, bed.admin(role), body, any)).status, `${method} as ${role}`).toBe(403);
      }
      expect((await bed.call(method, path, undefined, body, any)).status).toBe(401);
    }
    expect((await bed.call('PUT', '/models/fraud/iris', bed.admin('key-custodian'), change)).status).toBe(201);
  });

  it('describe themselves: paths, conditions and the entry', async () => {
    const { body } = await bed.call('GET', '/openapi.json');
    const { paths, components } = body as {
      paths: Record<string, Record<string, { parameters?: { name: string }[]; responses: object }>>;
      components: { schemas: Record<string, { properties?: object }> };
    };
    const put = paths['/admin/v1/models/{namespace}/{name}']?.['put'];
    expect(put?.parameters?.map(({ name }) => name)).toEqual(['namespace', 'name', 'If-Match', 'If-None-Match']);
    expect(Object.keys(put?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '201', '400', '401', '403', '409', '412', '428', '503']),
    );
    expect(Object.keys(components.schemas['CatalogueModel']?.properties ?? {})).toEqual(
      expect.arrayContaining(['upstream', 'protocols', 'aliases', 'timeouts']),
    );
    expect(JSON.stringify(body)).toContain('{"$ref":"#/components/schemas/CatalogueModel"}');
  });
});
