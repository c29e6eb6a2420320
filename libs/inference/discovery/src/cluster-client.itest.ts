import { CertificateAuthority } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createServer as createSilentServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectCluster } from './cluster-client.ts';
import { KubernetesError, type KubernetesClient, type WatchEvent } from './kubernetes-client.ts';
import { inferenceServices } from './resource.ts';

const collection = { resource: inferenceServices, version: 'v1beta1' };
const never = new AbortController().signal;
const iris = { metadata: { name: 'iris', namespace: 'fraud', resourceVersion: '7' } };
const authority = await CertificateAuthority.create();
const certificate = await authority.issue({ names: ['127.0.0.1'] });
let folder: string;
let server: Server | undefined;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'modelgate-cluster-client-'))));
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

function kubeconfig(url: string): string {
  const file = join(folder, 'kubeconfig');
  const ca = Buffer.from(authority.cert).toString('base64');
  const clusters = [{ name: 'c', cluster: { server: url, 'certificate-authority-data': ca } }];
  const contexts = [{ name: 'c', context: { cluster: 'c', user: 'u' } }];
  const users = [{ name: 'u', user: { token: 'secret-token' } }];
  writeFileSync(file, JSON.stringify({ clusters, contexts, users, 'current-context': 'c' }));
  return file;
}

async function clientOf(answer: RequestListener): Promise<KubernetesClient> {
  const listening = createServer(certificate, answer);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return connectCluster({ kind: 'kubeconfig', file: kubeconfig(`https://127.0.0.1:${port}`) });
}

function answering(status: number, body: unknown): Promise<KubernetesClient> {
  return clientOf((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

async function refusalOf(work: Promise<unknown>): Promise<KubernetesError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KubernetesError)) throw new Error(`not a KubernetesError: ${String(error)}`);
  return error;
}

describe('a list', () => {
  it('is requested with the token and in pages', async () => {
    const seen: string[] = [];
    const client = await clientOf((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ metadata: { resourceVersion: '9', continue: 'more' }, items: [iris] }));
    });
    const page = await client.list({ ...collection, namespace: 'fraud' }, 'from', never);
    expect(page).toEqual({ objects: [iris], resourceVersion: '9', continue: 'more' });
    expect(seen).toEqual([
      '/apis/serving.kserve.io/v1beta1/namespaces/fraud/inferenceservices?continue=from&limit=200 Bearer secret-token',
    ]);
  });

  it.each([
    [
      'its own sentence',
      { kind: 'Status', code: 403, message: 'inferenceservices is forbidden' },
      'inferenceservices is forbidden',
    ],
    ['none', 'Gateway says no', 'HTTP-Code: 403'],
  ])('that is answered with %s rejects with that status', async (_, body, sentence) => {
    const client = await answering(403, body);
    const error = await refusalOf(client.list(collection, undefined, never));
    expect(error.status).toBe(403);
    expect(error.message).toContain(sentence);
    expect(error.message).not.toContain('secret-token');
  });

  it.each([{}, { items: [] }, { metadata: { resourceVersion: '1' }, items: [{}] }, []])(
    'that is malformed rejects: %j',
    async (body) => {
      const client = await answering(200, body);
      const error = await refusalOf(client.list(collection, undefined, never));
      expect(error.message).toBe('the API server answered with something that is not a list');
    },
  );

  it('that never arrives times out without a status', async () => {
    const silent = createSilentServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const client = await connectCluster({ kind: 'kubeconfig', file: kubeconfig(`https://127.0.0.1:${port}`) });
    const error = await refusalOf(client.list(collection, undefined, AbortSignal.timeout(100)));
    expect(error.status).toBeUndefined();
    expect(error.message).toMatch(/^the API server does not answer: /);
    silent.close();
  });

  it('of an unreachable server rejects without a status', async () => {
    const client = await connectCluster({ kind: 'kubeconfig', file: kubeconfig('https://127.0.0.1:1') });
    const error = await refusalOf(client.list(collection, undefined, never));
    expect(error).toMatchObject({ status: undefined, message: expect.stringContaining('does not answer') as string });
  });
});

describe('a watch', () => {
  async function watch(client: KubernetesClient, signal = never): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    const onEvent = (event: WatchEvent): void => void events.push(event);
    await client.watch({ collection, resourceVersion: '5', seconds: 25, signal, onOpen: () => undefined, onEvent });
    return events;
  }
  const streaming = (...events: unknown[]): Promise<KubernetesClient> =>
    answering(200, events.map((event) => `${JSON.stringify(event)}\n`).join(''));

  it('reports changes until its normal end', async () => {
    const client = await streaming(
      { type: 'ADDED', object: iris },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '40' } } },
    );
    expect(await watch(client)).toEqual([
      { type: 'ADDED', object: iris, resourceVersion: '7' },
      { type: 'BOOKMARK', resourceVersion: '40' },
    ]);
  });

  it.each([
    ['a history that is forgotten', { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } }, 410],
    ['an error without a code', { type: 'ERROR', object: {} }, 500],
  ])('ends with the status of %s', async (_, event, status) => {
    expect((await refusalOf(watch(await streaming(event)))).status).toBe(status);
  });

  it.each([{ type: 'ADDED', object: {} }, { type: 'SOMETHING', object: iris }, { type: 'BOOKMARK', object: {} }, 'x'])(
    'ends with an invalid event: %j',
    async (event) => {
      await refusalOf(watch(await streaming(event)));
    },
  );

  it('that is refused ends with the status', async () => {
    expect((await refusalOf(watch(await answering(403, {})))).status).toBe(403);
  });

  it('ends when it is aborted in the middle', async () => {
    const client = await clientOf((_, response) => void response.writeHead(200).write('\n'));
    const error = await refusalOf(watch(client, AbortSignal.timeout(200)));
    expect(error.status).toBeUndefined();
  });
});
