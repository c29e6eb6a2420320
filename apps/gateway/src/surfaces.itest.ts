import { surfaceRows, type SurfaceRow } from '@modelgate/protocols';
import { connect, type ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestBed, type Answer } from './gateway.fixture.ts';
import {
  allBut,
  entriesFor,
  llmEntry,
  llmPlaces,
  modelOf,
  namespace,
  pathAtServer,
  payload,
  requestFor,
  type WalkedRequest,
} from './surface-walk.fixture.ts';

const rows = surfaceRows();
const named = rows.map((row) => [`${row.protocol} ${row.method} ${row.path}`, row] as const);
const inBody = named.filter(([, { modelIn }]) => modelIn === 'json' || modelIn === 'multipart');

let bed: TestBed;
let session: ClientHttp2Session;
beforeAll(async () => {
  bed = await TestBed.start({}, { more: [...entriesFor(rows), llmEntry] });
  session = connect(bed.gateway.url);
});
afterAll(async () => {
  session.destroy();
  await bed.stop();
});

type Status = number | undefined;

const overHttp1 = ({ body, ...request }: WalkedRequest, token: string): Promise<Answer> =>
  bed.send({ ...request, token, ...(body !== '' && { body }) });

function overHttp2({ method, path, headers, body }: WalkedRequest, token: string): Promise<Status> {
  const { host = '127.0.0.1', ...fields } = headers;
  const pseudo = { ':method': method, ':path': path, ':authority': host, authorization: `Bearer ${token}` };
  const stream = session.request({ ...pseudo, ...fields }, { endStream: body === '' });
  if (body !== '') stream.end(body);
  return new Promise((resolve, reject) => {
    stream.on('response', (answer) => resolve(answer[':status']));
    stream.on('error', reject);
    stream.resume();
  });
}

/** What reached the model server meanwhile. */
async function reached(ask: () => Promise<unknown>) {
  const before = bed.model.seen.length;
  await ask();
  return bed.model.seen.slice(before);
}

const reasonOf = ({ headers }: Answer): unknown => /error="(\w+)"/.exec(headers['www-authenticate'] ?? '')?.[1];

/** The body as the model server is to have it. */
function forwarded(row: SurfaceRow): string {
  return row.bodiless ? '' : payload(row, 'iris').body;
}

describe.each(named)('%s', (_, row) => {
  const model = modelOf(row);
  const places = ['prefix', 'host'] as const;

  it('is forwarded as it is in the table, with a token for exactly that', async () => {
    const token = bed.issuer.signFor(`${model}:${row.verb}`);
    for (const place of places) {
      const [seen, ...more] = await reached(async () => {
        expect((await overHttp1(requestFor(row, place), token)).status).toBe(200);
      });
      expect(more).toEqual([]);
      expect([seen?.method, seen?.url, seen?.body.toString()]).toEqual([row.method, pathAtServer(row), forwarded(row)]);
      expect(seen?.rawHeaders.join('\n').toLowerCase()).not.toContain('authorization');
    }
    expect(await overHttp2(requestFor(row, 'prefix'), token)).toBe(200);
  });

  it('is refused with a token for everything else, and reaches no model server', async () => {
    const token = bed.issuer.signFor(allBut(row, model));
    const seen = await reached(async () => {
      for (const place of places) {
        const answer = await overHttp1(requestFor(row, place), token);
        expect([answer.status, reasonOf(answer)]).toEqual([403, 'insufficient_scope']);
      }
      expect(await overHttp2(requestFor(row, 'prefix'), token)).toBe(403);
    });
    expect(seen).toEqual([]);
  });

  it('is nothing to a stranger, and has no other method', async () => {
    const token = bed.issuer.signFor(`${model}:${row.verb}`);
    const seen = await reached(async () => {
      const request = requestFor(row, 'prefix');
      expect((await bed.send({ ...request, body: request.body })).status).toBe(401);
      for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND']) {
        const other = { ...request, method };
        expect([method, (await overHttp1(other, token)).status]).toEqual([method, 405]);
        expect([method, await overHttp2(other, token)]).toEqual([method, 405]);
      }
    });
    expect(seen).toEqual([]);
  });
});

describe.each(inBody)('%s, at the gateway’s own host', (_, row) => {
  const model = modelOf(row);

  it('is the model’s that the body names, under the name its server has for it', async () => {
    const token = bed.issuer.signFor(`${model}:${row.verb}`);
    const [seen] = await reached(async () => {
      expect((await overHttp1(requestFor(row, 'shared'), token)).status).toBe(200);
    });
    expect([seen?.url, seen?.body.toString()]).toEqual([pathAtServer(row), forwarded(row)]);
    expect((await overHttp1(requestFor(row, 'shared'), bed.issuer.signFor(allBut(row, model)))).status).toBe(403);
  });
});

const ofLlms = inBody.filter(([, { protocol }]) => protocol === 'openai' || protocol === 'anthropic');
const { model: llm } = llmEntry;

describe.each(Object.entries(llmPlaces))('an LLMInferenceService at %s', (_, { prefix, headers }) => {
  const atServer = (row: SurfaceRow): string => pathAtServer(row, { prefix: '' });
  // KServe's route by the header has the paths of version 1 alone.
  const offered = ofLlms.filter(([, row]) => prefix !== '' || atServer(row).startsWith('/v1/'));

  it.each(offered)('offers %s to a caller with permission', async (_, row) => {
    const said = payload(row, 'iris');
    const request = {
      ...said,
      method: row.method,
      path: prefix + atServer(row),
      headers: { ...said.headers, ...headers },
    };
    const refused = await reached(async () => {
      expect((await overHttp1(request, bed.issuer.signFor(allBut(row, llm)))).status).toBe(403);
    });
    expect(refused).toEqual([]);
    const [seen] = await reached(async () => {
      expect((await overHttp1(request, bed.issuer.signFor(`${llm}:${row.verb}`))).status).toBe(200);
    });
    expect([seen?.method, seen?.url, seen?.body.toString()]).toEqual([row.method, atServer(row), said.body]);
    expect(seen?.rawHeaders.join().toLowerCase()).not.toContain('x-gateway-model-name');
  });

  it('is refused if the body names another model', async () => {
    const token = bed.issuer.signFor(`${llm}:generate ${namespace}/openai-any:generate`);
    const path = `${prefix}/v1/chat/completions`;
    for (const model of ['digits', `publishers/${namespace}/models/digits`, `${namespace}/openai-any`]) {
      const sent = { method: 'POST', path, headers: { 'content-type': 'application/json', ...headers } };
      const seen = await reached(async () => {
        expect([404, 400]).toContain((await overHttp1({ ...sent, body: JSON.stringify({ model }) }, token)).status);
      });
      expect(seen).toEqual([]);
    }
  });
});

describe('lists', () => {
  it.each(named.filter(([, { list }]) => list))(
    '%s names what the token may call, and nothing else',
    async (_, row) => {
      const { body } = await overHttp1(requestFor(row, 'prefix'), bed.issuer.signFor(`${modelOf(row)}:${row.verb}`));
      expect(body.toString()).toContain('iris');
      expect(body.toString()).not.toMatch(/secret|digits|mnt/);
    },
  );
});
