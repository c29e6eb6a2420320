import { ConfigurationError } from '@modelgate/nest';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAccessFile } from './access/access-file.ts';
import { readConfig } from './config.ts';

const good = {
  TOKEN_ISSUER: 'https://tokens.example.com',
  MODEL_AUDIENCE: 'https://models.example.com',
  DATABASE_URL: 'postgresql://localhost/modelgate',
  KEK_FILE: '/data/kek.json',
  ACCESS_FILE: '/etc/access.yaml',
};
const problemsOf = (work: () => unknown): readonly string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
};

describe('configuration', () => {
  it('has sensible defaults', () => {
    expect(readConfig(good)).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 8080,
      TOKEN_TTL: 900,
      KEYS_ROTATE_EVERY: 604_800,
    });
  });

  it('lists every problem at once, each with its remedy and without its value', () => {
    const problems = problemsOf(() =>
      readConfig({
        TOKEN_ISSUER: 'http://tokens.example.com',
        DATABASE_URL: 'mysql://root:hunter2@db',
        PORT: '99999',
        TOKEN_TTL: '15',
      }),
    );
    expect(problems.map((problem) => problem.split(/[ :]/, 1)[0]).toSorted()).toEqual([
      'ACCESS_FILE',
      'DATABASE_URL',
      'KEK_FILE',
      'MODEL_AUDIENCE',
      'PORT',
      'TOKEN_ISSUER',
      'TOKEN_TTL',
    ]);
    expect(problems.join('\n')).not.toContain('hunter2');
  });

  it.each<[string, Record<string, string>, string[][]]>([
    ['a lead time', { KEYS_LEAD_TIME: '1m' }, [['60 s', 'istio 3600 s', '10 s', '3670 s', 'KEYS_LEAD_TIME']]],
    ['a max-age', { JWKS_MAX_AGE: '2h' }, [['3670 s', 'JWKS max-age 7200 s', '7270 s', 'JWKS_MAX_AGE']]],
    ['a rotation period', { KEYS_ROTATE_EVERY: '1h' }, [['3600 s', '3670 s', 'KEYS_ROTATE_EVERY']]],
    [
      'tokens that outlive very many rotations',
      { KEYS_ROTATE_EVERY: '1m', KEYS_LEAD_TIME: '50s', KEYS_VERIFIERS: 'none', JWKS_MAX_AGE: '10s', CLOCK_SKEW: '5s' },
      [['3600 s', '60 s', '128', 'MAX_TOKEN_TTL']],
    ],
    ['a life of tokens', { MAX_TOKEN_TTL: '10m' }, [['900 s', '600 s', 'TOKEN_TTL', 'MAX_TOKEN_TTL']]],
    [
      'everything at once, an open listener too',
      { KEYS_LEAD_TIME: '1m', MAX_TOKEN_TTL: '10m', HOST: '0.0.0.0' },
      [['HOST'], ['3670 s'], ['900 s']],
    ],
  ])('refuses %s that contradicts the rest, naming the numbers and what to change', (_, change, named) => {
    const problems = problemsOf(() => readConfig({ ...good, ...change }));
    expect(problems).toHaveLength(named.length);
    for (const [index, words] of named.entries()) for (const word of words) expect(problems[index]).toContain(word);
  });

  it('counts the keys of every ladder together', () => {
    const hasty = {
      KEYS_ROTATE_EVERY: '6m',
      KEYS_LEAD_TIME: '1m',
      KEYS_VERIFIERS: 'none',
      JWKS_MAX_AGE: '10s',
      CLOCK_SKEW: '5s',
    };
    expect(problemsOf(() => readConfig({ ...good, ...hasty }))).toEqual([]);
    const [problem] = problemsOf(() => readConfig({ ...good, ...hasty, KEYS_FURTHER_ALGS: 'RS256,PS256,EdDSA' }));
    expect(problem).toMatch(/publishes up to 52 keys; 50 are as many as verifiers take.*KEYS_FURTHER_ALGS/);
  });

  it('takes a secret from a file, and not from both', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'modelgate-')), 'url');
    writeFileSync(file, 'postgresql://from-file/x\n');
    const { DATABASE_URL: _, ...rest } = good;
    expect(readConfig({ ...rest, DATABASE_URL_FILE: file }).DATABASE_URL).toBe('postgresql://from-file/x');
    expect(problemsOf(() => readConfig({ ...good, DATABASE_URL_FILE: file }))).toHaveLength(1);
    expect(problemsOf(() => readConfig({ ...rest, DATABASE_URL_FILE: '/no/such/file' })).join()).toContain(
      'cannot be read',
    );
  });
});

