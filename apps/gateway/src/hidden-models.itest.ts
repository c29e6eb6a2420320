import { status } from '@grpc/grpc-js';
import { grpcMethods, surfaceRows } from '@modelgate/protocols';
import { grpcMessage } from '@modelgate/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestBed } from './gateway.fixture.ts';
import { GrpcCaller, inferRequest } from './grpc.fixture.ts';
import { entriesFor, pathAtServer, payload } from './surface-walk.fixture.ts';

const rows = surfaceRows();

/** A service of every kind, and one of none of them that the token reaches. */
const kinds = [
  ...entriesFor(rows),
  { protocols: ['grpc'], runtime: 'triton', modelName: 'iris' },
  { protocols: ['openai'], llm: true, modelName: 'iris', aliases: [{ alias: 'sql', servedName: 'sql-lora' }] },
].map((kind, index) => ({ ...kind, model: `hidden/kind-${index}` }));
const names = kinds.map(({ model }) => model.split('/')[1] ?? '');

let bed: TestBed;
let token: string;
beforeAll(async () => {
  bed = await TestBed.start({}, { more: kinds });
  token = bed.issuer.signFor('fraud/iris:predict fraud/iris:metadata');
});
afterAll(() => bed.stop());

interface Asked {
  method: string;
  /** Below the place of the service. */
  tail: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Every distinct answer to the same request at each of the services, without their names and the id of the request. */
async function answersTo(asked: Asked, at: (name: string, asked: Asked) => { path: string; host?: string }) {
  const answers = new Set<string>();
  for (const name of names) {
    const { path, host } = at(name, asked);
    const { method, headers = {}, body = '' } = asked;
    const sent = { ...headers, ...(host && { host }) };
    const answer = await bed.send({ method, path, token, headers: sent, ...(body !== '' && { body }) });
    const { 'www-authenticate': challenge, allow } = answer.headers;
    const told = [answer.status, allow, challenge, answer.body.toString().replace(/"request_id":"[^"]*"/, '')];
    answers.add(JSON.stringify(told).replaceAll(name, 'NAME'));
  }
  return [...answers];
}

const places: [string, (name: string, asked: Asked) => { path: string; host?: string }][] = [
  ['prefix', (name, { tail }) => ({ path: `/serving/hidden/${name}${tail === '/' ? '' : tail}` })],
  ['host', (name, { tail }) => ({ path: tail, host: `${name}.hidden.models.example.com` })],
  ['name, as LLMInferenceServices are', (name, { tail }) => ({ path: `/hidden/${name}${tail === '/' ? '' : tail}` })],
];

const json = { 'content-type': 'application/json' };
const odd: [string, Asked][] = [
  ['a route that no server has', { method: 'POST', tail: '/v1/models/iris:train', headers: json, body: '{}' }],
  ['another model at its place', { method: 'POST', tail: '/v1/models/other:predict', headers: json, body: '{}' }],
  ['an adapter at its place', { method: 'POST', tail: '/v2/models/sql-lora/infer', headers: json, body: '{}' }],
  ['the model of an adapter', { method: 'GET', tail: '/openai/v1/models/sql-lora' }],
  ['a chat that is no JSON', { method: 'POST', tail: '/openai/v1/chat/completions', headers: json, body: '{' }],
  ['a chat without a type', { method: 'POST', tail: '/openai/v1/chat/completions', body: '{}' }],
  [
    'a chat without a prefix',
    { method: 'POST', tail: '/v1/chat/completions', headers: json, body: '{"model":"iris"}' },
  ],
  ['another method', { method: 'DELETE', tail: '/v1/models/iris:predict' }],
  ['metrics', { method: 'GET', tail: '/metrics' }],
];

describe.each(places)('of a service that the token does not reach, asked at its %s', (_, at) => {
  it.each(rows.map((row) => [`${row.protocol} ${row.method} ${row.path}`, row] as const))(
    'nothing is told but that, whatever it is: %s',
    async (_, row) => {
      const asked = { method: row.method, tail: pathAtServer(row), ...payload(row, 'iris') };
      const [answer = '', ...others] = await answersTo(asked, at);
      expect(others).toEqual([]);
      expect(answer).toMatch(/^\[403,/);
      expect(answer).toContain(`scope=\\"hidden/NAME:${row.verb}\\"`);
    },
  );

  it.each(odd)('nothing is told but that, for %s', async (_, asked) => {
    const [answer, ...others] = await answersTo(asked, at);
    expect(others).toEqual([]);
    expect(answer).toMatch(/^\[403,/);
  });
});

describe('of a service that the token does not reach, named at the gateway’s own host', () => {
  const own = ({ tail }: Asked): { path: string } => ({ path: tail });

  it.each(rows.filter(({ modelIn }) => modelIn === 'json').map((row) => [row.path, row] as const))(
    'nothing is told but that: %s',
    async (_, row) => {
      const answers = new Set<string>();
      for (const name of names) {
        const asked = { method: 'POST', path: own({ method: 'POST', tail: pathAtServer(row) }).path };
        const answer = await bed.send({ ...asked, token, ...payload(row, `hidden/${name}`) });
        answers.add(`${answer.status} ${answer.headers['www-authenticate']}`.replaceAll(name, 'NAME'));
      }
      const challenge = `Bearer realm="modelgate", error="insufficient_scope", error_description="The token does not permit this.", scope="hidden/NAME:${row.verb}"`;
      expect([...answers]).toEqual([`403 ${challenge}`]);
    },
  );
});

describe('of a service that the token does not reach, called by gRPC', () => {
  const methods = [...new Set(grpcMethods.map(({ name }) => name)), 'TraceSetting', 'Nothing'];

  it.each(methods)('nothing is told but that: %s', async (method) => {
    const statuses = new Set<unknown>();
    const caller = new GrpcCaller(bed.gateway.url);
    for (const name of names) {
      const path = { ':path': `/inference.GRPCInferenceService/${method}` };
      const headers = { ...path, ':authority': `${name}.hidden.models.example.com` };
      const outcome = await caller.raw({ token, headers, bytes: grpcMessage(inferRequest('other')) });
      statuses.add(outcome.headers['grpc-status']);
    }
    expect([...statuses]).toEqual([String(status.PERMISSION_DENIED)]);
  });

  it('nothing is told but that, where its messages name it', async () => {
    const caller = new GrpcCaller(bed.gateway.url);
    const statuses = new Set<unknown>();
    for (const name of names) {
      const bytes = grpcMessage(inferRequest(`hidden/${name}`));
      const outcome = await caller.raw({ token, headers: { ':authority': 'models.example.com' }, bytes });
      statuses.add(outcome.headers['grpc-status']);
    }
    expect([...statuses]).toEqual([String(status.PERMISSION_DENIED)]);
  });
});
