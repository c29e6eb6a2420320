import { runtimes } from '@modelgate/catalogue';
import type { Verb } from '@modelgate/scope';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalise } from '../request/canonicaliser.ts';
import { Catalogue } from '../catalogue/catalogue.ts';
import { classify, type Classified } from '../classify.ts';
import { isDenial } from '../denial/denial.ts';
import { grpcMethods, type GrpcMethod } from './grpc-methods.ts';
import { resolveMessage, type GrpcOperation } from './grpc.ts';

const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    {
      model: 'fraud/iris',
      upstream: 'http://127.0.0.1:8080',
      grpcUpstream: 'http://127.0.0.1:8081',
      protocols: ['v2', 'grpc'],
      modelName: 'Iris.v2',
      aliases: [{ alias: 'canary', servedName: 'iris-next' }],
    },
    ...runtimes.map((runtime) => ({
      model: `of/${runtime}`,
      upstream: 'http://127.0.0.1:9081',
      protocols: ['grpc'],
      runtime,
    })),
    { model: 'fraud/rest', upstream: 'http://127.0.0.1:8080', protocols: ['v1', 'v2'] },
  ],
});

const ownHost = 'models.example.com';
const irisHost = 'iris.fraud.models.example.com';

function call(name: string, host = irisHost, contentType = 'application/grpc', method = 'POST'): Classified {
  const rawHeaders = ['host', host, 'content-type', contentType];
  const canonical = canonicalise({ method, url: `/inference.GRPCInferenceService/${name}`, rawHeaders });
  return isDenial(canonical) ? canonical : classify(canonical, catalogue);
}

function grpcCall(name: string, host?: string): GrpcOperation {
  const classified = call(name, host);
  if (isDenial(classified) || classified.kind !== 'grpc') throw new Error(`${name} is not offered`);
  return classified;
}

function message(fields: Readonly<Record<number, string>>): Buffer {
  const writer = new BinaryWriter();
  for (const [field, value] of Object.entries(fields))
    writer.tag(Number(field), WireType.LengthDelimited).string(value);
  return Buffer.from(writer.finish());
}

function resolve(name: string, fields: Readonly<Record<number, string>>, host?: string) {
  return resolveMessage(grpcCall(name, host), [message(fields)]);
}

const reasonOf = (found: object): string | undefined => (isDenial(found) ? found.reason : undefined);

describe('classifyGrpc', () => {
  const base = [
    'ServerLive',
    'ServerReady',
    'ServerMetadata',
    'ModelReady',
    'ModelMetadata',
    'ModelInfer',
    'ModelStreamInfer',
  ];
  const repository = ['RepositoryModelLoad', 'RepositoryModelUnload'];
  const offered: Readonly<Record<string, readonly string[]>> = {
    kserve: repository,
    huggingface: repository,
    mlserver: [...repository, 'RepositoryIndex'],
    triton: [...repository, 'RepositoryIndex', 'ModelConfig', 'ModelStatistics'],
  };

  it.each([undefined, ...runtimes])('offers exactly the methods of the server at a model of runtime %s', (runtime) => {
    const host = runtime === undefined ? irisHost : `${runtime}.of.models.example.com`;
    const names = [...new Set(grpcMethods.map(({ name }) => name))].filter((name) => !isDenial(call(name, host)));
    expect(names.toSorted()).toEqual([...base, ...(offered[runtime ?? ''] ?? [])].toSorted());
  });

  it.each([
    'TraceSetting',
    'Trace',
    'LogSettings',
    'SystemSharedMemoryStatus',
    'SystemSharedMemoryRegister',
    'SystemSharedMemoryUnregister',
    'CudaSharedMemoryStatus',
    'CudaSharedMemoryRegister',
    'CudaSharedMemoryUnregister',
    'modelInfer',
    'ModelInfer2',
    'constructor',
    '__proto__',
    'ModelInfer/x',
  ])('never offers the method %s', (name) => {
    for (const host of [ownHost, irisHost, 'triton.of.models.example.com']) {
      expect(reasonOf(call(name, host))).toBe('unknown_route');
    }
  });

  it.each([
    '/inference.GRPCInferenceService',
    '/inference.model_repository.ModelRepositoryService/RepositoryIndex',
    '/grpc.health.v1.Health/Check',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/ModelInfer',
    '/serving/fraud/iris/inference.GRPCInferenceService/ModelInfer',
  ])('refuses the path %s', (url) => {
    const canonical = canonicalise({
      method: 'POST',
      url,
      rawHeaders: ['host', irisHost, 'content-type', 'application/grpc'],
    });
    expect(isDenial(canonical)).toBe(false);
    expect(isDenial(canonical) || reasonOf(classify(canonical, catalogue))).toBe('unknown_route');
  });

  it.each([
    ['another host', 'evil.example', 'unknown_host'],
    ['a model that does not speak gRPC', 'rest.fraud.models.example.com', 'unknown_route'],
  ])('refuses %s', (_, host, reason) => {
    expect(reasonOf(call('ModelInfer', host))).toBe(reason);
  });

  it.each([
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/grpc-web-text',
    'application/grpc+json',
    'application/grpc; x=1',
    'application/grpcx',
  ])('refuses the content type %s', (contentType) => {
    expect(reasonOf(call('ModelInfer', irisHost, contentType))).toBe('content_type');
  });

  it('accepts application/grpc+proto, and only the method POST', () => {
    expect(isDenial(call('ModelInfer', irisHost, 'application/grpc+proto'))).toBe(false);
    const get = call('ModelInfer', irisHost, 'application/grpc', 'GET');
    expect(get).toMatchObject({ reason: 'method_not_allowed', allow: 'POST' });
  });

  it('offers at the gateway’s own host the methods whose message names the model', () => {
    const names = grpcMethods.map(({ name }) => name).filter((name) => !isDenial(call(name, ownHost)));
    expect(new Set(names)).toEqual(
      new Set(['ModelReady', 'ModelMetadata', 'ModelInfer', 'ModelStreamInfer', 'ModelConfig', 'ModelStatistics']),
    );
  });
});

