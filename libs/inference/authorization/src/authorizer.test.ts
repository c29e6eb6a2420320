import { JwksManager } from '@modelgate/jwt';
import { canonicalise, Catalogue, classify, isDenial, type CanonicalRequest } from '@modelgate/protocols';
import { MemoryLimitStore } from '@modelgate/rate-limit';
import { ManualClock, SigningPair } from '@modelgate/testing';
import { ModelTokenVerifier, RevocationList } from '@modelgate/verifier';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authorizer } from './authorizer.ts';
import { LimitSource, RateLimiter } from './rate-limiter.ts';
import type { BodyReader, Permit, Refusal } from './verdict.ts';

const issuer = 'https://tokens.example.com';
const audience = 'https://models.example.com';
const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    { model: 'fraud/iris', upstream: 'http://127.0.0.1:1', protocols: ['v1', 'v2', 'grpc'], maxBodyBytes: 1000 },
    { model: 'fraud/texts', upstream: 'http://127.0.0.1:2', protocols: ['openai'] },
    { model: 'risk/score', upstream: 'http://127.0.0.1:3', protocols: ['v1'] },
  ],
});

class TestLimits extends LimitSource {
  quota = 100;

  override of(): { quota: number; windowSeconds: number } {
    return { quota: this.quota, windowSeconds: 60 };
  }
}

let clock: ManualClock;
let pair: SigningPair;
let keys: JwksManager;
let limits: TestLimits;
let trust: { verifier: ModelTokenVerifier | undefined };
let authorizer: Authorizer;

beforeEach(async () => {
  clock = new ManualClock();
  pair = new SigningPair();
  const body = Buffer.from(JSON.stringify({ keys: [pair.publicJwk] }));
  const get = () => Promise.resolve({ status: 200, headers: new Headers(), body });
  keys = new JwksManager({ url: `${issuer}/jwks`, algorithms: ['ES256'], clock, get });
  await keys.start();
  const revocations = new RevocationList({ clock });
  revocations.replace({ tokens: [], kids: [] });
  const rules = { issuer, audience, skewSeconds: 30, maxLifetimeSeconds: 3600 };
  trust = { verifier: new ModelTokenVerifier({ ...rules, keys, revocations, clock }) };
  limits = new TestLimits();
  const limiter = new RateLimiter({ limits, limitStore: new MemoryLimitStore(), clock });
  authorizer = new Authorizer({ trust, catalogue: { current: catalogue }, limiter });
});
afterEach(() => keys.stop());

function token(scope = 'fraud/iris:predict', claims: object = {}): string {
  const now = clock.seconds();
  const details = scope.split(' ').map((one) => {
    const [model = '', verb = ''] = one.split(':');
    return { type: 'kserve_inference', models: [model], actions: [verb] };
  });
  return pair.sign(
    { typ: 'at+jwt', alg: 'ES256', kid: pair.kid },
    {
      iss: issuer,
      sub: 'keycloak|f3b1',
      aud: audience,
      client_id: 'batch-scorer',
      iat: now,
      exp: now + 900,
      jti: 'a0b1',
      scope,
      authorization_details: details,
      policy: 'fraud-batch',
      policy_version: 3,
      ...claims,
    },
  );
}

const predict = '/serving/fraud/iris/v1/models/iris:predict';

function requestFor(url: string, authorization?: string, more: string[] = []): CanonicalRequest {
  const rawHeaders = [
    'Host',
    'models.example.com',
    ...(authorization ? ['Authorization', authorization] : []),
    ...more,
  ];
  const canonical = canonicalise({ method: 'POST', url, httpVersion: '1.1', rawHeaders });
  if (isDenial(canonical)) throw new Error(canonical.reason);
  return canonical;
}

function authorize(canonical: CanonicalRequest, readBody?: BodyReader): Permit | Refusal | Promise<Permit | Refusal> {
  return authorizer.authorize({ canonical, classified: classify(canonical, catalogue) }, readBody);
}

async function reasonFor(url: string, authorization?: string, more?: string[]): Promise<string> {
  const verdict = await authorize(requestFor(url, authorization, more));
  return verdict.kind === 'refusal' ? verdict.denial.reason : verdict.kind;
}

