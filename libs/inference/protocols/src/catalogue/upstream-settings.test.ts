import { describe, expect, it } from 'vitest';
import { CatalogueError } from '@modelgate/catalogue';
import { Catalogue } from './catalogue.ts';
import type { Upstream } from '../operation.ts';

function upstreamWith(settings: object): Upstream | undefined {
  const model = { model: 'fraud/iris', upstream: 'https://iris.internal:8443', protocols: ['v1'], ...settings };
  return Catalogue.parse({ domain: 'models.example.com', models: [model] }).models()[0]?.upstream;
}

function problemsWith(settings: object): readonly string[] {
  try {
    upstreamWith(settings);
  } catch (error) {
    if (error instanceof CatalogueError) return error.problems;
    throw error;
  }
  return [];
}

const where = { origins: ['https://iris.internal:8443'], host: 'iris.internal:8443' };
const cert = { certFile: '/tls/tls.crt', keyFile: '/tls/tls.key' };

describe('the upstream settings of a model', () => {
  it.each<[string, object, object]>([
    ['nothing', {}, {}],
    ['a credential that is stripped', { credential: 'strip' }, {}],
    ['a credential that is forwarded', { credential: 'forward' }, { credential: 'forward' }],
    ['a credential of its own', { credential: { replaceFile: '/t' } }, { credential: { replaceFile: '/t' } }],
    ['one timeout', { timeouts: { firstByte: '1m30s' } }, { timeouts: { firstByteMs: 90_000 } }],
    ['both', { timeouts: { firstByte: '1s', idle: '1d' } }, { timeouts: { firstByteMs: 1000, idleMs: 86_400_000 } }],
    ['limits', { maxBodyBytes: 1, maxConcurrent: 2 }, { maxBodyBytes: 1, maxConcurrent: 2 }],
    ['an authority', { upstreamTls: { caFile: '/ca.crt' } }, { tls: { caFile: '/ca.crt' } }],
    ['an identity', { upstreamTls: { ...cert, serverName: 'm' } }, { tls: { ...cert, serverName: 'm' } }],
  ])('convert %s', (_what, settings, expected) => {
    expect(upstreamWith(settings)).toEqual({ ...where, ...expected });
  });

  it.each<[string, object, RegExp]>([
    ['an unknown credential', { credential: 'pass' }, /credential/],
    ['a credential from nowhere', { credential: { replaceFile: '' } }, /must be the path of a file/],
    ['a timeout without a unit', { timeouts: { idle: '30' } }, /timeouts\.idle: must be a duration between 1s and 1d/],
    ['a number as timeout', { timeouts: { idle: 30 } }, /timeouts\.idle/],
    ['no time at all', { timeouts: { firstByte: '0s' } }, /timeouts\.firstByte/],
    ['more than a day', { timeouts: { firstByte: '1d1s' } }, /timeouts\.firstByte/],
    ['an unknown timeout', { timeouts: { connect: '1s' } }, /timeouts/],
    ['no byte', { maxBodyBytes: 0 }, /maxBodyBytes/],
    ['a certificate without a key', { upstreamTls: { certFile: '/c' } }, /upstreamTls: certFile and keyFile belong/],
    ['a key without a certificate', { upstreamTls: { keyFile: '/k' } }, /upstreamTls: certFile and keyFile belong/],
    ['a name that is none', { upstreamTls: { serverName: '*.internal' } }, /serverName: must be a DNS name/],
    ['a way not to check', { upstreamTls: { insecureSkipVerify: true } }, /upstreamTls/],
    [
      'TLS in the clear',
      { upstream: 'http://iris:8080', upstreamTls: { caFile: '/ca' } },
      /without an origin of https/,
    ],
  ])('are refused for %s, with the path in the document', (_what, settings, problem) => {
    expect(problemsWith(settings)).toEqual([expect.stringMatching(problem)]);
    expect(problemsWith(settings)[0]).toMatch(/^models\[0\]\./);
  });
});
