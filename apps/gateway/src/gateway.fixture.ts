import { createLogger } from '@modelgate/nest';
import { FakeIssuer, FakeKServe } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from './config.ts';
import { startGateway, type Gateway } from './gateway.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Sent {
  path?: string;
  method?: string;
  token?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

export const predictPath = '/serving/fraud/iris/v1/models/iris:predict';

/** The whole gateway in this process, between an issuer and a model server on real sockets. */
export class TestBed {
  readonly issuer: FakeIssuer;
  readonly model: FakeKServe;
  readonly gateway: Gateway;
  readonly #lines: string[];
  readonly #folder: string;

  private constructor(parts: {
    issuer: FakeIssuer;
    model: FakeKServe;
    gateway: Gateway;
    lines: string[];
    folder: string;
  }) {
    this.issuer = parts.issuer;
    this.model = parts.model;
    this.gateway = parts.gateway;
    this.#lines = parts.lines;
    this.#folder = parts.folder;
  }

  static async start(environment: Record<string, string> = {}, { ready = true } = {}): Promise<TestBed> {
    const [issuer, model] = await Promise.all([FakeIssuer.start(), FakeKServe.start()]);
    issuer.setLimit('fraud-scoring', { quota: 1_000_000, windowSeconds: 1 });
    const folder = mkdtempSync(join(tmpdir(), 'modelgate-gateway-'));
    const models = ['fraud/iris', 'vision/digits'].map((name) => ({
      model: name,
      upstream: model.url,
      protocols: ['v1', 'v2'],
    }));
    const file = join(folder, 'catalogue.yaml');
    writeFileSync(file, JSON.stringify({ domain: 'models.example.com', models }));
    const lines: string[] = [];
    const logger = createLogger('gateway', 'info', { write: (line: string) => void lines.push(line) });
    const settings = {
      TOKEN_ISSUER: issuer.url,
      MODEL_AUDIENCE: issuer.audience,
      CATALOGUE_FILE: file,
      PORT: '0',
      MANAGEMENT_PORT: '0',
      SHUTDOWN_GRACE: '2s',
      ...environment,
    };
    if (!ready) issuer.down = true;
    const gateway = await startGateway(readConfig(settings), logger);
    const bed = new TestBed({ issuer, model, gateway, lines, folder });
    if (ready) await bed.untilReady();
    return bed;
  }

  async untilReady(): Promise<void> {
    while (!(await this.isReady()));
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.gateway.managementUrl}/health/ready`)).status === 200;
  }

  get log(): string {
    return this.#lines.join('');
  }

  async stop(): Promise<void> {
    await this.gateway.close();
    await Promise.all([this.issuer.close(), this.model.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A request as a client sends it; rejects where the connection breaks. */
  send({ path = predictPath, method = 'POST', token, headers = {}, body }: Sent = {}): Promise<Answer> {
    const { hostname, port } = new URL(this.gateway.url);
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const call = httpRequest(
        { hostname, port, path, method, headers: { ...authorization, ...headers } },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  predict(token: string | undefined, body: Buffer | string = '{"instances":[[1,2,3,4]]}'): Promise<Answer> {
    return this.send({ ...(token !== undefined && { token }), body, headers: { 'content-type': 'application/json' } });
  }

  /** Bytes as they are, and everything that comes back until the other side closes or falls silent. */
  raw(bytes: string | Buffer, silentMs = 1_000): Promise<string> {
    const { hostname, port } = new URL(this.gateway.url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      let answer = '';
      socket.setTimeout(silentMs, () => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.on('close', () => resolve(answer));
      socket.write(bytes);
    });
  }
}
