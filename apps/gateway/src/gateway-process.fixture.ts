import { ServiceProcess } from '@modelgate/dev-stack';
import { FakeIssuer, FakeKServe } from '@modelgate/testing';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const builtGateway = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/**
 * The gateway as shipped, in processes of its own that share one port. The issuer and the model server run in this
 * process.
 */
export class GatewayProcess {
  readonly issuer: FakeIssuer;
  readonly model: FakeKServe;
  readonly #folder: string;
  readonly #environment: Record<string, string>;
  #services: ServiceProcess[] = [];
  #port = '0';

  private constructor(issuer: FakeIssuer, model: FakeKServe, environment: Record<string, string>) {
    this.issuer = issuer;
    this.model = model;
    this.#environment = environment;
    this.#folder = mkdtempSync(join(tmpdir(), 'modelgate-gateway-process-'));
  }

  /**
   *
   * @param limit of the policy of all tokens; every process knows it once it is ready
   */
  static async start(
    environment: Record<string, string> = {},
    limit = { quota: 1_000_000, windowSeconds: 1 },
  ): Promise<GatewayProcess> {
    const [issuer, model] = await Promise.all([FakeIssuer.start(), FakeKServe.start()]);
    issuer.setLimit('fraud-scoring', limit);
    const gateway = new GatewayProcess(issuer, model, environment);
    try {
      await gateway.add();
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  /** Starts another process on the same port; resolves once it is ready. */
  async add(): Promise<void> {
    const models = [{ model: 'fraud/iris', upstream: this.model.url, protocols: ['v1', 'v2'] }];
    const catalogue = join(this.#folder, 'catalogue.yaml');
    writeFileSync(catalogue, JSON.stringify({ domain: 'models.example.com', models }));
    const service = await ServiceProcess.start({
      name: 'gateway',
      script: builtGateway,
      env: {
        TOKEN_ISSUER: this.issuer.url,
        MODEL_AUDIENCE: this.issuer.audience,
        CATALOGUE_FILE: catalogue,
        PORT: this.#port,
        MANAGEMENT_PORT: '0',
        REUSE_PORT: 'true',
        ...this.#environment,
      },
      logFile: this.logFile,
      listeners: 2,
    });
    this.#services.push(service);
    this.#port = new URL(service.urls['http'] ?? '').port;
    while ((await fetch(`${service.urls['management']}/health/ready`)).status !== 200) await sleep(20);
  }

  /** Sends SIGTERM to the oldest process. @returns its exit code */
  async stopOldest(): Promise<number | null> {
    const service = this.#services.shift();
    await service?.stop(60_000);
    return (await service?.exited) ?? null;
  }

  /** Whether the oldest process is ready. */
  get healthUrl(): string {
    return `${this.#services[0]?.urls['management']}/health/ready`;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#port}`);
  }

  get logFile(): string {
    return join(this.#folder, 'gateway.log');
  }

  /** The current memory use of the oldest process, in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#services[0]?.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
    await Promise.all([this.issuer.close(), this.model.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
