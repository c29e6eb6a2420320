import type { HttpAnswer } from '@modelgate/jwt';
import { ManualClock } from '@modelgate/testing';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RememberedAnswers } from './remembered-answers.ts';

const url = 'https://tokens.example.com/jwks';
const options = { maxBytes: 1_000, timeoutMs: 1_000 };
let folder: string;
let clock: ManualClock;
let problems: string[];
/** The issuer's answers; undefined while it is down. */
let issuer: { status: number; body?: string; etag?: string } | undefined;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'modelgate-state-')), 'state');
  clock = new ManualClock();
  problems = [];
  issuer = { status: 200, body: 'keys', etag: '"1"' };
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

function started(): (of?: string) => Promise<HttpAnswer> {
  const answers = new RememberedAnswers({
    folder,
    clock,
    onProblem: (problem) => problems.push(problem),
    get: () => {
      if (!issuer) return Promise.reject(new Error('away'));
      const headers = new Headers(issuer.etag === undefined ? {} : { etag: issuer.etag });
      return Promise.resolve({ status: issuer.status, headers, body: Buffer.from(issuer.body ?? '') });
    },
  });
  return (of = url) => answers.get(of, options);
}

const file = (): string => join(folder, readdirSync(folder)[0] ?? '');

describe('RememberedAnswers', () => {
  it('gives a new process the issuer’s last answer, with its age', async () => {
    await started()();
    issuer = undefined;
    clock.advanceMilliseconds(3_600_000);
    const answer = await started()();
    expect([answer.status, Buffer.from(answer.body).toString(), answer.ageSeconds, answer.headers.get('etag')]).toEqual(
      [200, 'keys', 3600, '"1"'],
    );
  });

  it('uses the stored answer if the issuer answers with an error', async () => {
    await started()();
    issuer = { status: 503 };
    expect((await started()()).ageSeconds).toBe(0);
  });

  it('writes files that only their owner can read', async () => {
    await started()();
    expect([statSync(folder).mode & 0o777, statSync(file()).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it('uses only the issuer once it has answered', async () => {
    await started()();
    const get = started();
    await get();
    issuer = undefined;
    await expect(get()).rejects.toThrow('away');
  });

  it('treats a 304 as a confirmation', async () => {
    const get = started();
    await get();
    clock.advanceMilliseconds(50_000_000);
    issuer = { status: 304 };
    await get();
    issuer = undefined;
    clock.advanceMilliseconds(50_000_000);
    expect((await started()()).ageSeconds).toBe(50_000);
  });

  it.each<[string, () => void, RegExp | undefined]>([
    ['older than a day', () => clock.advanceMilliseconds(86_401_000), /not of the last 86400 seconds/],
    ['from the future', () => clock.advanceMilliseconds(-1_000), /not of the last/],
    [
      'belongs to another URL',
      () => writeFileSync(file(), readFileSync(file(), 'utf8').replace('/jwks', '/other')),
      /another URL/,
    ],
    ['half written', () => writeFileSync(file(), readFileSync(file(), 'utf8').slice(0, 40)), /is not used/],
    [
      'with more in it',
      () => writeFileSync(file(), readFileSync(file(), 'utf8').replace('{', '{"x":1,')),
      /is not used/,
    ],
    ['that others may write', () => chmodSync(file(), 0o622), /can be written by others/],
    ['in a folder that others may write', () => chmodSync(folder, 0o777), /can be written by others/],
    ['that is gone', () => rmSync(file()), undefined],
  ])('ignores a file that is %s, and reports it', async (_what, spoil, problem) => {
    await started()();
    spoil();
    issuer = undefined;
    await expect(started()()).rejects.toThrow('away');
    if (problem) expect(problems).toEqual([expect.stringMatching(problem)]);
    else expect(problems).toEqual([]);
  });

  it('answers even if nothing can be written', async () => {
    folder = join(folder, '..', 'file', 'state');
    writeFileSync(join(folder, '..'), '');
    expect((await started()()).status).toBe(200);
    expect(problems).toEqual([expect.stringMatching(/cannot be written/)]);
    folder = join(folder, '..');
  });

  it('never remembers an error', async () => {
    issuer = { status: 404 };
    await started()();
    issuer = undefined;
    await expect(started()()).rejects.toThrow('away');
  });
});
