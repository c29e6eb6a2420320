import { exchange, infer, revoke } from '@modelgate/dev-stack';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { claimsOf, client, iris, modelToken, predict, reached, realm, stack, v1Body, v2Body } from './stack.ts';

describe('the main job', () => {
  it('refuses a request without a token: 401 with a challenge, before anything reaches the model', async () => {
    const before = (await reached()).length;
    const answer = await predict(undefined);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.body).toMatchObject({
      reason: 'token_missing',
      error: expect.any(String),
      request_id: expect.any(String),
    });
    expect((await reached()).length).toBe(before);
  });

  it('refuses a model that does not exist with 401, not 404, to a caller without a token', async () => {
    expect((await infer(`${stack.gateway}/serving/no/such/v1/models/such:predict`, undefined, {})).status).toBe(401);
  });

  it('exchanges a Keycloak token for a model token that says exactly what was granted', async () => {
    const { accessToken } = await realm.clientCredentials('batch-scorer');
    const { status, headers, body } = await exchange(stack.issuer, client('batch-scorer'), accessToken, {
      scope: 'fraud/iris:predict',
    });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      scope: 'fraud/iris:predict',
      authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict'] }],
    });
    const claims = claimsOf(String(body['access_token']));
    const subject = claimsOf(accessToken);
    expect(claims).toMatchObject({
      iss: stack.issuer,
      sub: `keycloak|${String(subject['sub'])}`,
      aud: 'https://models.example.com',
      client_id: 'batch-scorer',
      scope: 'fraud/iris:predict',
      policy: 'fraud-scoring',
    });
    expect(Number(claims['exp'])).toBeLessThanOrEqual(Number(subject['exp']));
    expect(body['expires_in']).toBe(Number(claims['exp']) - Number(claims['iat']));
  });

  it('predicts on V1 and V2 with it, as the real model server does without a gateway', async () => {
    const token = await modelToken('batch-scorer');
    const v1 = await predict(token);
    expect(v1).toMatchObject({ status: 200, body: { predictions: [expect.any(Number), expect.any(Number)] } });
    const direct = await infer(`${stack.modelServer}/v1/models/iris:predict`, undefined, v1Body);
    expect(v1.body).toEqual(direct.body);
    const v2 = await infer(stack.gateway + iris.v2, token, v2Body);
    expect(v2.status).toBe(200);
    expect(v2.body).toMatchObject({ model_name: 'iris', id: '42' });
    expect(v2.headers.get('ratelimit')).toMatch(/^"fraud-scoring";r=\d+;t=\d+$/);
  });

  it('answers ready and metadata, and lists what the token may call and nothing else', async () => {
    const token = await modelToken('batch-scorer');
    const get = (path: string): Promise<Response> =>
      fetch(`${stack.gateway}/serving/fraud/iris${path}`, { headers: { authorization: `Bearer ${token}` } });
    expect(await (await get('/v1/models/iris')).json()).toMatchObject({ name: 'iris', ready: true });
    expect(await (await get('/v2/models/iris')).json()).toMatchObject({ name: 'iris' });
    expect((await get('/v2/models/iris/ready')).status).toBe(200);
    expect(await (await get('/v1/models')).json()).toEqual({ models: ['iris'] });
    expect(await (await get('/v2/models')).json()).toEqual({ models: ['iris'] });
  });

  it('reaches the model by host as well', async () => {
    const token = await modelToken('batch-scorer');
    const { request } = await import('node:http');
    const status = (host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(stack.gateway);
        const headers = { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' };
        const call = request({ hostname, port, method: 'POST', path: '/v1/models/iris:predict', headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        call.on('error', reject);
        call.end(JSON.stringify(v1Body));
      });
    expect(await status('iris.fraud.models.example.com')).toBe(200);
    expect(await status('iris-fraud.models.example.com')).toBe(200);
    expect(await status('digits.vision.models.example.com')).toBe(403);
    expect(await status('iris.fraud.models.example.org')).toBe(404);
  });

  it('refuses another model and another verb: 403 naming the scope that is missing', async () => {
    const token = await modelToken('batch-scorer', { scope: 'fraud/iris:predict' });
    const before = (await reached()).length;
    const otherModel = await infer(`${stack.gateway}/serving/vision/digits/v1/models/digits:predict`, token, v1Body);
    expect(otherModel).toMatchObject({ status: 403, body: { reason: 'insufficient_scope' } });
    expect(otherModel.headers.get('www-authenticate')).toContain('scope="vision/digits:predict"');
    const otherVerb = await infer(stack.gateway + iris.explain, token, v1Body);
    expect(otherVerb.status).toBe(403);
    expect(otherVerb.headers.get('www-authenticate')).toContain('scope="fraud/iris:explain"');
    expect((await reached()).length).toBe(before);
  });

  it('keeps the credential and the identity headers from the model, and what the model echoes from the caller', async () => {
    const token = await modelToken('batch-scorer');
    const { body } = await infer(stack.gateway + iris.explain, token, v1Body);
    expect(body).toHaveProperty('explanations');
    const response = await fetch(stack.gateway + iris.explain, {
      method: 'POST',
      body: JSON.stringify(v1Body),
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        cookie: 'session=1',
        'x-forwarded-user': 'root',
        'x-forwarded-for': '10.0.0.1',
        'kserve-userid': 'root',
        'mm-model-id': 'other',
        'set-cookie': 'injected=1',
      },
    });
    expect(response.status).toBe(200);
    for (const name of [
      'authorization',
      'cookie',
      'set-cookie',
      'x-forwarded-user',
      'server',
      'kserve-userid',
      'host',
    ]) {
      expect(response.headers.get(name), name).toBeNull();
    }
    const seen = (await reached()).at(-1)?.headers ?? {};
    for (const name of [
      'authorization',
      'cookie',
      'set-cookie',
      'x-forwarded-user',
      'x-forwarded-for',
      'kserve-userid',
      'mm-model-id',
    ]) {
      expect(seen, name).not.toHaveProperty(name);
    }
  });

  it('holds the policy’s limit: 429 with Retry-After and the RateLimit fields', async () => {
    const token = await modelToken('es256-scorer', { policy: 'limited' });
    const answers = [];
    for (let index = 0; index < 4; index++) answers.push(await predict(token));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    const refused = answers.at(-1)?.headers;
    expect(Number(refused?.get('retry-after'))).toBeGreaterThan(0);
    expect(refused?.get('ratelimit-policy')).toBe('"limited";q=3;w=60');
    expect(refused?.get('ratelimit')).toMatch(/^"limited";r=0;t=\d+$/);
  });

  it('gives a token of ten hours no more than the policy’s cap', async () => {
    const { accessToken, expiresIn } = await realm.clientCredentials('long-lived');
    // Keycloak reads its clock once for `exp` and again for `expires_in`: a second may have turned in between.
    expect(expiresIn).toBeGreaterThan(35_990);
    const { body } = await exchange(stack.issuer, client('long-lived'), accessToken, { policy: 'capped' });
    expect(body['expires_in']).toBe(120);
  });

  it('refuses an expired token', async () => {
    const token = await modelToken('at-jwt-scorer', { policy: 'brief' });
    expect((await predict(token)).status).toBe(200);
    await sleep(12_500);
    const answer = await predict(token);
    expect(answer).toMatchObject({ status: 401, body: { reason: 'token_expired' } });
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('refuses a revoked token within about a second, and no other', async () => {
    const [token, other] = [await modelToken('batch-scorer'), await modelToken('batch-scorer')];
    expect((await predict(token)).status).toBe(200);
    expect((await revoke(stack.issuer, client('batch-scorer'), token)).status).toBe(200);
    const started = Date.now();
    let status = 200;
    while (status === 200 && Date.now() - started < 30_000) {
      await sleep(100);
      ({ status } = await predict(token));
    }
    expect(status).toBe(401);
    expect((await predict(other)).status).toBe(200);
  });
});
