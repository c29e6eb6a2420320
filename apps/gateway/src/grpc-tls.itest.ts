import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { CertificateAuthority, FakeGrpcServer } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestBed } from './gateway.fixture.ts';
import { irisHost, methodOf } from './grpc.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'modelgate-grpc-tls-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

let bed: TestBed;
let server: FakeGrpcServer;
let trusted: Buffer;
beforeAll(async () => {
  const [ofCallers, ofModels] = await Promise.all([
    CertificateAuthority.create(),
    CertificateAuthority.create('Models'),
  ]);
  const [own, model] = await Promise.all([
    ofCallers.issue({ names: [irisHost, '127.0.0.1'] }),
    ofModels.issue({ names: ['127.0.0.1'] }),
  ]);
  trusted = Buffer.from(ofCallers.cert);
  server = await FakeGrpcServer.start({ tls: { cert: model.cert, key: model.key } });
  const at = { upstream: server.url, protocols: ['grpc'] };
  const models = [
    { ...at, model: 'fraud/iris', upstreamTls: { caFile: file('models.crt', ofModels.cert) } },
    { ...at, model: 'fraud/other', upstreamTls: { caFile: file('callers.crt', ofCallers.cert) } },
  ];
  const settings = { TLS_CERT_FILE: file('tls.crt', own.cert), TLS_KEY_FILE: file('tls.key', own.key) };
  bed = await TestBed.start(settings, { models });
});
afterAll(async () => {
  await bed.stop();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** `ModelInfer` over TLS, as a stranger's client negotiates it. */
function infer(model: string, { host, ca = trusted }: { host?: string; ca?: Buffer } = {}): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = methodOf('ModelInfer');
  const named = host === undefined ? {} : { 'grpc.ssl_target_name_override': host, 'grpc.default_authority': host };
  const client = new Client(new URL(bed.gateway.url).host, credentials.createSsl(ca), named);
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${bed.issuer.signFor('fraud/iris:predict fraud/other:predict')}`);
  return new Promise((resolve) => {
    const onAnswer = (error: ServiceError | null): void => {
      client.close();
      resolve(error?.code ?? status.OK);
    };
    const request = { model_name: model };
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline: Date.now() + 5_000 },
      onAnswer,
    );
  });
}

it('a call goes over TLS to the gateway, and over TLS of its own to the model', async () => {
  expect(await infer('fraud/iris')).toBe(status.OK);
  expect(await infer('iris', { host: irisHost })).toBe(status.OK);
  expect(server.seen.map(({ path }) => path)).toEqual(Array(2).fill('/inference.GRPCInferenceService/ModelInfer'));
});

it('a call reaches no server that cannot say who it is', async () => {
  const before = server.seen.length;
  expect(await infer('fraud/other')).toBe(status.UNAVAILABLE);
  expect(await infer('fraud/iris', { ca: Buffer.from(await strangersCertificate()) })).toBe(status.UNAVAILABLE);
  expect(server.seen.length).toBe(before);
});

async function strangersCertificate(): Promise<string> {
  return (await CertificateAuthority.create('Stranger')).cert;
}
