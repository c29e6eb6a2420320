import { CertificateAuthority, type IssuedCertificate } from '@modelgate/testing';
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateWatch } from './certificate-watch.ts';
import { CertificateError, readCertificates } from './certificates.ts';

const day = 86_400_000;
const now = Date.now();
let folder: string;
let files: { certFile: string; keyFile: string; caFile: string };
let authority: CertificateAuthority;
let first: IssuedCertificate;
let second: IssuedCertificate;
beforeAll(async () => {
  authority = await CertificateAuthority.create();
  first = await authority.issue({ names: ['localhost', '127.0.0.1'] });
  second = await authority.issue({ names: ['localhost'], days: 60 });
  folder = mkdtempSync(join(tmpdir(), 'modelgate-tls-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key'), caFile: join(folder, 'ca.crt') };
  write(first);
  writeFileSync(files.caFile, authority.cert);
});

function write({ cert, key }: IssuedCertificate): void {
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
}

describe('readCertificates', () => {
  it('has everything, and when it ends', () => {
    const { cert, key, ca, expiresAt } = readCertificates(files, now);
    expect([cert, key, ca]).toEqual([first.cert, first.key, authority.cert]);
    expect(Math.abs((expiresAt ?? 0) - now - 30 * day)).toBeLessThan(120_000);
  });

  it.each<[string, RegExp, () => void]>([
    ['a file that is not there', /tls\.crt cannot be read/, () => rmSync(files.certFile)],
    ['an empty certificate', /tls\.crt holds no PEM certificate/, () => writeFileSync(files.certFile, '')],
    ['half a certificate', /tls\.crt holds no PEM/, () => writeFileSync(files.certFile, first.cert.slice(0, 200))],
    ['a mangled certificate', /cannot be read/, () => writeFileSync(files.certFile, first.cert.replace(/M/g, 'N'))],
    ['half a key', /tls\.key holds no unencrypted PEM/, () => writeFileSync(files.keyFile, first.key.slice(0, 60))],
    ['another key', /is not the key of the first certificate/, () => writeFileSync(files.keyFile, second.key)],
    ['an authority that is none', /ca\.crt holds no PEM certificate/, () => writeFileSync(files.caFile, 'x')],
  ])('refuses %s and says which file', (_what, message, spoil) => {
    spoil();
    expect(() => readCertificates(files, now)).toThrow(message);
    try {
      readCertificates(files, now);
    } catch (error) {
      expect(error).toBeInstanceOf(CertificateError);
      expect(String(error)).not.toContain(first.key.split('\n')[1]);
    }
  });

  it('refuses what has ended', () => {
    expect(() => readCertificates(files, now + 31 * day)).toThrow(/tls\.crt expired at/);
  });
});

describe('CertificateWatch', () => {
  const watch = (at = () => now) => {
    const changes: (string | undefined)[] = [];
    const problems: string[] = [];
    const watched = new CertificateWatch({
      files,
      intervalMs: 1_000,
      now: at,
      onChange: ({ cert }) => changes.push(cert),
      onProblem: (problem) => problems.push(problem),
    });
    return { watched, changes, problems };
  };

  it('tells of new certificates once, and of nothing while nothing changes', () => {
    const { watched, changes, problems } = watch();
    watched.look();
    write(second);
    watched.look();
    watched.look();
    expect([changes, problems]).toEqual([[second.cert], []]);
    expect(watched.current.key).toBe(second.key);
  });

  it('sees a link that was swapped, as mounted Secrets are replaced', () => {
    for (const [name, issued] of [
      ['a', first],
      ['b', second],
    ] as const)
      writeFileSync(join(folder, name), issued.cert);
    rmSync(files.certFile);
    symlinkSync(join(folder, 'a'), files.certFile);
    const { watched, changes } = watch();
    symlinkSync(join(folder, 'b'), join(folder, 'next'));
    renameSync(join(folder, 'next'), files.certFile);
    writeFileSync(files.keyFile, second.key);
    watched.look();
    expect(changes).toEqual([second.cert]);
    rmSync(files.certFile);
  });

  it('keeps what it has while the files are wrong, says why once, and takes them once they are right', () => {
    const { watched, changes, problems } = watch();
    writeFileSync(files.certFile, second.cert);
    watched.look();
    watched.look();
    expect(watched.current.cert).toBe(first.cert);
    expect(problems).toHaveLength(1);
    expect(watched.problem).toMatch(/is not the key/);
    writeFileSync(files.keyFile, second.key);
    watched.look();
    expect([changes, watched.problem]).toEqual([[second.cert], undefined]);
  });

  it('warns in the last week, and goes on with what ended', () => {
    let at = now;
    const { watched } = watch(() => at);
    expect(watched.problem).toBeUndefined();
    at = now + 25 * day;
    expect(watched.problem).toBe('the certificate ends in 4 days');
    at = now + 40 * day;
    watched.look();
    expect(watched.problem).toMatch(/expired/);
    expect(watched.current.cert).toBe(first.cert);
  });
});
