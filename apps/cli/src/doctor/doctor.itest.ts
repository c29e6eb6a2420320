import { CertificateAuthority } from '@modelgate/testing';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctor } from './doctor.ts';

let folder: string;
let servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelgate-doctor-'));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});

async function listening(server: Server, scheme = 'http'): Promise<string> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serving = (listener: RequestListener): Promise<string> => listening(createServer(listener));
const answering = (status: number): Promise<string> =>
  serving((_request, response) => response.writeHead(status).end());

interface Report {
  verdict: string;
  findings: {
    kind: string;
    url: string;
    host: string;
    token: string;
    outcome: string;
    status?: number;
    detail?: string;
  }[];
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const write = (text: string): void => void (out += text);
  const code = await doctor(args, { stdout: { write }, stderr: { write: (text) => void (err += text) } });
  return { code, out, err };
}

async function examine(...args: string[]): Promise<Report & { code: number }> {
  const { code, out } = await run('--json', '--timeout', '3', ...args);
  return { code, ...(JSON.parse(out) as Report) };
}

function catalogue(models: object[]): string {
  const file = join(folder, 'catalogue.yaml');
  writeFileSync(file, JSON.stringify({ domain: 'models.example.com', models }));
  return file;
}

const gone = 'http://127.0.0.1:9';

describe('what a model server’s own address is taken for', () => {
  it.each<[string, number, string, () => Promise<string>]>([
    ['refused where it wants another token', 0, 'refused', () => answering(401)],
    ['refused where a mesh wants another certificate', 0, 'refused', () => answering(403)],
    ['answered where it answers', 1, 'answered', () => answering(200)],
    ['answered where it has no such path', 1, 'answered', () => answering(404)],
    ['answered where it sends somewhere else', 1, 'answered', () => answering(307)],
    ['answered where it speaks HTTP/2 alone', 1, 'answered', () => listening(createHttp2())],
    ['unclear where it has trouble', 1, 'unclear', () => answering(503)],
    ['unclear where it says nothing', 1, 'unclear', () => listening(createTcp(() => undefined).unref())],
    ['out of reach if no server listens', 69, 'unreachable', () => Promise.resolve(gone)],
    [
      'out of reach where it hangs up',
      69,
      'unreachable',
      () => listening(createTcp((socket) => socket.resetAndDestroy())),
    ],
    ['out of reach where its name is not known', 69, 'unreachable', () => Promise.resolve('http://model.invalid')],
  ])('%s: exit code %i', async (_what, code, outcome, address) => {
    const report = await examine('--address', await address());
    expect(report.code).toBe(code);
    expect(report.findings.map((found) => [found.kind, found.token, found.outcome])).toEqual([
      ['direct', 'none', outcome],
      ['direct', 'wrong', outcome],
    ]);
  });

  it('out of reach where it wants a certificate, and answered over TLS whatever its own certificate is', async () => {
    const authority = await CertificateAuthority.create();
    const own = await authority.issue({ names: ['model'] });
    const closed = createHttps({ ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: true });
    const open = createHttps(own, (_request, response) => response.end('{}'));
    expect(await examine('--address', await listening(closed, 'https'))).toMatchObject({ code: 69 });
    expect(await examine('--address', await listening(open, 'https'))).toMatchObject({ code: 1, verdict: 'open' });
  });
});

describe('what a published host is taken for', () => {
  it.each([
    [401, 0, 'refused'],
    [403, 1, 'answered'],
    [200, 1, 'answered'],
    [503, 1, 'unclear'],
  ])('status %i: exit code %i, %s', async (status, code, outcome) => {
    const report = await examine('--gateway', await answering(status));
    expect(report.code).toBe(code);
    expect(report.findings.map((found) => [found.kind, found.outcome])).toEqual([
      ['published', outcome],
      ['published', outcome],
    ]);
  });
});

