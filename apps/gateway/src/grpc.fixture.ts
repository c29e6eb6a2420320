import {
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ClientDuplexStream,
  type ClientOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { FakeGrpcServer, inferenceProto, type SeenCall } from '@modelgate/testing';
import { connect } from 'node:http2';
import { TestBed } from './gateway.fixture.ts';

const proto = loadPackageDefinition(loadSync(inferenceProto, { keepCase: true, longs: Number, defaults: true }));
const service = (proto['inference'] as unknown as Record<string, { service: Service }>)['GRPCInferenceService']
  ?.service;
if (!service) throw new Error(`${inferenceProto} describes no service`);

type Service = Readonly<Record<string, ServiceMethod>>;

interface ServiceMethod {
  path: string;
  requestSerialize: (message: object) => Buffer;
  responseDeserialize: (bytes: Buffer) => Record<string, unknown>;
}

/** The outcome of a call, with the messages received before. */
export interface CallOutcome {
  code: number;
  details: string;
  messages: Record<string, unknown>[];
}

export interface CallOptions {
  token?: string | undefined;
  /** The model's own host; by default, the gateway's. */
  host?: string;
  metadata?: Readonly<Record<string, string | Buffer>>;
  deadlineMs?: number;
  options?: ClientOptions;
}

export const irisHost = 'iris.fraud.models.example.com';
const path = (method: string): string => `/inference.GRPCInferenceService/${method}`;

export function methodOf(name: string): ServiceMethod {
  const method = service?.[name];
  if (!method) throw new Error(`${name} is not described`);
  return method;
}

/** An encoded `ModelInfer` request. */
export function inferRequest(modelName: string, tensor: Buffer | string = 'tensor'): Buffer {
  const request = { model_name: modelName, id: '42', raw_input_contents: [Buffer.from(tensor)] };
  return methodOf('ModelInfer').requestSerialize(request);
}

/** gRPC clients: the usual one, and one that sends arbitrary bytes. */
export class GrpcCaller {
  readonly #origin: string;
  readonly #clients: Client[] = [];

  /**
   *
   * @param origin `http://host:port`
   */
  constructor(origin: string) {
    this.#origin = origin;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  /** Sends one unary call. */
  unary(name: string, message: object, options: CallOptions = {}): Promise<CallOutcome> {
    const { requestSerialize, responseDeserialize } = methodOf(name);
    return this.unaryTo(path(name), { message, requestSerialize, responseDeserialize }, options);
  }

  unaryTo(
    to: string,
    {
      message,
      requestSerialize,
      responseDeserialize,
    }: Pick<ServiceMethod, 'requestSerialize' | 'responseDeserialize'> & { message: object },
    options: CallOptions,
  ): Promise<CallOutcome> {
    const client = this.#client(options);
    return new Promise((resolve) => {
      const onAnswer = (error: ServiceError | null, answer?: Record<string, unknown>): void =>
        resolve({ code: error?.code ?? 0, details: error?.details ?? '', messages: answer ? [answer] : [] });
      client.makeUnaryRequest(
        to,
        requestSerialize,
        responseDeserialize,
        message,
        metadataOf(options),
        callOptions(options),
        onAnswer,
      );
    });
  }

  /** Opens a `ModelStreamInfer` stream. */
  stream(options: CallOptions = {}): StreamCall {
    const { requestSerialize, responseDeserialize } = methodOf('ModelStreamInfer');
    const call = this.#client(options).makeBidiStreamRequest(
      path('ModelStreamInfer'),
      requestSerialize,
      responseDeserialize,
      metadataOf(options),
      callOptions(options),
    );
    return new StreamCall(call);
  }

  #client({ host, options }: CallOptions): Client {
    const client = new Client(new URL(this.#origin).host, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.enable_retries': 0,
      ...(host !== undefined && { 'grpc.default_authority': host }),
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A request given byte by byte. */
  raw(request: RawCall): Promise<RawOutcome> {
    const session = connect(this.#origin);
    session.on('error', () => undefined);
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': path('ModelInfer'),
        ':authority': irisHost,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...(request.token !== undefined && { authorization: `Bearer ${request.token}` }),
        ...request.headers,
      },
      { endStream: request.bytes === undefined, ...(request.signal && { signal: request.signal }) },
    );
    const outcome: RawOutcome = { headers: {}, trailers: {}, body: Buffer.alloc(0), alone: false, reset: 0 };
    stream.on('response', (headers, flags) => {
      outcome.headers = headers;
      outcome.alone = (flags & 1) === 1;
    });
    stream.on('trailers', (trailers) => (outcome.trailers = trailers));
    stream.on('data', (piece: Buffer) => (outcome.body = Buffer.concat([outcome.body, piece])));
    stream.on('error', () => undefined);
    for (const piece of [request.bytes ?? []].flat()) stream.write(piece);
    if (request.bytes !== undefined && request.open !== true) stream.end();
    return new Promise((resolve) => {
      stream.on('close', () => {
        outcome.reset = stream.rstCode ?? 0;
        session.destroy();
        resolve(outcome);
      });
    });
  }
}

export interface RawCall {
  token?: string | undefined;
  headers?: Readonly<Record<string, string | string[]>>;
  /** If absent, nothing is sent. */
  bytes?: Buffer | readonly Buffer[];
  /** Leaves the request open. */
  open?: boolean;
  /** Resets the stream. */
  signal?: AbortSignal;
}

export interface RawOutcome {
  headers: Readonly<Record<string, unknown>>;
  trailers: Readonly<Record<string, unknown>>;
  body: Buffer;
  /** Whether the answer consisted of only its header section. */
  alone: boolean;
  reset: number;
}

/** One stream as its caller sees it. */
export class StreamCall {
  readonly answers: Record<string, unknown>[] = [];
  readonly done: Promise<CallOutcome>;
  readonly #call: ClientDuplexStream<object, Record<string, unknown>>;

  constructor(call: ClientDuplexStream<object, Record<string, unknown>>) {
    this.#call = call;
    call.on('data', (answer: Record<string, unknown>) => this.answers.push(answer));
    call.on('error', () => undefined);
    this.done = new Promise((resolve) => {
      call.on('status', ({ code, details }: { code: number; details: string }) =>
        resolve({ code, details, messages: this.answers }),
      );
    });
  }

  /**
   *
   * @param rows of four numbers; without them, a tensor that no model understands
   */
  send(modelName: string, rows?: readonly number[]): void {
    const input = rows && [
      { name: 'predict', datatype: 'FP64', shape: [rows.length / 4, 4], contents: { fp64_contents: rows } },
    ];
    const tensor = input ? { inputs: input } : { raw_input_contents: [Buffer.from('tensor')] };
    this.#call.write({ model_name: modelName, ...tensor });
  }

  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }
}

function metadataOf({ token, metadata = {} }: CallOptions): Metadata {
  const fields = new Metadata();
  if (token !== undefined) fields.set('authorization', `Bearer ${token}`);
  for (const [name, value] of Object.entries(metadata)) fields.set(name, value);
  return fields;
}

function callOptions({ deadlineMs }: CallOptions): { deadline?: number } {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

/** A gateway with an issuer and a gRPC model server that records everything it receives. */
export class GrpcBed extends GrpcCaller {
  readonly bed: TestBed;
  readonly server: FakeGrpcServer;

  private constructor(bed: TestBed, server: FakeGrpcServer) {
    super(bed.gateway.url);
    this.bed = bed;
    this.server = server;
  }

  /**
   *
   * @param entries of the catalogue, without their addresses; default: those below
   */
  static async startBed(environment: Record<string, string> = {}, entries?: readonly object[]): Promise<GrpcBed> {
    const server = await FakeGrpcServer.start();
    const at = { upstream: server.url, protocols: ['grpc'] };
    const models = entries?.map((entry) => ({ ...at, ...entry })) ?? [
      { ...at, model: 'fraud/iris' },
      { ...at, model: 'fraud/other' },
      { ...at, model: 'vision/digits', modelName: 'digits-7', runtime: 'mlserver' },
      { ...at, model: 'small/model', maxBodyBytes: 100, maxConcurrent: 1 },
      { ...at, model: 'far/away', upstream: 'http://127.0.0.1:9' },
      { ...at, model: 'rest/only', protocols: ['v2'] },
    ];
    return new GrpcBed(await TestBed.start(environment, { models }), server);
  }

  /** What the model server has received so far. */
  get seen(): readonly SeenCall[] {
    return this.server.seen;
  }

  async stop(): Promise<void> {
    this.close();
    await this.bed.stop();
    await this.server.close();
  }
}
