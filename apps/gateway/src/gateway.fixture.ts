import { maxModelTokenLength } from '@modelgate/core';
import { createLogger } from '@modelgate/nest';
import { FakeIssuer, FakeKServe } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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

export interface TestBedOptions {
  ready?: boolean;
  models?: readonly object[];
  more?: readonly object[];
}

/** Timeout for the first bytes. Generous, because a busy machine proves nothing. */
const patienceMs = 15_000;

const usualModels = ['fraud/iris', 'vision/digits'].map((name) => ({ model: name, protocols: ['v1', 'v2'] }));

/** A whole gateway in this process, with an issuer and a model server on real sockets. */
export class TestBed {
  readonly issuer: FakeIssuer;
  readonly model: FakeKServe;
  /** The currently running gateway. */
  gateway: Gateway;
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

  /**
   *
   * @param models by their catalogue entries; an entry without `upstream` uses the model server of this bed
   * @param more additional models
   */
  static async start(
    environment: Record<string, string> = {},
    { ready = true, models = usualModels, more = [] }: TestBedOptions = {},
  ): Promise<TestBed> {
    const [issuer, model] = await Promise.all([FakeIssuer.start(), FakeKServe.start()]);
    issuer.setLimit('fraud-scoring', { quota: 1_000_000, windowSeconds: 1 });
    const folder = mkdtempSync(join(tmpdir(), 'modelgate-gateway-'));
    const entries = [...models, ...more].map((entry) => ({ upstream: model.url, ...entry }));
    const file = join(folder, 'catalogue.yaml');
    writeFileSync(file, JSON.stringify({ domain: 'models.example.com', models: entries }));
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

  /** Stops the gateway and starts another one with the same issuer and model server. */
  async restart(environment: Record<string, string>): Promise<this> {
    await this.gateway.close();
    const logger = createLogger('gateway', 'info', { write: (line: string) => void this.#lines.push(line) });
    const settings = {
      TOKEN_ISSUER: this.issuer.url,
      MODEL_AUDIENCE: this.issuer.audience,
      CATALOGUE_FILE: this.catalogueFile,
      PORT: '0',
      MANAGEMENT_PORT: '0',
      SHUTDOWN_GRACE: '2s',
    };
    this.gateway = await startGateway(readConfig({ ...settings, ...environment }), logger);
    return this;
  }

  async untilReady(): Promise<void> {
    while (!(await this.isReady())) await sleep(10);
  }

  /** Sets the limit of a policy at the issuer, and waits until the gateway has received it. */
  async setLimit(policy: string, limit: { quota: number; windowSeconds: number }): Promise<void> {
    this.issuer.setLimit(policy, limit);
    // A separate subject observes the limit, so that the counters of the others are untouched.
    const token = this.issuer.sign({ claims: { policy, sub: 'keycloak|onlooker' } });
    const known = `"${policy}";q=${limit.quota};w=${limit.windowSeconds}`;
    const look = () => this.send({ method: 'GET', path: '/openai/v1/models', token });
    while ((await look()).headers['ratelimit-policy'] !== known) await sleep(20);
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.gateway.managementUrl}/health/ready`)).status === 200;
  }

  get catalogueFile(): string {
    return join(this.#folder, 'catalogue.yaml');
  }

  get log(): string {
    return this.#lines.join('');
  }

  async stop(): Promise<void> {
    await this.gateway.close();
    await Promise.all([this.issuer.close(), this.model.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Sends a request with an ordinary client; rejects if the connection breaks. */
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

  /** A valid token of the maximum length, or up to three characters shorter. */
  largestToken(): string {
    const room = maxModelTokenLength - this.issuer.sign({ claims: { pad: '' } }).length;
    return this.issuer.sign({ claims: { pad: 'x'.repeat(Math.floor(room * 0.75)) } });
  }

  predict(token: string | undefined, body: Buffer | string = '{"instances":[[1,2,3,4]]}'): Promise<Answer> {
    return this.send({ ...(token !== undefined && { token }), body, headers: { 'content-type': 'application/json' } });
  }

  /** Sends raw bytes, and returns everything received until the peer closes or falls silent after an answer. */
  async raw(bytes: string | Buffer, silentMs = 2_000): Promise<string> {
    return (await this.exchange(bytes, silentMs)).answer;
  }

  /** Like `raw`, and reports whether the peer closed the connection. */
  exchange(bytes: string | Buffer, silentMs = 2_000): Promise<{ answer: string; closed: boolean }> {
    const { hostname, port } = new URL(this.gateway.url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      let answer = '';
      let closed = true;
      socket.setTimeout(patienceMs, () => {
        closed = false;
        socket.destroy();
      });
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
        socket.setTimeout(silentMs);
      });
      socket.on('close', () => resolve({ answer, closed }));
      socket.write(bytes);
    });
  }
}
