import { status } from '@grpc/grpc-js';
import { grpcMessage } from '@modelgate/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcBed, inferRequest, irisHost } from '../grpc.fixture.ts';
import { endHeaders, endStream, field, frame, frameType, RawHttp2 } from './http2-frames.fixture.ts';

let bed: GrpcBed;
let token: string;
let before = 0;
beforeAll(async () => {
  bed = await GrpcBed.startBed();
  token = bed.bed.issuer.sign();
});
afterAll(() => bed.stop());
beforeEach(() => {
  before = bed.seen.length;
});

const reached = () => bed.seen.slice(before);
const bytes = grpcMessage(inferRequest('iris'));

/** Metadata that gateways, meshes and model servers trust, and metadata that only the gateway may set. */
const forged: Record<string, string> = {
  'kserve-isvc-name': 'other',
  'kserve-isvc-namespace': 'vision',
  'x-gateway-model-name': 'publishers/vision/models/other',
  'x-gateway-model-name-rewrite': 'other',
  'x-gateway-destination-endpoint': '10.0.0.1:8080',
  'x-gateway-destination-endpoint-subset': '10.0.0.1:8080',
  'x-gateway-inference-objective': 'first',
  'x-gateway-inference-fairness-id': 'nobody',
  'x-ai-eg-model': 'other',
  'kubeflow-userid': 'root@example.com',
  'kubeflow-groups': 'system:masters',
  'x-maas-username': 'root',
  'x-maas-group': 'admins',
  'x-maas-subscription': 'gold',
  'x-auth-request-user': 'root',
  'x-auth-request-groups': 'admins',
  'x-remote-user': 'root',
  'impersonate-user': 'root',
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-host': 'other.fraud.models.example.com',
  'x-forwarded-proto': 'https',
  'x-forwarded-client-cert': 'By=spiffe://root',
  'x-envoy-original-path': '/inference.GRPCInferenceService/RepositoryModelUnload',
  'x-envoy-upstream-rq-timeout-ms': '1',
  forwarded: 'host=other',
  via: '1.1 gateway',
  cookie: 'session=root',
  'proxy-authorization': 'Basic cm9vdDo=',
  'x-api-key': 'sk-root',
  'user-agent': 'grpc-node-js/1.14.7',
  'mm-model-id': 'other',
  'mm-vmodel-id': 'other',
  'mm-model-id-bin': Buffer.from('other').toString('base64'),
  'authorization-bin': Buffer.from('Bearer x').toString('base64'),
  'x-request-id-bin': '=not base64=',
  'triton-grpc-protocol-model-repository': 'secret',
  'grpc-trace-bin': 'AAAA',
  'grpc-tags-bin': 'AAAA',
  'grpc-previous-rpc-attempts': '1',
  'grpc-internal-encoding-request': 'gzip',
  'grpc-status': '0',
  'grpc-message': 'fine',
  'grpc-retry-pushback-ms': '-1',
  'content-encoding': 'identity',
  'inference-header-content-length': '3',
  ratelimit: '"default";r=100',
  'x-should-retry': 'true',
};

describe('metadata that a server behind the gateway would believe', () => {
  it.each(Object.keys(forged))('stays behind: %s', async (name) => {
    const { trailers } = await bed.raw({ token, headers: { [name]: forged[name] ?? '' }, bytes });
    expect(trailers).toMatchObject({ 'grpc-status': String(status.OK) });
    expect(reached()[0]?.rawHeaders).not.toContain(name);
  });

  it('leaves what is known, whatever else there is', async () => {
    const known = { traceparent: '00-1', tracestate: 'a=1', b3: '1', 'ce-id': '42', 'grpc-timeout': '5S' };
    await bed.raw({ token, headers: { ...forged, ...known, 'grpc-accept-encoding': 'gzip' }, bytes });
    const names = reached()[0]?.rawHeaders.filter((_, index) => index % 2 === 0);
    const own = [':authority', ':method', ':path', ':scheme', 'content-type', 'te', 'x-request-id'];
    expect(names?.toSorted()).toEqual([...own, ...Object.keys(known), 'grpc-accept-encoding'].toSorted());
    expect(reached()[0]?.rawHeaders).toContain(new URL(bed.server.url).host);
  });
});

type Field = readonly [name: string, value: string];

const ofCall = (authority: string): readonly Field[] => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/inference.GRPCInferenceService/ModelInfer'],
  [':authority', authority],
  ['content-type', 'application/grpc'],
];
const call = ofCall(irisHost);
const withoutAuthority = call.filter(([name]) => name !== ':authority');

/** `grpc-status` as HPACK packs its name (RFC 7541, Appendix B); the length of its value is behind it, and the digits. */
const packedName = Buffer.from('9acac8b21234da8f', 'hex');

function packedStatus(head: Buffer): number {
  const at = head.indexOf(packedName) + packedName.length;
  return Number(head.toString('latin1', at + 1, at + 1 + head.readUInt8(at)));
}

