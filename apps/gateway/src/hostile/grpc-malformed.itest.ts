import { status } from '@grpc/grpc-js';
import { grpcMessage } from '@modelgate/testing';
import { createHash } from 'node:crypto';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GrpcBed, inferRequest, methodOf, type RawCall } from '../grpc.fixture.ts';

let bed: GrpcBed;
beforeAll(async () => {
  bed = await GrpcBed.startBed({ MAX_BODY_BYTES: '1000000', REQUEST_TIMEOUT: '2s', HEADERS_TIMEOUT: '1s' });
});
afterAll(() => bed.stop());

const good = inferRequest('iris');
const framed = grpcMessage(good);
const { OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, DEADLINE_EXCEEDED } = status;

/** A message with the model's name, and what is wrong with it. */
const withName = (...bytes: number[]): Buffer => grpcMessage(Buffer.concat([good, Buffer.from(bytes)]));
/** Two kilobytes that no compression makes shorter. */
const noise = (turn: number): Buffer => createHash('shake256', { outputLength: 2_000 }).update(String(turn)).digest();
const prefixed = (length: number, content: Uint8Array, flag = 0): Buffer => {
  const bytes = grpcMessage(content, flag);
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

const malformed: [string, Omit<RawCall, 'token'>, number][] = [
  ['no message', {}, INVALID_ARGUMENT],
  ['an empty request', { bytes: Buffer.alloc(0) }, INVALID_ARGUMENT],
  ['half a prefix', { bytes: Buffer.from([0, 0, 0]) }, INVALID_ARGUMENT],
  ['a prefix alone', { bytes: framed.subarray(0, 5) }, INVALID_ARGUMENT],
  ['a message without its last byte', { bytes: framed.subarray(0, -1) }, INVALID_ARGUMENT],
  ['a length that is one too long', { bytes: prefixed(good.length + 1, good) }, INVALID_ARGUMENT],
  ['a length that is one too short', { bytes: prefixed(good.length - 1, good) }, INVALID_ARGUMENT],
  ['a length of four gigabytes', { bytes: prefixed(0xffff_ffff, good) }, RESOURCE_EXHAUSTED],
  ['a length beyond the limit', { bytes: prefixed(1_000_001, good) }, RESOURCE_EXHAUSTED],
  ['two messages', { bytes: Buffer.concat([framed, framed]) }, INVALID_ARGUMENT],
  ['a message and an empty one', { bytes: Buffer.concat([framed, grpcMessage(Buffer.alloc(0))]) }, INVALID_ARGUMENT],
  ['a message and a byte', { bytes: Buffer.concat([framed, Buffer.from([0])]) }, INVALID_ARGUMENT],
  ['a flag that does not exist', { bytes: grpcMessage(good, 2) }, INVALID_ARGUMENT],
  ['a trailer frame of grpc-web', { bytes: grpcMessage(good, 0x80) }, INVALID_ARGUMENT],
  ['bare protobuf', { bytes: good }, INVALID_ARGUMENT],
  ['JSON', { bytes: Buffer.from('{"model_name":"iris"}') }, INVALID_ARGUMENT],
  ['an empty message', { bytes: grpcMessage(Buffer.alloc(0)) }, INVALID_ARGUMENT],
  ['the name twice', { bytes: withName(0x0a, 4, ...Buffer.from('iris')) }, INVALID_ARGUMENT],
  ['another name behind the tensors', { bytes: withName(0x0a, 5, ...Buffer.from('other')) }, INVALID_ARGUMENT],
  ['the name as a number', { bytes: grpcMessage(Buffer.from([0x08, 1])) }, INVALID_ARGUMENT],
  ['a name that is not UTF-8', { bytes: grpcMessage(Buffer.from([0x0a, 1, 0xff])) }, INVALID_ARGUMENT],
  ['a field that ends after the message', { bytes: withName(0x3a, 9, 1) }, INVALID_ARGUMENT],
  ['a tag longer than it has to be', { bytes: withName(0xaa, 0x00, 0) }, INVALID_ARGUMENT],
  ['field 0', { bytes: withName(0x02, 0) }, INVALID_ARGUMENT],
  ['a group', { bytes: withName(0x2b, 0x2c) }, INVALID_ARGUMENT],
  ['a varint without an end', { bytes: withName(0x78, 0xff) }, INVALID_ARGUMENT],
  ['compression without an encoding', { bytes: grpcMessage(gzipSync(good), 1) }, INVALID_ARGUMENT],
  [
    'identity and a compressed message',
    { headers: { 'grpc-encoding': 'identity' }, bytes: grpcMessage(gzipSync(good), 1) },
    INVALID_ARGUMENT,
  ],
  ['an unknown encoding', { headers: { 'grpc-encoding': 'snappy' }, bytes: framed }, UNIMPLEMENTED],
  ['gzip that is none', { headers: { 'grpc-encoding': 'gzip' }, bytes: grpcMessage(good, 1) }, INVALID_ARGUMENT],
  [
    'gzip that is cut off',
    { headers: { 'grpc-encoding': 'gzip' }, bytes: grpcMessage(gzipSync(good).subarray(0, -5), 1) },
    INVALID_ARGUMENT,
  ],
  [
    'deflate without its frame',
    { headers: { 'grpc-encoding': 'deflate' }, bytes: grpcMessage(deflateRawSync(good), 1) },
    INVALID_ARGUMENT,
  ],
  [
    'gzip that becomes too long',
    { headers: { 'grpc-encoding': 'gzip' }, bytes: grpcMessage(gzipSync(Buffer.alloc(2_000_000)), 1) },
    RESOURCE_EXHAUSTED,
  ],
  ['a malformed deadline', { headers: { 'grpc-timeout': '1 second' }, bytes: framed }, INVALID_ARGUMENT],
  ['two deadlines', { headers: { 'grpc-timeout': ['1S', '2S'] }, bytes: framed }, INVALID_ARGUMENT],
  ['two encodings', { headers: { 'grpc-encoding': ['gzip', 'identity'] }, bytes: framed }, INVALID_ARGUMENT],
  [
    'the messages of grpc-web',
    { headers: { 'content-type': 'application/grpc-web+proto' }, bytes: framed },
    UNIMPLEMENTED,
  ],
  ['messages of JSON', { headers: { 'content-type': 'application/grpc+json' }, bytes: framed }, UNIMPLEMENTED],
  ['another method of HTTP', { headers: { ':method': 'PUT' }, bytes: framed }, UNIMPLEMENTED],
  [
    'a method in another case',
    { headers: { ':path': '/inference.GRPCInferenceService/modelInfer' }, bytes: framed },
    UNIMPLEMENTED,
  ],
  ['an unknown service', { headers: { ':path': '/grpc.health.v1.Health/Check' }, bytes: framed }, UNIMPLEMENTED],
  [
    'an encoded path',
    { headers: { ':path': '/inference.GRPCInferenceService%2FModelInfer' }, bytes: framed },
    INVALID_ARGUMENT,
  ],
  [
    'a slash too many',
    { headers: { ':path': '//inference.GRPCInferenceService/ModelInfer' }, bytes: framed },
    INVALID_ARGUMENT,
  ],
  [
    'a slash at the end',
    { headers: { ':path': '/inference.GRPCInferenceService/ModelInfer/' }, bytes: framed },
    INVALID_ARGUMENT,
  ],
  [
    'a query',
    { headers: { ':path': '/inference.GRPCInferenceService/ModelInfer?x=1' }, bytes: framed },
    INVALID_ARGUMENT,
  ],
  ['metadata with an underscore', { headers: { x_user: 'root' }, bytes: framed }, INVALID_ARGUMENT],
  ['a credential in another form', { headers: { authorization: 'Basic eDp5' }, bytes: framed }, status.UNAUTHENTICATED],
];

describe('a call that is malformed', () => {
  afterEach(() => expect(bed.seen).toEqual([]));

  it.each(malformed)(
    'by %s is refused with its status, in trailers only, and reaches no model server',
    async (_, call, code) => {
      const token = call.headers?.['authorization'] === undefined ? bed.bed.issuer.sign() : undefined;
      const { headers, alone, body } = await bed.raw({ ...call, token });
      expect(headers).toMatchObject({
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(code),
      });
      expect([alone, body.length]).toEqual([true, 0]);
    },
  );

  it('by a message that never comes is given up in time', async () => {
    const { headers } = await bed.raw({ token: bed.bed.issuer.sign(), bytes: framed.subarray(0, 9), open: true });
    expect(headers).toMatchObject({ 'grpc-status': String(DEADLINE_EXCEEDED) });
  });

  it('over HTTP/1.1 is refused in words that its caller can read', async () => {
    const headers = { 'content-type': 'application/grpc', host: 'iris.fraud.models.example.com' };
    const path = '/inference.GRPCInferenceService/ModelInfer';
    const answer = await bed.bed.send({ path, headers, token: bed.bed.issuer.sign(), body: framed });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ reason: 'http_version' });
  });
});

