import { status } from '@grpc/grpc-js';
import { grpcMethods, type GrpcMethod } from '@modelgate/protocols';
import { verbs } from '@modelgate/scope';
import { grpcMessage } from '@modelgate/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GrpcBed } from './grpc.fixture.ts';

/** The model that offers the method: one for each server it may be offered of. */
const modelOf = ({ runtimes }: GrpcMethod): string => `walk/${runtimes?.[0] ?? 'any'}`;
const models = [...new Map(grpcMethods.map((method) => [modelOf(method), method])).values()].map((method) => ({
  model: modelOf(method),
  ...(method.runtimes && { runtime: method.runtimes[0] }),
}));

let bed: GrpcBed;
beforeAll(async () => {
  bed = await GrpcBed.startBed({}, [...models, { model: 'walk/other' }]);
});
afterAll(() => bed.stop());

const rows = grpcMethods.map((method): [string, GrpcMethod] => [`${method.name} of ${modelOf(method)}`, method]);

function call(method: GrpcMethod, scope: string) {
  const [, name = ''] = modelOf(method).split('/');
  // One string field: a tag, a length and the name.
  const message = method.nameField === undefined ? [] : [method.nameField * 8 + 2, name.length, ...Buffer.from(name)];
  const headers = {
    ':path': `/inference.GRPCInferenceService/${method.name}`,
    ':authority': `${name}.walk.models.example.com`,
  };
  return bed.raw({ token: bed.bed.issuer.signFor(scope), headers, bytes: grpcMessage(Buffer.from(message)) });
}

it.each(rows)('%s is served with a token for exactly that', async (_, method) => {
  const before = bed.seen.length;
  const { headers, trailers } = await call(method, `${modelOf(method)}:${method.verb}`);
  expect({ ...headers, ...trailers }).toMatchObject({ 'grpc-status': String(status.OK) });
  expect(bed.seen.slice(before)).toMatchObject([
    { path: `/inference.GRPCInferenceService/${method.name}`, ended: true },
  ]);
});

it.each(rows)('%s is refused with a token for everything else', async (_, method) => {
  const before = bed.seen.length;
  const others = verbs.filter((verb) => verb !== method.verb).map((verb) => `${modelOf(method)}:${verb}`);
  const scope = [...others, ...verbs.map((verb) => `walk/other:${verb}`)].join(' ');
  const { headers } = await call(method, scope);
  expect(headers).toMatchObject({ 'grpc-status': String(status.PERMISSION_DENIED) });
  expect(bed.seen.slice(before)).toEqual([]);
});