/** The status of a call, where its headers were sent as they are; `reset` where the stream was ended without a word. */
async function outcomeOf(fields: readonly Field[]): Promise<number | 'reset' | 'http'> {
  const ended = Promise.withResolvers<number | 'reset' | 'http'>();
  const raw = new RawHttp2(new URL(bed.bed.gateway.url), (type, flags, payload) => {
    if (type === frameType.reset) ended.resolve('reset');
    if (type !== frameType.headers || (flags & endStream) === 0) return;
    ended.resolve(payload.includes(packedName) ? packedStatus(payload) : 'http');
  });
  const head = Buffer.concat(fields.map(([name, value]) => field(name, value)));
  await raw.send(frame(frameType.headers, endHeaders, 1, head), frame(frameType.data, endStream, 1, bytes));
  const outcome = await Promise.race([ended.promise, raw.ended, sleep(20_000, 'http' as const)]);
  raw.socket.destroy();
  return outcome ?? 'http';
}

describe('metadata that can be read in two ways', () => {
  const { INVALID_ARGUMENT, UNAUTHENTICATED, UNIMPLEMENTED, NOT_FOUND, PERMISSION_DENIED } = status;
  const other = 'other.fraud.models.example.com';
  const bearer = (): Field => ['authorization', `Bearer ${token}`];

  it.each<[string, () => readonly Field[], number | 'reset']>([
    ['two tokens', () => [...call, bearer(), bearer()], INVALID_ARGUMENT],
    ['a token and none', () => [...call, bearer(), ['authorization', '']], INVALID_ARGUMENT],
    ['two tokens in one', () => [...call, ['authorization', `Bearer ${token}, Bearer ${token}`]], UNAUTHENTICATED],
    ['a token behind a tab', () => [...call, ['authorization', `Bearer\t${token}`]], UNAUTHENTICATED],
    ['a token in a field of another protocol', () => [...call, ['x-api-key', token]], UNAUTHENTICATED],
    ['a token in binary', () => [...call, ['authorization-bin', btoa(`Bearer ${token}`)]], UNAUTHENTICATED],
    ['two content types', () => [...call, ['content-type', 'text/plain'], bearer()], INVALID_ARGUMENT],
    ['another host', () => [...call, ['host', other], bearer()], INVALID_ARGUMENT],
    ['another host alone', () => [...withoutAuthority, ['host', other], bearer()], PERMISSION_DENIED],
    ['no host', () => [...withoutAuthority, bearer()], 'reset'],
    ['two authorities', () => [[':authority', other], ...call, bearer()], 'reset'],
    ['a user before the host', () => [...ofCall(`x@${irisHost}`), bearer()], 'reset'],
    ['two hosts in one', () => [...ofCall(`${irisHost},${other}`), bearer()], INVALID_ARGUMENT],
    ['a dot behind the host', () => [...ofCall(`${irisHost}.`), bearer()], INVALID_ARGUMENT],
    ['a host without a model', () => [...ofCall('iris.fraud.example.com'), bearer()], NOT_FOUND],
    ['te: gzip', () => [...call, ['te', 'gzip'], bearer()], 'reset'],
    ['te: trailers, gzip', () => [...call, ['te', 'trailers, gzip'], bearer()], 'reset'],
    ['a connection option', () => [...call, ['connection', 'te'], bearer()], 'reset'],
    ['chunks', () => [...call, ['transfer-encoding', 'chunked'], bearer()], 'reset'],
    ['a name in capitals', () => [...call, ['Authorization', `Bearer ${token}`]], 'reset'],
    ['a deadline without a unit', () => [...call, ['grpc-timeout', '1'], bearer()], INVALID_ARGUMENT],
    ['a deadline in the past', () => [...call, ['grpc-timeout', '-1S'], bearer()], INVALID_ARGUMENT],
    ['a deadline of nine digits', () => [...call, ['grpc-timeout', '100000000S'], bearer()], INVALID_ARGUMENT],
    ['deadlines in one', () => [...call, ['grpc-timeout', '1S, 2S'], bearer()], INVALID_ARGUMENT],
    ['an encoding of its own', () => [...call, ['grpc-encoding', 'gzip, identity'], bearer()], UNIMPLEMENTED],
    ['a trace outside ASCII', () => [...call, ['traceparent', '\u00e9'], bearer()], INVALID_ARGUMENT],
    ['an event twice', () => [...call, ['ce-id', '1'], ['ce-id', '2'], bearer()], INVALID_ARGUMENT],
    ['a path in a field', () => [...call, ['x-original-url', '/v2'], bearer()], INVALID_ARGUMENT],
  ])('is refused: %s', async (_, fields, expected) => {
    expect(await outcomeOf(fields())).toBe(expected);
    expect(reached()).toEqual([]);
  });

  it.each<[string, () => readonly Field[]]>([
    ['no te', () => [...call, bearer()]],
    ['a host that says the same', () => [...call, ['host', irisHost], bearer()]],
    ['a host in its place', () => [...withoutAuthority, ['host', irisHost], bearer()]],
    ['a host in capitals and its port', () => [...ofCall(`${irisHost.toUpperCase()}:443`), bearer()]],
    ['a value that ends a line, which is left out', () => [...call, ['x-a', 'a\r\nauthorization: x'], bearer()]],
    ['a name with a space, which is left out', () => [...call, ['x a', '1'], bearer()]],
    ['a deadline that no timer can wait for', () => [...call, ['grpc-timeout', '99999999H'], bearer()]],
  ])('is served where it cannot: %s', async (_, fields) => {
    expect(await outcomeOf(fields())).toBe(status.OK);
    const [seen, ...more] = reached();
    expect([more.length, seen?.rawHeaders.join(' ')]).toEqual([
      0,
      expect.not.stringMatching(/x-a|x a|models\.example/),
    ]);
  });
});