describe('a call that is only unusual', () => {
  it.each<[string, Omit<RawCall, 'token'>]>([
    ['a message in single bytes', { bytes: [...framed].map((byte) => Buffer.from([byte])) }],
    [
      'the name behind the tensors',
      { bytes: grpcMessage(Buffer.concat([Buffer.from([0x3a, 1, 7]), Buffer.from('\n\u0004iris')])) },
    ],
    ['unknown fields', { bytes: withName(0x78, 1, 0xfa, 0x07, 1, 1) }],
    ['an encoding that it does not use', { headers: { 'grpc-encoding': 'gzip' }, bytes: framed }],
    ['gzip', { headers: { 'grpc-encoding': 'gzip' }, bytes: grpcMessage(gzipSync(good), 1) }],
    ['deflate', { headers: { 'grpc-encoding': 'deflate' }, bytes: grpcMessage(deflateSync(good), 1) }],
    [
      'zeros that are small when compressed',
      {
        headers: { 'grpc-encoding': 'gzip' },
        bytes: grpcMessage(gzipSync(inferRequest('iris', Buffer.alloc(900_000))), 1),
      },
    ],
    ['a declared length', { headers: { 'content-length': String(framed.length) }, bytes: framed }],
  ])('by %s is served', async (_, call) => {
    const { trailers } = await bed.raw({ ...call, token: bed.bed.issuer.sign() });
    expect(trailers).toMatchObject({ 'grpc-status': String(OK) });
  });

  it('is the only one that ends by what is wrong with it', async () => {
    const stream = bed.stream({ token: bed.bed.issuer.sign() });
    stream.send('fraud/iris');
    for (const [, call] of malformed.slice(0, 20)) await bed.raw({ ...call, token: bed.bed.issuer.sign() });
    stream.send('fraud/iris');
    stream.end();
    expect(await stream.done).toMatchObject({ code: OK, messages: { length: 2 } });
  });

  it.each<[string, number, (turn: number) => Buffer]>([
    ['compressed', 300, (turn) => grpcMessage(gzipSync(inferRequest('fraud/iris', noise(turn))), 1)],
    ['small', 30_000, () => grpcMessage(inferRequest('fraud/iris', ''))],
  ])('of a stream is held until it has been sent, and no longer: %s', async (_, count, message) => {
    const narrow = await GrpcBed.startBed({ MAX_BODY_BYTES: '64000', MAX_BUFFERED_BYTES: '256000' });
    const token = narrow.bed.issuer.sign();
    const headers = {
      ':path': '/inference.GRPCInferenceService/ModelStreamInfer',
      ':authority': 'models.example.com',
      'grpc-encoding': 'gzip',
    };
    const bytes = Buffer.concat(Array.from({ length: count }, (__, turn) => message(turn)));
    const { trailers } = await narrow.raw({ token, headers, bytes });
    await narrow.stop();
    expect(trailers).toMatchObject({ 'grpc-status': String(OK) });
  });

  it('leaves no memory held behind it', async () => {
    // A message per subject and time would be refused, were the ones before not given back.
    const large = { model_name: 'iris', raw_input_contents: [Buffer.alloc(900_000)] };
    expect(methodOf('ModelInfer').requestSerialize(large).length).toBeLessThan(1_000_000);
    const bytes = grpcMessage(methodOf('ModelInfer').requestSerialize(large));
    for (let turn = 0; turn < 6; turn++) {
      const calls = Array.from({ length: 10 }, (_, at) =>
        bed.raw({ token: bed.bed.issuer.sign(), bytes: at % 2 === 0 ? bytes : bytes.subarray(0, -1) }),
      );
      await Promise.all(calls);
    }
    const { trailers } = await bed.raw({ token: bed.bed.issuer.sign(), bytes: framed });
    expect(trailers).toMatchObject({ 'grpc-status': String(OK) });
  });
});