describe('access file', () => {
  const read = (text: string): ReturnType<typeof readAccessFile> => {
    const file = join(mkdtempSync(join(tmpdir(), 'modelgate-')), 'access.yaml');
    writeFileSync(file, text);
    return readAccessFile(file, 'https://tokens.example.com');
  };
  const issuer = '{id: kc, kind: keycloak, issuer: "https://kc.example.com/realms/x", audiences: [sts]}';
  const policy = '{name: p, issuer: kc, match: {realmRole: r}, grants: [{models: [a/b], verbs: [predict]}]}';
  const client = '{clientId: c, authentication: none}';
  const file = (issuers: string, clients: string, policies: string): string =>
    `issuers: [${issuers}]\nclients: [${clients}]\npolicies: [${policies}]\n`;

  it('reads issuers, clients and policies', () => {
    const access = read(file(issuer, client, policy));
    expect(access.clients.get('c')).toMatchObject({ authentication: 'none' });
    expect(access.clients.get('constructor')).toBeUndefined();
    expect(access.policies[0]).toMatchObject({ name: 'p', maxTtl: 900 });
  });

  it.each([
    ['is not YAML', 'issuers: [', 'not YAML'],
    ['is empty', '', 'it must be an object'],
    ['has no clients', `issuers: [${issuer}]\npolicies: []\n`, 'clients is missing; it must be a list'],
    ['has an unknown member', `${file(issuer, client, policy)}polices: []`, 'polices'],
    ['names a policy twice', file(issuer, client, `${policy}, ${policy}`), 'defined twice'],
    ['names a client twice', file(issuer, `${client}, ${client}`, policy), 'client c is defined twice'],
    [
      'has a policy of an issuer that is not there',
      file(issuer, client, policy.replace('issuer: kc', 'issuer: other')),
      'other',
    ],
    [
      'trusts the service itself',
      file(issuer.replace('https://kc.example.com/realms/x', 'https://tokens.example.com'), client, policy),
      'itself',
    ],
    [
      'has an unknown verb',
      file(issuer, client, policy.replace('predict', 'destroy')),
      'grants[0].verbs[0] must be one of predict, explain',
    ],
    [
      'has a limit that no gateway can count',
      file(issuer, client, policy.replace('{name: p', '{name: p, limit: 5000000/30d')),
      'at most 4503599627370',
    ],
    [
      'has a limit that is none',
      file(issuer, client, policy.replace('{name: p', '{name: p, limit: 600')),
      'policies[0].limit',
    ],
    [
      'has a plain secret',
      file(issuer, '{clientId: c, authentication: client_secret, secretSha256: [hunter2]}', policy),
      'SHA-256',
    ],
    [
      'lets a public client exchange others’ tokens',
      file(issuer, '{clientId: c, authentication: none, mayExchange: [d]}', policy),
      'its own tokens',
    ],
    [
      'has a private key where a public one belongs',
      file(issuer, '{clientId: c, authentication: private_key_jwt, keys: [{kty: oct, k: AAAA}]}', policy),
      'usable public key',
    ],
  ])('is refused where it %s', (_, text, words) => {
    expect(problemsOf(() => read(text)).join('\n')).toContain(words);
  });
});
