import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CredentialError, CredentialFile } from './credential-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelgate-credential-'));
  file = join(folder, 'token');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('CredentialFile', () => {
  it.each(['eyJ.eyJ.sig', 'hf_abcDEF123', 'YWJj==', ' padded-with-blanks\n'])('accepts %j', (text) => {
    writeFileSync(file, text);
    expect(new CredentialFile(file).authorization).toBe(`Bearer ${text.trim()}`);
  });

  it.each(['', '\n', 'two words', 'a\r\nX-Injected: 1', 'kéy', 'x'.repeat(16_385)])(
    'refuses %j without repeating it',
    (text) => {
      writeFileSync(file, text);
      expect(() => new CredentialFile(file)).toThrow(new CredentialError(`${file} does not hold one bearer token`));
    },
  );

  it('follows the file, keeps the last valid credential while the file is invalid, and reports that once', () => {
    writeFileSync(file, 'first');
    const credential = new CredentialFile(file);
    writeFileSync(file, 'second');
    expect([credential.look(), credential.authorization]).toEqual([undefined, 'Bearer second']);
    rmSync(file);
    expect([credential.look(), credential.look()]).toEqual([`${file} cannot be read`, undefined]);
    writeFileSync(file, 'half wri tten');
    expect(credential.look()).toBe(`${file} does not hold one bearer token`);
    expect(credential.authorization).toBe('Bearer second');
    writeFileSync(file, 'third');
    expect([credential.look(), credential.authorization]).toEqual([undefined, 'Bearer third']);
  });
});
