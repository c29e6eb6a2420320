import { redis, requireOrSkip, type RedisServer } from '@modelgate/real-parts';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtGateway, GatewayProcess } from './gateway-process.fixture.ts';
import { predictPath } from './gateway.fixture.ts';

const missing = await requireOrSkip(redis);
/** Whether Linux hands over what one listener of a port has not accepted when it closes; otherwise it resets that. */
const migrates = '/proc/sys/net/ipv4/tcp_migrate_req';
const kernelMigrates = existsSync(migrates) && readFileSync(migrates, 'latin1').trim() === '1';
let gateway: GatewayProcess;
let server: (RedisServer & { stop(): Promise<void> }) | undefined;
beforeEach(({ skip }) => {
  skip(!existsSync(builtGateway), 'the gateway is not built: npm run build');
});
afterEach(async () => {
  await gateway?.stop();
  await server?.stop();
  server = undefined;
});

/** Status of one prediction, or the code of what broke. */
function predict(token: string, agent: Agent): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': 17 };
    const call = request(new URL(predictPath, gateway.url), { method: 'POST', headers, agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
      answer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'broken'));
    });
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'broken'));
    call.end('{"instances":[1]}');
  });
}

/** The whole of an answer that comes in pieces, or the code of what broke. */
function stream(token: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}`, 'content-length': 2 };
    const call = request(new URL(predictPath, gateway.url), { method: 'POST', headers, agent: false }, (answer) => {
      let text = `${answer.statusCode} `;
      answer.on('data', (piece: Buffer) => (text += piece.toString()));
      answer.on('end', () => resolve(text));
      answer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'broken'));
    });
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'broken'));
    call.end('{}');
  });
}

describe('several processes on one port', () => {
  it('count limits together', async ({ skip }) => {
    skip(missing !== undefined, missing);
    server = await redis.start();
    gateway = await GatewayProcess.start({ REDIS_URL: server.url }, { quota: 30, windowSeconds: 3_600 });
    await gateway.add();
    let counted: Record<string, number> = {};
    // A round in which Redis took longer than it may, so that a process counted for itself, shows nothing.
    for (let round = 0, alone = 0; round < 5; round++) {
      counted = await outcomesOf60(gateway.issuer.sign({ claims: { sub: `keycloak|${round}` } }));
      // Until the log is complete, and a process that counted alone uses Redis again.
      await sleep(2_000);
      const before = alone;
      alone = timesLogged('limits are those of this process alone');
      if (alone === before && alone === timesLogged('limits are shared with other gateways again')) break;
    }
    expect(counted).toEqual({ 200: 30, 429: 30 });
  });

  function timesLogged(text: string): number {
    return readFileSync(gateway.logFile, 'utf8').split(text).length - 1;
  }

  async function outcomesOf60(token: string): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (let at = 0; at < 60; at++) {
      // A connection of its own, so that the kernel takes them to both.
      const outcome = await predict(token, new Agent({ keepAlive: false }));
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  }

  it.each([
    ['connections that are kept', { keepAlive: true, DRAIN_DELAY: '1s' }],
    ['connections that are kept, at once', { keepAlive: true, DRAIN_DELAY: '0s' }],
    ['a connection per request', { keepAlive: false, DRAIN_DELAY: '1s' }],
    ['a connection per request, at once', { keepAlive: false, DRAIN_DELAY: '0s' }],
  ])(
    'are replaced under load, one after the other, without a request lost: %s',
    async (_, { keepAlive, ...settings }) => {
      gateway = await GatewayProcess.start({ ...settings, SHUTDOWN_GRACE: '5s' });
      const token = gateway.issuer.sign();
      const agent = new Agent({ keepAlive, maxSockets: 16 });
      const outcomes = new Map<number | string, number>();
      const load = { on: true };
      const workers = Array.from({ length: 16 }, async () => {
        while (load.on) {
          const outcome = await predict(token, agent);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }
      });
      const codes: (number | null)[] = [];
      const resets: number[] = [];
      for (let turn = 0; turn < 3; turn++) {
        await gateway.add();
        const before = outcomes.get('ECONNRESET') ?? 0;
        codes.push(await gateway.stopOldest());
        resets.push((outcomes.get('ECONNRESET') ?? 0) - before);
      }
      load.on = false;
      await Promise.all(workers);
      agent.destroy();
      expect(codes).toEqual([0, 0, 0]);
      const neverLost = keepAlive || kernelMigrates;
      expect([...outcomes.keys()].filter((one) => one !== 200 && (neverLost || one !== 'ECONNRESET'))).toEqual([]);
      // At most one per process, and hardly any if the process finds a moment with an empty accept queue.
      expect(Math.max(...resets)).toBeLessThanOrEqual(workers.length);
      expect(Math.min(...resets)).toBeLessThanOrEqual(2);
      expect(outcomes.get(200)).toBeGreaterThan(1_000);
    },
    180_000,
  );
});

describe('a process that would share a port', () => {
  it('exits if a process that does not share the port uses it, and says what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(GatewayProcess.start({ PORT: String(port) })).rejects.toThrow(
      new RegExp(
        `ended before it listened \\(exit 1\\)[^]*the process ends: 127\\.0\\.0\\.1:${port} is taken by another`,
      ),
    );
    other.close();
  });
});

describe('a process that is stopped', () => {
  it('says that it is not ready, and finishes its streams while it takes the last requests of those who stay', async () => {
    gateway = await GatewayProcess.start({
      DRAIN_DELAY: '8s',
      SHUTDOWN_GRACE: '20s',
      MAX_CONCURRENT_PER_SUBJECT: '1000',
    });
    const token = gateway.issuer.sign();
    gateway.model.behaviour = 'trickle-for-a-while';
    const streams = Array.from({ length: 200 }, () => stream(token));
    while (gateway.model.seen.length < 200) await sleep(20);
    gateway.model.behaviour = 'serve';
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const outcomes = new Set<number | string>();
    const load = { on: true };
    const workers = Array.from({ length: 8 }, async () => {
      while (load.on) outcomes.add(await predict(token, agent));
    });
    const health = gateway.healthUrl;
    const stopped = gateway.stopOldest();
    let notReady = false;
    for (let tries = 0; tries < 200 && !notReady; tries++) {
      notReady = (await fetch(health)).status === 503;
      await sleep(20);
    }
    await sleep(400);
    load.on = false;
    await Promise.all(workers);
    agent.destroy();
    expect(notReady).toBe(true);
    expect([...outcomes]).toEqual([200]);
    const ends = await Promise.all(streams);
    expect(new Set(ends)).toEqual(new Set([`200 ${'data: x\n\n'.repeat(150)}`]));
    expect(await stopped).toBe(0);
  });
});

describe('callers that do not read', () => {
  const readers = 100;
  /** What one of them may cost, with what the garbage collector has not looked at yet: bytes. */
  const each = 1.5 * 1024 * 1024;

  it('a caller that takes a few bytes now and then is cut off in time as well, while others are served', async () => {
    gateway = await GatewayProcess.start({ STALLED_TIMEOUT: '2s' });
    const agent = new Agent({ keepAlive: true });
    const token = gateway.issuer.sign();
    gateway.model.behaviour = 'flood';
    const buffer = Buffer.alloc(16);
    const taken = { bytes: 0 };
    const slow = connect({
      port: Number(gateway.url.port),
      host: gateway.url.hostname,
      onread: {
        buffer,
        callback: (length) => {
          taken.bytes += length;
          slow.pause();
          setTimeout(() => slow.resume(), 50);
          return false;
        },
      },
    });
    slow.on('error', () => undefined);
    slow.write(
      `POST ${predictPath} HTTP/1.1\r\nHost: ${gateway.url.host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 2\r\n\r\n{}`,
    );
    while (gateway.model.seen.length < 1) await sleep(10);
    gateway.model.behaviour = 'serve';
    for (let waited = 0; waited < 300 && gateway.model.aborted < 1; waited++) {
      expect(await predict(token, agent)).toBe(200);
      await sleep(100);
    }
    expect(gateway.model.aborted).toBe(1);
    expect(taken.bytes).toBeGreaterThan(100);
    slow.destroy();
    agent.destroy();
  });

  it.each(['HTTP/1.1', 'HTTP/2'])(
    'an endless answer, over %s: what is kept for each is bounded, and it is cut off in time',
    async (version) => {
      gateway = await GatewayProcess.start({ STALLED_TIMEOUT: '3s', MAX_CONCURRENT_PER_SUBJECT: '1000' });
      const agent = new Agent({ keepAlive: true });
      const token = gateway.issuer.sign();
      for (let at = 0; at < 200; at++) await predict(token, agent);
      gateway.model.behaviour = 'flood';
      const before = gateway.memory;
      const sockets: Socket[] = [];
      let session: ClientHttp2Session | undefined;
      if (version === 'HTTP/1.1') {
        for (let at = 0; at < readers; at++) {
          const socket = connect(Number(gateway.url.port), gateway.url.hostname).pause();
          socket.on('error', () => undefined);
          socket.write(
            `POST ${predictPath} HTTP/1.1\r\nHost: ${gateway.url.host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 2\r\n\r\n{}`,
          );
          sockets.push(socket);
        }
      } else {
        session = connectHttp2(gateway.url);
        session.on('error', () => undefined);
        for (let at = 0; at < readers; at++) {
          const stream = session.request({ ':method': 'POST', ':path': predictPath, authorization: `Bearer ${token}` });
          stream.on('error', () => undefined);
          stream.pause();
          stream.end('{}');
        }
      }
      await gateway.model.writtenOnceStill();
      const grown = gateway.memory - before;
      gateway.model.behaviour = 'serve';
      expect(await predict(token, agent)).toBe(200);
      expect(grown).toBeLessThan(readers * each);
      for (let waited = 0; waited < 300 && gateway.model.aborted < readers; waited++) await sleep(100);
      expect(gateway.model.aborted).toBe(readers);
      for (const socket of sockets) socket.destroy();
      session?.destroy();
      agent.destroy();
    },
  );
});
