import { RoundRobin } from './replicas.ts';
import { ServiceProcess, type ServiceOptions } from './service-process.ts';

type Replica = Omit<ServiceOptions, 'listeners'>;

/** The replicas of the token service behind the one address of its issuer. */
export class TokenServices {
  readonly #port: number;
  readonly #replica: (index: number) => Replica;
  readonly #balancer: RoundRobin | undefined;
  readonly #running: ServiceProcess[] = [];
  readonly #ready: (service: ServiceProcess) => Promise<void>;

  /** @param port of the issuer's address; one replica alone listens there itself */
  constructor(parts: {
    count: number;
    port: number;
    replica: (index: number) => Replica;
    ready: (service: ServiceProcess) => Promise<void>;
  }) {
    this.#port = parts.port;
    this.#replica = parts.replica;
    this.#ready = parts.ready;
    this.#balancer = parts.count > 1 ? new RoundRobin() : undefined;
  }

  get running(): readonly ServiceProcess[] {
    return this.#running;
  }

  async start(count: number): Promise<void> {
    await this.#balancer?.listen(this.#port);
    const started = await Promise.all(Array.from({ length: count }, (_, index) => this.#start(index, {})));
    this.#running.push(...started);
    for (const { urls } of started) this.#balancer?.add(urls['http'] ?? '');
    await Promise.all(started.map((service) => this.#ready(service)));
  }

  /** One after the other is replaced by one with other settings, as a rolling update does it. */
  async roll(settings: Readonly<Record<string, string>>): Promise<void> {
    if (!this.#balancer) throw new Error('one replica alone cannot be replaced without a gap');
    for (const [index, old] of [...this.#running].entries()) {
      const next = await this.#start(index, settings);
      this.#running.push(next);
      await this.#ready(next);
      this.#balancer.add(next.urls['http'] ?? '');
      this.#balancer.remove(old.urls['http'] ?? '');
      await old.stop();
      this.#running.splice(this.#running.indexOf(old), 1);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((service) => service.stop()));
    await this.#balancer?.close();
  }

  #start(index: number, settings: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const { env, ...rest } = this.#replica(index);
    const own = { ...env, ...settings, PORT: this.#balancer ? '0' : String(this.#port) };
    return ServiceProcess.start({ ...rest, env: own, listeners: 2 });
  }
}