describe('Authorizer', () => {
  it('permits a request that the token covers, and returns the operation and the limit fields', async () => {
    const credential = token();
    const verdict = await authorize(requestFor(predict, `Bearer ${credential}`));
    expect(verdict).toMatchObject({
      kind: 'model',
      credential,
      token: { subject: 'keycloak|f3b1', policy: 'fraud-batch' },
      operation: { model: { namespace: 'fraud', name: 'iris' }, verb: 'predict', path: '/v1/models/iris:predict' },
      fields: { RateLimit: expect.stringContaining('"fraud-batch"') as string },
    });
  });

  it('decides synchronously about a token that was verified before', async () => {
    const request = requestFor(predict, `Bearer ${token()}`);
    expect(authorize(request)).toBeInstanceOf(Promise);
    await authorize(request);
    expect(authorize(request)).toMatchObject({ kind: 'model' });
  });

  it.each<[string, string, () => string | undefined]>([
    ['no token', 'token_missing', () => undefined],
    ['a scheme followed by two spaces', 'token_malformed', () => 'Bearer  x'],
    ['an expired token', 'token_expired', () => `Bearer ${token('fraud/iris:predict', { exp: clock.seconds() - 60 })}`],
    ['a token of another audience', 'token_invalid', () => `Bearer ${token('fraud/iris:predict', { aud: 'x' })}`],
    ['a verb that is not granted', 'insufficient_scope', () => `Bearer ${token('fraud/iris:explain')}`],
    ['a model that is not granted', 'insufficient_scope', () => `Bearer ${token('risk/score:predict')}`],
  ])('refuses %s with %s', async (_, reason, authorization) => {
    expect(await reasonFor(predict, authorization())).toBe(reason);
  });

  it('reveals nothing about what is served before the token is verified', async () => {
    const missing = '/serving/fraud/nothing/v1/models/nothing:predict';
    expect(await reasonFor(missing)).toBe('token_missing');
    expect(await reasonFor(missing, `Bearer ${token()}`)).toBe('unknown_model');
  });

  it('conceals the protocols of a service from a caller without access to it', async () => {
    const verdict = await authorize(requestFor('/serving/risk/score/v2/models/score/infer', `Bearer ${token()}`));
    expect(verdict).toMatchObject({
      kind: 'refusal',
      concealed: true,
      denial: { reason: 'insufficient_scope' },
      detail: 'unknown_route',
    });
  });

  it('refuses every request while no token can be trusted', async () => {
    trust.verifier = undefined;
    expect(await reasonFor(predict, `Bearer ${token()}`)).toBe('keys_unavailable');
  });

  it('refuses a body longer than the model accepts, before reading it', async () => {
    expect(await reasonFor(predict, `Bearer ${token()}`, ['Content-Length', '1001'])).toBe('body_too_large');
    expect(await reasonFor(predict, `Bearer ${token()}`, ['Content-Length', '1000'])).toBe('model');
  });

  it('refuses a request over the limit, and says when to retry', async () => {
    limits.quota = 1;
    const request = requestFor(predict, `Bearer ${token()}`);
    expect(await authorize(request)).toMatchObject({ kind: 'model' });
    const verdict = await authorize(request);
    expect(verdict).toMatchObject({ kind: 'refusal', denial: { reason: 'rate_limited', status: 429 } });
    clock.advanceMilliseconds(60_000);
    expect(await authorize(request)).toMatchObject({ kind: 'model' });
  });
});

describe('a request that names its model in the body', () => {
  const chat = (scope = 'fraud/texts:generate', type = 'application/json'): CanonicalRequest =>
    requestFor('/openai/v1/chat/completions', `Bearer ${token(scope)}`, ['Content-Type', type, 'Content-Length', '30']);
  const body: BodyReader = () => Promise.resolve(Buffer.from('{"model":"fraud/texts"}'));

  it('is permitted according to its body', async () => {
    expect(await authorize(chat(), body)).toMatchObject({
      kind: 'model',
      operation: { model: { namespace: 'fraud', name: 'texts' }, verb: 'generate' },
    });
    const denied = await authorize(chat('fraud/iris:generate'), body);
    expect(denied).toMatchObject({ kind: 'refusal', denial: { reason: 'insufficient_scope' }, protocol: 'openai' });
  });

  it('is not read without a valid token or with an unsupported content type', async () => {
    const reads: unknown[] = [];
    const counting: BodyReader = (known) => (reads.push(known.subject), Promise.resolve(Buffer.alloc(0)));
    const stranger = requestFor('/openai/v1/chat/completions', 'Bearer x', ['Content-Type', 'application/json']);
    expect(await authorize(stranger, counting)).toMatchObject({ denial: { reason: 'token_invalid' } });
    expect(await authorize(chat(undefined, 'text/plain'), counting)).toMatchObject({
      denial: { reason: 'content_type' },
    });
    expect(reads).toEqual([]);
    await authorize(chat(), counting);
    expect(reads).toEqual(['keycloak|f3b1']);
  });

  it('is refused if no body reader is given', async () => {
    expect(await authorize(chat())).toMatchObject({ kind: 'refusal', denial: { reason: 'model_missing' } });
  });
});

describe('a gRPC call', () => {
  const call = (scope = 'fraud/iris:predict'): CanonicalRequest =>
    requestFor('/inference.GRPCInferenceService/ModelInfer', `Bearer ${token(scope)}`, [
      'Content-Type',
      'application/grpc',
      'TE',
      'trailers',
    ]);
  /** A ModelInferRequest that contains only the model's name. */
  const message = (name: string): Buffer => Buffer.from([0x0a, name.length, ...Buffer.from(name)]);

  async function begin(scope?: string) {
    const verdict = await authorize(call(scope));
    if (verdict.kind !== 'call') throw new Error(verdict.kind);
    return verdict;
  }

  it('is authorized message by message', async () => {
    const { wanted, token: known } = await begin();
    const asked = { wanted, token: known, first: undefined };
    expect(await authorizer.authorizeMessage(asked, [message('fraud/iris')])).toMatchObject({
      kind: 'message',
      operation: { model: { namespace: 'fraud', name: 'iris' }, verb: 'predict' },
    });
    expect(await authorizer.authorizeMessage(asked, [Buffer.from([0xff])])).toMatchObject({ kind: 'refusal' });
  });

  it('is refused for a model that the token does not cover', async () => {
    const { wanted, token: known } = await begin('risk/score:predict');
    const verdict = await authorizer.authorizeMessage({ wanted, token: known, first: undefined }, [
      message('fraud/iris'),
    ]);
    expect(verdict).toMatchObject({ kind: 'refusal', denial: { reason: 'insufficient_scope' } });
  });
});