describe('a deployment', () => {
  it('is asked at every host and path of every model, and at every address of its servers', async () => {
    const seen: IncomingMessage[] = [];
    const gateway = await serving((request, response) => {
      seen.push(request);
      response.writeHead(401).end();
    });
    const server = await answering(403);
    const file = catalogue([
      { model: 'fraud/iris', upstream: [server, gone], grpcUpstream: 'http://127.0.0.1:10', protocols: ['v1', 'grpc'] },
      { model: 'vision/llm', upstream: server, protocols: ['v2'], modelName: 'llama', upstreamHost: 'llm.vision.svc' },
    ]);
    const report = await examine('--catalogue', file, '--gateway', gateway);
    expect(report).toMatchObject({ code: 0, verdict: 'closed' });
    const { host } = new URL(gateway);
    expect(new Set(seen.map(({ headers, url }) => `${headers.host} ${url}`))).toEqual(
      new Set([
        'iris.fraud.models.example.com /v1/models/iris',
        'iris-fraud.models.example.com /v1/models/iris',
        `${host} /serving/fraud/iris/v1/models/iris`,
        'llm.vision.models.example.com /v2/models/llama',
        'llm-vision.models.example.com /v2/models/llama',
        `${host} /serving/vision/llm/v2/models/llama`,
      ]),
    );
    const addresses = report.findings
      .filter(({ kind }) => kind === 'direct')
      .map(({ url, host: as }) => `${as} ${url}`);
    expect(new Set(addresses)).toEqual(
      new Set([
        `${new URL(server).host} ${server}/v1/models/iris`,
        '127.0.0.1:9 http://127.0.0.1:9/v1/models/iris',
        '127.0.0.1:10 http://127.0.0.1:10/v1/models/iris',
        `llm.vision.svc ${server}/v2/models/llama`,
      ]),
    );
  });

  it('is asked once without a token and once with one that looks right, and with nothing but GET', async () => {
    const seen: IncomingMessage[] = [];
    const gateway = await serving((request, response) => {
      seen.push(request);
      response.writeHead(401).end();
    });
    await examine('--gateway', gateway);
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET']);
    const tokens = seen.map(({ headers }) => headers.authorization);
    expect(tokens.filter((token) => token === undefined)).toHaveLength(1);
    const wrong = tokens.find((token) => token !== undefined);
    const [header = '', payload = '', signature = ''] = wrong?.replace('Bearer ', '').split('.') ?? [];
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(read(header)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    expect(read(payload)).toMatchObject({ scope: expect.stringMatching(/:predict$/) as string });
    expect(Buffer.from(signature, 'base64url')).toHaveLength(64);
  });

  it('is told in lines, the worst first and the verdict last', async () => {
    const [closed, open] = [await answering(401), await answering(200)];
    const { code, out } = await run('--gateway', closed, '--address', open);
    const lines = out.trimEnd().split('\n');
    expect(code).toBe(1);
    expect(lines[0]).toMatch(/^answered +200 +no token +direct +http:\/\/127.*can be reached past the gateway$/);
    expect(lines[2]).toMatch(/^refused +401 +no token +published +http:\/\/127[^ ]*\/v1\/models$/);
    expect(lines.at(-1)).toBe('Open: models answer without a good token.');
  });
});

describe('wrong usage', () => {
  it.each([
    [[], /nothing to check/],
    [['--gateway', 'models.example.com'], /--gateway models.example.com is not an http or https URL/],
    [['--address', 'file:///etc/passwd'], /is not an http or https URL/],
    [['--gateway', 'http://127.0.0.1:9/base'], /has a path/],
    [['--address', 'http://127.0.0.1:9/v1/models?all'], /has a query/],
    [
      ['--address', 'http://someone:secret@127.0.0.1:9'],
      /^--address must not contain a credential\n\nmodelgate doctor/,
    ],
    [['--gateway', gone, '--timeout', 'soon'], /--timeout must be a number of seconds/],
    [['--what'], /--what/],
  ])('%j: exit code 64 and why', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([64, '']);
    expect(err).toMatch(message);
  });

  it('a catalogue that is none: exit code 65 and what is wrong with it', async () => {
    expect(await run('--catalogue', join(folder, 'no-such-file'))).toMatchObject({ code: 65 });
    const { code, err } = await run('--catalogue', catalogue([{ model: 'iris' }]));
    expect([code, err]).toEqual([65, expect.stringContaining('must be namespace/name')]);
  });

  it('explains itself', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('--address') as string });
  });
});
