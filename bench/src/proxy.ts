import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One process under measurement. */
export interface Proxy {
  port: number;
  /** The processes whose CPU time counts. */
  pids: readonly number[];
  stop(): void;
}

/** What every proxy is told of the one issuer, the one model server and its own certificate. */
export interface Setting {
  upstreamPort: number;
  issuer: string;
  audience: string;
  /** The issuer's public key. */
  jwk: Readonly<Record<string, unknown>>;
  /** What a token must say to call the model. */
  scope: string;
  /** The model server speaks gRPC, over HTTP/2 with prior knowledge, and nothing else. */
  grpc?: true;
  /** PEM files of the listener; without them it speaks plain HTTP. */
  tls?: { certFile: string; keyFile: string } | undefined;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Resolves once `child` listens. */
export async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => socket.destroy());
      setTimeout(() => socket.destroy(), 500).unref();
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nobody listens on ${port}`);
}

export function children(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
