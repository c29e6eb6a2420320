import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { predictPath } from '../gateway.fixture.ts';
import { builtGateway, GatewayProcess } from '../gateway-process.fixture.ts';
import { endHeaders, endStream, field, frame, frameType, RawHttp2, reference } from './http2-frames.fixture.ts';

/** What an attack may cost at its worst moment: bytes. Most of it is what V8 has not collected yet. */
const allowed = 64 * 1024 * 1024;

const built = existsSync(builtGateway);
let gateway: GatewayProcess;
let token: string;
let attackers: RawHttp2[] = [];
beforeAll(async () => {
  if (!built) return;
  gateway = await GatewayProcess.start({
    HEADERS_TIMEOUT: '2s',
    REQUEST_TIMEOUT: '2s',
    IDLE_TIMEOUT: '4s',
    STALLED_TIMEOUT: '3s',
  });
  token = gateway.issuer.sign();
  for (let count = 0; count < 300; count++) await predict();
});
afterAll(() => gateway?.stop());
beforeEach(({ skip }) => {
  skip(!built, 'the gateway is not built: npm run build');
});
afterEach(() => {
  for (const { socket } of attackers) socket.destroy();
  attackers = [];
});

async function predict(): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(new URL(predictPath, gateway.url), {
    method: 'POST',
    headers,
    body: '{"instances":[[1]]}',
  });
  await answer.arrayBuffer();
  return answer.status;
}

function attacker(): RawHttp2 {
  const raw = new RawHttp2(gateway.url);
  attackers.push(raw);
  return raw;
}

/** Attacks while a good client goes on; how much memory it cost at the worst moment, and what the good client was told. */
async function during(attack: () => Promise<unknown>): Promise<{ grown: number; good: Set<number> }> {
  const before = gateway.memory;
  let most = before;
  const good = new Set<number>();
  const attacking = { on: true };
  const ended = attack().finally(() => (attacking.on = false));
  while (attacking.on) {
    good.add(await predict());
    most = Math.max(most, gateway.memory);
    await sleep(20);
  }
  await ended;
  return { grown: most - before, good };
}

function requestHeaders(authorization = `Bearer ${token}`): Buffer {
  const pseudo = [
    field(':method', 'POST'),
    field(':scheme', 'http'),
    field(':path', predictPath),
    field(':authority', gateway.url.host),
  ];
  return Buffer.concat([...pseudo, field('authorization', authorization), field('content-type', 'application/json')]);
}

async function times(count: number, work: (at: number) => Promise<void>, while_: () => boolean): Promise<number> {
  let done = 0;
  for (; done < count && while_(); done++) await work(done);
  return done;
}

