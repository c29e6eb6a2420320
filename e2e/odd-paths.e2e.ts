import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelToken, reached, stack } from './stack.ts';

const prefix = '/serving/fraud/iris';
const modelHost = 'iris.fraud.models.example.com';

/** Paths that one parser reads otherwise than another; several of them reach a model of the real server when sent to it. */
const oddPaths = [
  '/v1%2Fmodels%2Firis%3Apredict',
  '/v1%2Fmodels%2Firis:predict',
  '/%76%31/models/iris:predict',
  '/v1/models/iris%3Apredict',
  '/v1/models/%69ris:predict',
  '/v1/models/iris:predict%0a',
  '/v1/models/iris:predict%20',
  '/v1/models/iris:predict%3Fx',
  '/v1/models/iris%00:predict',
  '/v1/models/iris%20:predict',
  '/v1/models/iris%23:predict',
  '/v1/models/iris%3F:predict',
  '/v1/models/iris%C3%A9:predict',
  '/v1/models/iris%FF:predict',
  '/v1/models/iris%ZZ:predict',
  '/v1/models/iris%252Fx:predict',
  '/v1/models/iris;x=1:predict',
  '/v1/models/iris:predict;x=1',
  '/v1/models/iris:predict/',
  '/v1/models/iris:predict%2f',
  '/v1/models//iris:predict',
  '//v1/models/iris:predict',
  '/v1/./models/iris:predict',
  '/v1/models/x/../iris:predict',
  '/v1/models/x/%2e%2e/iris:predict',
  '/v1/models/x%2f..%2firis:predict',
  '/v1\\models\\iris:predict',
  '/v1/models/iris:predict#fragment',
  '/v1/models/iris:predict?access_token=x',
  '/v2/models/iris%2Finfer',
  '/v2/models/iris%2Fversions%2F1/infer',
  '/v2/models/%61/infer',
  '/v2/models/iris/infer%0a',
  '/v2/models/iris/infer/',
  '/v2/models/iris/infer%2F',
  '/v2/models/iris%252Fx/infer',
  '/../v2/models/iris/infer',
  '/%2e%2e/v2/models/iris/infer',
  '//v2/models/iris/infer',
  '/v2//models/iris/infer',
  '/v2/models/iris;x=1/infer',
  '/v2/models/iris/infer?model_version=9',
  '/%76%32/models/iris/infer',
  '/v2%2frepository/models/iris/load',
  '/v2/repositor%79/models/iris/load',
  '/v2/repository/models/iris%2fload',
  '/metrics%0a',
  '/%0a',
  '/openai%2Fv1%2Fmodels',
];

/** What needs no encoding to be odd: no such route, whoever asks. */
const foreignRoutes = [
  '/metrics',
  '/docs',
  '/openapi.json',
  '/v2/repository/index',
  '/v2/repository/models/iris/load',
  '/v2/repository/models/iris/unload',
  '/openai/v1/models',
  '/openai/v1/chat/completions',
  '/v1/models/digits:predict',
  '/v1/models/iris:predict:predict',
  '/v1/models/iris:explain:predict',
  '/V2/models/iris/infer',
  '/v1/models/iris:PREDICT',
  '/V1/models/iris:predict',
  '/v1/models/IRIS:predict',
  '/v2/models/iris/generate',
];

let token = '';
beforeAll(async () => {
  if (stack.gateway) token = await modelToken('batch-scorer');
});

/** Sends bytes as they are: a client library would tidy them up. */
function send(lines: readonly string[], body = '{"instances":[[1,1,1,1]]}'): Promise<{ status: number; head: string }> {
  const { hostname, port } = new URL(stack.gateway);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.setTimeout(60_000, () => socket.destroy(new Error('no answer')));
    socket.on('error', reject);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('close', () =>
      resolve({ status: Number(answer.slice(9, 12)), head: answer.split('\r\n\r\n', 1)[0] ?? '' }),
    );
    const length = body === '' ? [] : [`Content-Length: ${body.length}`];
    socket.write(`${[...lines, ...length, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`, 'latin1');
  });
}

const authorised = (): string[] => [`Authorization: Bearer ${token}`, 'Content-Type: application/json'];

async function refused(target: string, host: string, status: number, method = 'POST'): Promise<void> {
  const before = (await reached()).length;
  const body = method === 'GET' ? [''] : [];
  const answer = await send([`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...authorised()], ...body);
  expect(answer.status, answer.head).toBe(status);
  expect(answer.head).not.toMatch(/\r\nlocation:/i);
  expect((await reached()).length).toBe(before);
}

describe('odd paths, with a good token', () => {
  it.each(oddPaths)('by path: %s is 400 and reaches nothing', (path) => refused(prefix + path, '127.0.0.1', 400));
  it.each(oddPaths)('by host: %s is 400 and reaches nothing', (path) => refused(path, modelHost, 400));
  it('GET of what is POSTed is 405: KServe would take the verb for a part of a name', () =>
    refused('/v1/models/iris:predict', modelHost, 405, 'GET'));
  it.each(foreignRoutes)('%s is no route and reaches nothing', (path) => refused(prefix + path, '127.0.0.1', 404));

  it.each([
    ['an absolute target', 'http://evil.example/v1/models/iris:predict', modelHost],
    ['a target that is no path', '*', modelHost],
    ['a trailing slash with a foreign Host', '/v2/', 'evil.example'],
    ['a Host of two names', '/v1/models/iris:predict', `${modelHost}, evil.example`],
    ['a Host with credentials', '/v1/models/iris:predict', `x@${modelHost}`],
    ['an empty Host', '/v1/models/iris:predict', ''],
  ])('%s is 400 and reaches nothing', (_, target, host) => refused(target, host, 400));

  it.each([
    ['two Host headers', ['Host: evil.example']],
    ['two Authorization headers', ['Authorization: Bearer x']],
    ['a length and a chunked body', ['Transfer-Encoding: chunked']],
    ['a transfer coding beside chunked', ['Transfer-Encoding: gzip, chunked']],
    ['a method override', ['X-HTTP-Method-Override: DELETE']],
    ['a header with an underscore', ['X_Forwarded_User: root']],
    ['an upgrade', ['Connection: upgrade', 'Upgrade: h2c']],
  ])('%s is 400 and reaches nothing', async (_, more) => {
    const before = (await reached()).length;
    const answer = await send([
      'POST /v1/models/iris:predict HTTP/1.1',
      `Host: ${modelHost}`,
      ...authorised(),
      ...more,
    ]);
    expect(answer.status, answer.head).toBe(400);
    expect((await reached()).length).toBe(before);
  });

  it('forwards the same request once nothing is odd about it', async () => {
    const answer = await send(['POST /v1/models/iris:predict HTTP/1.1', `Host: ${modelHost}`, ...authorised()]);
    expect(answer.status, answer.head).toBe(200);
    expect((await reached()).at(-1)).toMatchObject({ method: 'POST', url: '/v1/models/iris:predict' });
  });
});
