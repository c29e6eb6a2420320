import { envoy } from '@modelgate/real-parts';
import type { Peer, Peers } from './peers.ts';

/** One way of using a gateway, and everybody who is measured at it. */
export interface Scenario {
  title: string;
  /** At the model server. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  tls: boolean;
  /** Another token with every request, more of them than anybody's cache holds. */
  cold: boolean;
  requests: number;
  peers: readonly Peer[];
  goals: readonly Goal[];
}

/** The gateway's CPU per request is to be at most so many times that of a peer. */
export interface Goal {
  peer: string;
  ratio: number;
}

/** More than the cache of the gateway holds. */
export const distinctTokens = 12_000;

type Kind = Pick<Scenario, 'title' | 'path' | 'headers' | 'body'> & { requests: { seen: number; cold: number } };

const v1: Kind = {
  title: 'V1, 10 rows of JSON',
  path: '/v1/models/iris:predict',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ instances: Array.from({ length: 10 }, () => [6.8, 2.8, 4.8, 1.4]) })),
  requests: { seen: 40_000, cold: 16_000 },
};

const v2: Kind = {
  title: 'V2, 100 KB of binary tensors',
  path: '/v2/models/iris/infer',
  ...binaryInfer(),
  requests: { seen: 8_000, cold: 6_000 },
};

const goalsSeen: readonly Goal[] = [
  { peer: 'nginx', ratio: 2.2 },
  { peer: `${envoy.name}, cache`, ratio: 0.6 },
];
const goalsCold: readonly Goal[] = [
  { peer: `${envoy.name}, no cache`, ratio: 1 },
  { peer: 'HAProxy', ratio: 1.2 },
];

/** Two kinds of request, with a token seen before and with another one every time, in the clear and over TLS. */
export function scenarios(peers: Peers): Scenario[] {
  return [false, true].flatMap((tls) => [
    seen(v1, tls, peers, tls ? [] : goalsSeen),
    cold(v1, tls, peers, tls ? [] : goalsCold),
    seen(v2, tls, peers, []),
    cold(v2, tls, peers, []),
  ]);
}

function seen(kind: Kind, tls: boolean, peers: Peers, goals: readonly Goal[]): Scenario {
  const { nginx, haproxy, envoyCached, envoyCold, oauth2Proxy } = peers;
  // Whoever has no cache does the same whether it has seen the token or not; once is enough.
  const withoutCache = kind === v1 && !tls ? [...envoyCold, ...oauth2Proxy] : [];
  return {
    ...kind,
    title: `${kind.title}, token seen before${overTls(tls)}`,
    tls,
    cold: false,
    requests: kind.requests.seen / (tls ? 2 : 1),
    peers: [...nginx, ...haproxy, ...envoyCached, ...withoutCache],
    goals,
  };
}

function cold(kind: Kind, tls: boolean, { nginx, haproxy, envoyCold }: Peers, goals: readonly Goal[]): Scenario {
  return {
    ...kind,
    title: `${kind.title}, another token every time${overTls(tls)}`,
    tls,
    cold: true,
    requests: kind.requests.cold / (tls ? 2 : 1),
    peers: [...nginx, ...haproxy, ...envoyCold],
    goals,
  };
}

function overTls(tls: boolean): string {
  return tls ? ', over TLS' : '';
}

/** A V2 request whose tensor is behind its JSON (binary tensor data extension). */
function binaryInfer(): Pick<Scenario, 'headers' | 'body'> {
  const bytes = 100_000;
  const input = { name: 'x', datatype: 'FP32', shape: [bytes / 4], parameters: { binary_data_size: bytes } };
  const head = Buffer.from(JSON.stringify({ inputs: [input] }));
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(head.length),
  };
  return { headers, body: Buffer.concat([head, Buffer.alloc(bytes, 7)]) };
}

/** The head of one request, as every client and every peer would have it. */
export function headOf({ headers, body }: Scenario, path: string, token: string): string {
  const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
  const fields = { host: '127.0.0.1', accept: '*/*', ...headers, ...authorization, 'content-length': body.length };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return [`POST ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** What goes to the gateway in benchmarks that measure nobody else. */
export interface GatewayRequest {
  body: Buffer;
  /** Models are reached by path; `path` and `length` where it is not the one of this request. */
  headFor(model: string, token: string, other?: { path?: string; length?: number }): string;
}

export const v1Request = gatewayRequest(v1);
export const v2Request = gatewayRequest(v2);

function gatewayRequest(kind: Kind): GatewayRequest {
  return {
    body: kind.body,
    headFor: (model, token, { path, length = kind.body.length } = {}) => {
      const name = model.split('/')[1] ?? '';
      const target = `/serving/${model}${path ?? kind.path.replace('iris', name)}`;
      const fields = { host: '127.0.0.1', ...kind.headers, authorization: `Bearer ${token}`, 'content-length': length };
      const lines = Object.entries(fields).map(([field, value]) => `${field}: ${value}`);
      return [`POST ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n');
    },
  };
}