describe('HTTP/2 that wastes', () => {
  it('streams that are reset at once: the connection ends, and few of them reach a model', async () => {
    const reached = gateway.model.seen.length;
    const raw = attacker();
    const { grown, good } = await during(async () => {
      const headers = requestHeaders();
      await times(
        20_000,
        async (at) => {
          const stream = 2 * at + 1;
          await raw.send(
            frame(frameType.headers, endHeaders | endStream, stream, headers),
            frame(frameType.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
          );
          if (at % 100 === 99) await sleep(1);
        },
        () => !raw.closed,
      );
    });
    await raw.ended;
    expect([...good]).toEqual([200]);
    expect(grown).toBeLessThan(allowed);
    expect(gateway.model.seen.length - reached).toBeLessThan(2_000);
  });

  it('headers without an end: the connection ends', async () => {
    const raw = attacker();
    const { grown, good } = await during(async () => {
      await raw.send(frame(frameType.headers, 0, 1, requestHeaders()));
      const more = frame(frameType.more, 0, 1, field('x-more', 'y'.repeat(16_000)));
      await times(
        5_000,
        () => raw.send(more),
        () => !raw.closed,
      );
      await raw.ended;
    });
    expect([...good]).toEqual([200]);
    expect(grown).toBeLessThan(allowed);
  });

  it('headers that grow when they are unpacked are refused', async () => {
    const raw = attacker();
    const reached = gateway.model.seen.length;
    const { grown, good } = await during(async () => {
      const remembered = field('x-bomb', 'y'.repeat(3_900), { indexed: true });
      await raw.send(
        frame(frameType.headers, endHeaders | endStream, 1, Buffer.concat([requestHeaders(), remembered])),
      );
      // The first entry that was remembered comes behind the 61 of the static table.
      const bomb = Buffer.concat([requestHeaders(), ...Array.from({ length: 12_000 }, () => reference(62))]);
      await times(
        200,
        (at) => raw.send(frame(frameType.headers, endHeaders | endStream, 2 * at + 3, bomb)),
        () => !raw.closed,
      );
      await sleep(300);
    });
    expect([...good]).toEqual([200]);
    expect(grown).toBeLessThan(allowed);
    const bombs = gateway.model.seen
      .slice(reached)
      .filter(({ rawHeaders }) => rawHeaders.filter((name) => name === 'x-bomb').length > 1);
    expect(bombs).toEqual([]);
  });

  it.each<[string, Buffer]>([
    ['SETTINGS', frame(frameType.settings, 0, 0)],
    ['PING', frame(frameType.ping, 0, 0, Buffer.alloc(8))],
    ['DATA without data, for a stream that is open', frame(frameType.data, 0, 1)],
    ['PRIORITY', frame(frameType.priority, 0, 3, Buffer.from([0, 0, 0, 0, 1]))],
    ['WINDOW_UPDATE', frame(frameType.window, 0, 0, Buffer.from([0, 0, 0, 1]))],
    ['frames of an unknown type', frame(0xbb, 0, 0, Buffer.alloc(64))],
  ])('%s, 200,000 of them, from a peer that does not read', async (_, repeated) => {
    const raw = attacker();
    raw.socket.pause();
    const { grown, good } = await during(async () => {
      await raw.send(frame(frameType.headers, endHeaders, 1, requestHeaders()));
      const hundred = Buffer.concat(Array.from({ length: 100 }, () => repeated));
      await times(
        2_000,
        () => raw.send(hundred),
        () => !raw.closed,
      );
    });
    expect([...good]).toEqual([200]);
    expect(grown).toBeLessThan(allowed);
  });

  it.each([
    ['without a token', 'Bearer x'],
    ['with one', undefined],
  ])('unread answers to requests %s time out, and so does their connection', async (_, authorization) => {
    const raw = attacker();
    const initialWindow = Buffer.from([0, 4, 0, 0, 0, 0]);
    await raw.send(frame(frameType.settings, 0, 0, initialWindow));
    const { grown, good } = await during(async () => {
      const headers = requestHeaders(authorization);
      for (let at = 0; at < 50; at++) {
        await raw.send(frame(frameType.headers, endHeaders | endStream, 2 * at + 1, headers));
      }
      await raw.ended;
    });
    expect([...good]).toEqual([200]);
    expect(grown).toBeLessThan(allowed);
  });

  it('bodies that never end are refused in time, and their connection goes on', async () => {
    const statuses: number[] = [];
    const raw = new RawHttp2(gateway.url, (type, _flags, payload) => {
      // Field 8 to 14 of the static table are statuses; others are spelled out, here as Huffman code.
      if (type === frameType.headers) statuses.push(payload.length);
    });
    attackers.push(raw);
    const reached = gateway.model.seen.length;
    for (let at = 0; at < 50; at++) {
      const headers = Buffer.concat([requestHeaders(), field('content-length', '20')]);
      await raw.send(
        frame(frameType.headers, endHeaders, 2 * at + 1, headers),
        frame(frameType.data, 0, 2 * at + 1, Buffer.from('{')),
      );
    }
    for (let waited = 0; waited < 300 && statuses.length < 50; waited++) await sleep(100);
    expect(statuses).toHaveLength(50);
    expect(gateway.model.seen.length).toBe(reached);
    expect(raw.closed).toBe(false);
  });
});
