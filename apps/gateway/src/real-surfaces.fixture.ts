import type { GrpcMethod, SurfaceRow } from '@modelgate/protocols';
import { kserve, kserveOpenai, mlserver } from '@modelgate/real-parts';
import { grpcMessage } from '@modelgate/testing';
import { CountedDoor } from './counted-door.fixture.ts';
import { GrpcCaller, methodOf } from './grpc.fixture.ts';
import { pathAtServer } from './surface-walk.fixture.ts';
import { realServers, rowName, testedAgainst, type RealServerName } from './tested-against.fixture.ts';

export type Row = SurfaceRow | GrpcMethod;

/** The address of a real server. */
export interface Addresses {
  url: string;
  grpcUrl?: string;
  stop(): Promise<void>;
}

/** The forecasting model. */
const forecaster = 'demand';

export const parts = { 'KServe 0.21': kserve, 'KServe 0.14': kserveOpenai, 'MLServer 1.7': mlserver } as const;

export async function startRealServers(): Promise<Map<RealServerName, Addresses>> {
  const starting = [kserve.start({ forecaster }), kserveOpenai.start(), mlserver.start()];
  const started: readonly Addresses[] = await Promise.all(starting);
  return new Map(
    realServers.map((name, index) => [name, started[index] ?? { url: '', stop: () => Promise.resolve() }]),
  );
}

/** One row at one real server. */
export interface Walk {
  row: Row;
  server: RealServerName;
  title: string;
}

export function walks(rows: readonly Row[]): Walk[] {
  return realServers.flatMap((server) =>
    rows
      .filter((row) => testedAgainst(row).includes(server))
      .map((row) => ({ row, server, title: `${server}: ${rowName(row)}` })),
  );
}

/** A request, and its target. */
export interface Question {
  row: Row;
  /** The server's name for the model. */
  modelName: string;
  addresses: Addresses;
}

/** A request with a model and a proxy of its own, so that only this test's traffic passes through the proxy. */
export interface Way extends Question {
  /** `namespace/name` */
  model: string;
  server: RealServerName;
  door: CountedDoor;
}

export async function openWay({ row, server }: Walk, index: number, addresses: Addresses): Promise<Way> {
  const question = questionFor(row, server, addresses);
  return { ...question, server, model: `real/row-${index}`, door: await CountedDoor.to(addressFor(question) ?? '') };
}

export function questionFor(row: Row, server: RealServerName, addresses: Addresses): Question {
  const models = { 'KServe 0.21': 'iris', 'KServe 0.14': 'tiny-llm', 'MLServer 1.7': 'iris' } as const;
  return { row, addresses, modelName: protocolOf(row) === 'timeseries' ? forecaster : models[server] };
}

/** The server's own address; undefined if it does not speak the protocol. */
export function addressFor({ row, addresses }: Question): string | undefined {
  return isCall(row) ? addresses.grpcUrl : addresses.url;
}

export function entryOf({ model, modelName, server, row, door }: Way): object {
  const runtime = server === 'MLServer 1.7' ? 'mlserver' : 'kserve';
  return { model, modelName, upstream: door.url, protocols: [protocolOf(row)], runtime };
}

/** The answer in any protocol. */
export interface Told {
  /** The HTTP status or the gRPC status. */
  status: number;
  body: string;
  type?: string | null;
  message?: unknown;
}

/** A client of the gateway with a token. */
export function askThroughGateway(way: Way, gateway: string, token: string): Promise<Told> {
  return ask(way, { origin: gateway, model: way.model, token });
}

/** A client of the server itself. */
export function askDirectly(question: Question): Promise<Told> {
  return ask(question, { origin: addressFor(question) ?? '' });
}

interface Through {
  origin: string;
  /** The model as the gateway knows it. */
  model?: string;
  token?: string;
}

async function ask(question: Question, through: Through): Promise<Told> {
  const { row, modelName } = question;
  if (row.verb === 'repository') await load(question);
  return isCall(row) ? call(row, modelName, through) : request(row, modelName, through);
}

/** Loads the model that the row will load or unload, whatever was unloaded before. */
export async function load({ addresses, modelName }: Question): Promise<void> {
  const { status } = await fetch(`${addresses.url}/v2/repository/models/${modelName}/load`, { method: 'POST' });
  if (status !== 200) throw new Error(`${modelName} cannot be loaded: ${status}`);
}

async function request(row: SurfaceRow, modelName: string, { origin, model, token }: Through): Promise<Told> {
  const path = pathAtServer(row, { name: modelName, version: 'v1' });
  const answer = await fetch(origin + (model === undefined ? '' : `/serving/${model}`) + path, {
    method: row.method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    ...(row.method === 'POST' && { body: JSON.stringify(bodyFor(row, modelName)) }),
  });
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() };
}

async function call(row: GrpcMethod, modelName: string, { origin, model, token }: Through): Promise<Told> {
  const message = grpcMessage(messageFor(row, modelName));
  const authority = model === undefined ? 'localhost' : `${model.split('/')[1]}.real.models.example.com`;
  const headers = { ':path': `/inference.GRPCInferenceService/${row.name}`, ':authority': authority };
  const outcome = await new GrpcCaller(origin).raw({ token, headers, bytes: message });
  const { 'grpc-status': status, 'grpc-message': text } = { ...outcome.headers, ...outcome.trailers };
  return { status: Number(status), message: text, body: outcome.body.toString('latin1') };
}

const rows = [5.1, 3.5, 1.4, 0.2, 6.5, 3, 5.2, 2];
const tensor = { name: 'predict', shape: [2, 4], datatype: 'FP64' };

function bodyFor({ protocol, path, modelIn, list }: SurfaceRow, model: string): object {
  const named = modelIn === 'json' ? { model } : {};
  if (protocol === 'v1') return { instances: [rows.slice(0, 4), rows.slice(4)] };
  if (protocol === 'timeseries') {
    const series = { name: 'sales', type: 'univariate_time_series', series: [1, 2, 3], frequency: 'day' };
    return { ...named, inputs: [series], options: { horizon: 2 } };
  }
  if (protocol === 'openai') {
    const asked = path.endsWith('/chat/completions')
      ? { messages: [{ role: 'user', content: 'hello' }] }
      : { prompt: 'hello' };
    return { ...named, ...asked, max_tokens: 3 };
  }
  return list ? {} : { id: '42', inputs: [{ ...tensor, data: rows }] };
}

function messageFor({ name, nameField, verb }: GrpcMethod, model: string): Buffer {
  if (nameField === undefined) return Buffer.alloc(0);
  if (verb === 'metadata') return methodOf('ModelReady').requestSerialize({ name: model });
  const { requestSerialize } = methodOf(name);
  if (verb === 'repository') return requestSerialize({ [nameField === 1 ? 'first' : 'second']: model });
  const inputs = [{ ...tensor, contents: { fp64_contents: rows } }];
  return requestSerialize({ model_name: model, id: '42', inputs });
}

export function isCall(row: Row): row is GrpcMethod {
  return !('path' in row);
}

function protocolOf(row: Row): string {
  return isCall(row) ? 'grpc' : row.protocol;
}
