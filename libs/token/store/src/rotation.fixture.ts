import { SystemClock } from '@modelgate/core';
import { KeyEncryption, KeyRing, type KeyRingOptions, type KeySchedule, type SealedKey } from '@modelgate/keys';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from './database.ts';
import { PrismaSigningKeyStore } from './signing-keys.ts';

export const issuer = 'https://tokens.example.com';

/** A rotation is due every half second, on the database's clock. */
export const schedule: KeySchedule = {
  rotateEverySeconds: 0.5,
  leadTimeSeconds: 0.1,
  jwksMaxAgeSeconds: 0.05,
  maxTokenTtlSeconds: 1,
  skewSeconds: 0.05,
  propagationSeconds: 1,
};

/** What is sealed is not the subject here. */
class OpenEnvelope extends KeyEncryption {
  seal(privateKey: Uint8Array): Promise<SealedKey> {
    const ciphertext = Buffer.from(privateKey).toString('base64url');
    return Promise.resolve({ kekId: 'none', version: 1, wrappedKey: '', ciphertext });
  }

  open({ ciphertext }: SealedKey): Promise<Uint8Array> {
    return Promise.resolve(Buffer.from(ciphertext, 'base64url'));
  }
}

/** A replica: a ring with connections of its own. */
export interface Replica {
  ring: KeyRing;
  close(): Promise<void>;
}

export function replicaAt(
  url: string,
  times: Partial<KeySchedule> = {},
  options: Partial<KeyRingOptions> = {},
): Replica {
  const database = new Database(url, { maxConnections: 1 });
  const store = new PrismaSigningKeyStore(database);
  const clock = new SystemClock();
  const ring = new KeyRing({
    issuer,
    store,
    encryption: new OpenEnvelope(),
    clock,
    schedule: { ...schedule, ...times },
    ...options,
  });
  return { ring, close: () => database.close() };
}

export interface Row {
  kid: string;
  state: string;
  version: number;
  activatedAt: Date | null;
  sealed: unknown;
}

export function rowsAt(database: Database): Promise<Row[]> {
  return database.run(async (queries) => {
    const rows = await queries.signingKey.findMany({ where: { issuer }, orderBy: { createdAt: 'asc' } });
    return rows.map(({ kid, state, version, activatedAt, sealed }) => ({ kid, state, version, activatedAt, sealed }));
  });
}

/** Ticks until `holds`, as a scheduler would. */
export async function tick(ring: KeyRing, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    await ring.reconcile();
    if (await holds()) return;
    await sleep(30);
  }
  throw new Error('it did not come true in time');
}

/** Messages that make the server do something: a simple query, and the execution of a prepared one. */
const statements = new Set(['Q', 'E']);

/** A wire to the database that is cut at the n-th statement: before it gets there, or when its answer comes back. */
export class CutWire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #last: number;
  readonly #after: boolean;
  /** Statements that were sent. */
  count = 0;
  #url = '';

  /** Whether it was cut at a statement. */
  get wasCut(): boolean {
    return this.count >= this.#last;
  }

  private constructor(url: URL, last: number, after: boolean) {
    this.#last = last;
    this.#after = after;
    this.#server = createServer((client) => this.#join(client, connect(Number(url.port), url.hostname)));
  }

  /** @param port to listen at; any free one by default */
  static async to(databaseUrl: string, last: number, after: boolean, port = '0'): Promise<CutWire> {
    const url = new URL(databaseUrl);
    const wire = new CutWire(new URL(url), last, after);
    await new Promise<void>((resolve) => wire.#server.listen(Number(port), '127.0.0.1', resolve));
    url.hostname = '127.0.0.1';
    url.port = String((wire.#server.address() as AddressInfo).port);
    wire.#url = url.href;
    return wire;
  }

  get url(): string {
    return this.#url;
  }

  async close(): Promise<void> {
    this.#cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    if (this.count >= this.#last) return void client.destroy();
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#cut());
    }
    const messages = new FrontendMessages();
    client.on('data', (bytes: Buffer) => {
      const sent = messages.read(bytes).filter((type) => statements.has(type)).length;
      this.count += sent;
      if (this.count >= this.#last && !this.#after) return this.#cut();
      server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => (this.count >= this.#last ? this.#cut() : client.write(bytes)));
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}

/** The types of the messages a client sends (PostgreSQL protocol 3, §54.2): one byte, then a length that counts itself. */
class FrontendMessages {
  #rest: Buffer = Buffer.alloc(0);
  #started = false;

  read(bytes: Buffer): string[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const types: string[] = [];
    for (;;) {
      // The first message has no type.
      const head = this.#started ? 1 : 0;
      if (this.#rest.length < head + 4) return types;
      const length = head + this.#rest.readUInt32BE(head);
      if (this.#rest.length < length) return types;
      if (this.#started) types.push(String.fromCharCode(this.#rest[0] ?? 0));
      this.#started = true;
      this.#rest = this.#rest.subarray(length);
    }
  }
}