describe('resolveMessage', () => {
  it('finds the model at its own host by its server’s name, and forwards the same pieces', () => {
    const pieces = [message({ 7: 'tensor' }), message({ 1: 'Iris.v2' })];
    const found = resolveMessage(grpcCall('ModelInfer'), pieces);
    expect(found).toMatchObject({
      operation: {
        model: { namespace: 'fraud', name: 'iris' },
        verb: 'predict',
        kind: 'model',
        upstream: { origins: ['http://127.0.0.1:8081'] },
        path: '/inference.GRPCInferenceService/ModelInfer',
      },
    });
    expect('pieces' in found && found.pieces).toBe(pieces);
  });

  it('treats an alias as a model of its own', () => {
    expect(resolve('ModelInfer', { 1: 'iris-next' })).toMatchObject({ operation: { model: { alias: 'canary' } } });
  });

  it.each([
    ['fraud/iris', 'Iris.v2'],
    ['fraud/iris#canary', 'iris-next'],
    ['of/kserve', 'kserve'],
  ])('translates %s at the gateway’s own host to its server’s name %s', (name, upstreamName) => {
    const found = resolve('ModelInfer', { 1: name, 3: 'id', 7: 'tensor' }, ownHost);
    if (isDenial(found)) throw new Error(found.reason);
    expect(Buffer.concat(found.pieces).equals(message({ 1: upstreamName, 3: 'id', 7: 'tensor' }))).toBe(true);
  });

  it.each<[string, string, string | undefined, string]>([
    ['the public name at its own host', 'fraud/iris', irisHost, 'unknown_model'],
    ['the name of another model', 'kserve', irisHost, 'unknown_model'],
    ['its server’s name at the gateway’s host', 'Iris.v2', ownHost, 'unknown_model'],
    ['another case', 'iris.v2', irisHost, 'unknown_model'],
    ['a name of an object', '__proto__', irisHost, 'unknown_model'],
    ['a name of an object at the gateway’s host', 'constructor', ownHost, 'unknown_model'],
    ['a pattern', 'fraud/*', ownHost, 'unknown_model'],
    ['no name', '', irisHost, 'model_missing'],
    ['a model that does not speak gRPC', 'fraud/rest', ownHost, 'unknown_route'],
  ])('refuses %s', (_, name, host, reason) => {
    expect(reasonOf(resolve('ModelInfer', { 1: name }, host))).toBe(reason);
  });

  it('refuses a message that names no model or repeats the name', () => {
    expect(reasonOf(resolve('ModelInfer', { 7: 'tensor' }))).toBe('model_missing');
    const twice = [message({ 1: 'Iris.v2' }), message({ 1: 'Iris.v2' })];
    expect(reasonOf(resolveMessage(grpcCall('ModelInfer'), twice))).toBe('body_malformed');
  });

  it('offers at the gateway’s own host the methods of the model’s server', () => {
    expect(reasonOf(resolve('ModelConfig', { 1: 'fraud/iris' }, ownHost))).toBe('unknown_route');
    expect(resolve('ModelConfig', { 1: 'of/triton' }, ownHost)).toMatchObject({ operation: { verb: 'metadata' } });
  });

  it.each<[string, string, number, number]>([
    ['kserve', 'RepositoryModelLoad', 1, 2],
    ['huggingface', 'RepositoryModelUnload', 1, 2],
    ['mlserver', 'RepositoryModelUnload', 2, 1],
    ['triton', 'RepositoryModelLoad', 2, 1],
  ])('reads the name from the field that %s uses, and forwards nothing else of %s', (runtime, method, field, other) => {
    const host = `${runtime}.of.models.example.com`;
    expect(resolve(method, { [field]: runtime }, host)).toMatchObject({ operation: { verb: 'repository' } });
    expect(reasonOf(resolve(method, { [other]: runtime }, host))).toBe('body_malformed');
    expect(reasonOf(resolve(method, { [field]: runtime, [other]: 'x' }, host))).toBe('body_malformed');
    expect(reasonOf(resolve(method, { [field]: runtime, 3: 'config' }, host))).toBe('body_malformed');
  });

  it.each<[string, Verb, GrpcMethod['messages']]>([
    ['ServerLive', 'metadata', 'one'],
    ['ServerReady', 'metadata', 'one'],
    ['ServerMetadata', 'metadata', 'one'],
    ['ModelReady', 'metadata', 'one'],
    ['ModelMetadata', 'metadata', 'one'],
    ['ModelInfer', 'predict', 'one'],
    ['ModelStreamInfer', 'predict', 'many'],
    ['ModelConfig', 'metadata', 'one'],
    ['ModelStatistics', 'metadata', 'one'],
    ['RepositoryIndex', 'metadata', 'one'],
    ['RepositoryModelLoad', 'repository', 'one'],
    ['RepositoryModelUnload', 'repository', 'one'],
  ])('requires for %s the verb %s, in %s', (name, verb, messages) => {
    const operation = grpcCall(name, 'triton.of.models.example.com');
    expect(operation).toMatchObject({ protocol: 'grpc', method: { messages } });
    const { nameField } = operation.method;
    const found = resolveMessage(operation, [message(nameField === undefined ? {} : { [nameField]: 'triton' })]);
    expect(found).toMatchObject({ operation: { protocol: 'grpc', method: 'POST', verb } });
  });

  it('reports what is wrong with a message, and which field of a load it does not forward', () => {
    expect(resolve('ModelInfer', {})).toMatchObject({ message: 'The message does not name a model.' });
    const load = resolve('RepositoryModelLoad', { 2: 'triton', 3: 'config' }, 'triton.of.models.example.com');
    expect(load).toMatchObject({ message: 'The message is malformed: field 3, which is not forwarded.' });
  });

  it('uses the model of the host if the method names none, and lists the models of its server', () => {
    expect(resolve('ServerLive', {})).toMatchObject({ operation: { model: { name: 'iris' }, verb: 'metadata' } });
    const index = resolve('RepositoryIndex', {}, 'mlserver.of.models.example.com');
    expect(index).toMatchObject({ operation: { kind: 'list', verb: 'metadata', model: { name: 'mlserver' } } });
    expect(reasonOf(resolveMessage(grpcCall('ServerLive'), [Buffer.from([0x0a])]))).toBe('body_malformed');
  });

  it('never throws for arbitrary bytes', () => {
    const operations = [grpcCall('ModelInfer'), grpcCall('ModelInfer', ownHost), grpcCall('ServerLive')];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        for (const operation of operations) {
          expect(() => resolveMessage(operation, [Buffer.from(bytes)])).not.toThrow();
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
