import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { decrypt, encrypt } from './aes-gcm.ts';
import { AwsKmsKeks } from './aws-kms-keks.ts';
import { EnvelopeEncryption } from './envelope-encryption.ts';
import { FileKeks } from './file-keks.ts';
import { KekFile } from './kek-file.ts';
import { KekChain } from './kek-chain.ts';
import { KekError, type KekProvider } from './kek-provider.ts';
import { VaultKeks } from './vault-keks.ts';

const aad = Buffer.from('issuer, kid and algorithm');
const dataKey = randomBytes(32);
const folder = mkdtempSync(join(tmpdir(), 'modelgate-keks-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Call {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

/** A double on a real socket: neither Vault nor AWS is had here, so that requests are held to what their makers document. */
class ServiceDouble {
  readonly calls: Call[] = [];
  answer: (call: Call) => { status: number; body: unknown } | undefined = () => ({ status: 500, body: {} });
  url = '';
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
        const call = { path: request.url ?? '', headers: request.headers, body };
        this.calls.push(call);
        const answer = this.answer(call);
        if (!answer) return;
        const type = request.headers['content-type'] ?? 'application/json';
        response.writeHead(answer.status, { 'content-type': type }).end(JSON.stringify(answer.body));
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let service: ServiceDouble;
beforeEach(async () => {
  service = new ServiceDouble();
  await service.start();
});
afterEach(() => service.stop());

/** What every provider must do, whoever keeps the keys. */
function contract(make: () => Promise<KekProvider> | KekProvider): void {
  it('unwraps what it wrapped, for the same associated data alone', async () => {
    const provider = await make();
    const wrapped = await provider.wrap(dataKey, aad);
    expect(Buffer.from(wrapped.wrapped).includes(dataKey)).toBe(false);
    expect(Buffer.from(await provider.unwrap(wrapped, aad))).toEqual(dataKey);
    await expect(provider.unwrap(wrapped, Buffer.from('other'))).rejects.toThrow(/not the one that sealed it/);
  });

  it('refuses what was tampered with, and names of keys that it does not know', async () => {
    const provider = await make();
    const wrapped = await provider.wrap(dataKey, aad);
    const bytes = Buffer.from(wrapped.wrapped);
    bytes.writeUInt8((bytes.at(-3) ?? 0) ^ 1, bytes.length - 3);
    await expect(provider.unwrap({ ...wrapped, wrapped: bytes }, aad)).rejects.toBeInstanceOf(KekError);
    await expect(provider.unwrap({ ...wrapped, kekId: 'stranger' }, aad)).rejects.toBeInstanceOf(KekError);
  });
}

describe('KekFile', () => {
  let path: string;
  beforeEach(() => {
    path = join(mkdtempSync(join(folder, 'kek-file-')), 'kek.json');
  });
  const nothing = () => Promise.resolve([]);
  const oneKey = () => Promise.resolve([{ kid: 'kid-1', kekId: 'file-1' }]);

  contract(() => new KekFile(path, nothing));

  it('makes no file where a key is sealed under one that is gone, and names both', async () => {
    const lost = new KekFile(path, oneKey);
    await expect(lost.open()).rejects.toThrow(`${path} is missing`);
    await expect(lost.wrap(dataKey, aad)).rejects.toThrow('kid-1 under file-1');
    expect(existsSync(path)).toBe(false);
  });

  it('makes no file while it is not known whether one is gone, and does once it is known', async () => {
    let known = false;
    const file = new KekFile(path, () => (known ? nothing() : Promise.reject(new Error('away'))));
    await expect(file.open()).rejects.toThrow('away');
    expect(existsSync(path)).toBe(false);
    known = true;
    await file.wrap(dataKey, aad);
    expect(existsSync(path)).toBe(true);
  });

  it('takes the file that another replica made and sealed under while this one asked', async () => {
    const file = new KekFile(path, async () => {
      await FileKeks.open(path);
      return oneKey();
    });
    await expect(file.open()).resolves.toBeInstanceOf(FileKeks);
  });
});

describe('FileKeks', () => {
  const path = join(folder, 'kek.json');
  const kek = (id: string) => ({ id, key: randomBytes(32).toString('base64url') });
  const write = (content: unknown): void => {
    rmSync(path, { force: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  };
  beforeEach(() => rmSync(path, { force: true }));
  contract(() => FileKeks.open(path));

  it('is made on first use, for its owner alone, and once where many start together', async () => {
    const opened = await Promise.all(Array.from({ length: 10 }, () => FileKeks.open(path)));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const wrapped = await opened[0]?.wrap(dataKey, aad);
    for (const one of opened) {
      expect(Buffer.from(await one.unwrap(wrapped ?? { kekId: '', wrapped: Buffer.alloc(0) }, aad))).toEqual(dataKey);
    }
  });

  it('seals with the newest key, and opens with each', async () => {
    const [old, next] = [kek('old'), kek('next')];
    write({ keks: [old] });
    const before = await (await FileKeks.open(path)).wrap(dataKey, aad);
    write({ keks: [old, next] });
    const both = await FileKeks.open(path);
    expect([before.kekId, (await both.wrap(dataKey, aad)).kekId]).toEqual(['old', 'next']);
    expect(Buffer.from(await both.unwrap(before, aad))).toEqual(dataKey);
  });

  it.each<[string, unknown]>([
    ['no JSON', 'x'],
    ['no keys', { keks: [] }],
    ['a short key', { keks: [{ id: 'a', key: 'AAAA' }] }],
    ['a name with a colon', { keks: [{ id: 'vault:a', key: randomBytes(32).toString('base64url') }] }],
    ['more than it should have', { keks: [kek('a')], more: true }],
  ])('refuses a file with %s, and never writes over it', async (_what, content) => {
    write(content);
    const before = readFileSync(path, 'utf8');
    await expect(FileKeks.open(path)).rejects.toThrow(/is not a file of key-encryption keys/);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('refuses a file that others can read, and a folder that is not there', async () => {
    write({ keks: [kek('a')] });
    chmodSync(path, 0o640);
    await expect(FileKeks.open(path)).rejects.toThrow(/chmod 600/);
    await expect(FileKeks.open(join(folder, 'no', 'kek.json'))).rejects.toThrow(/cannot be created/);
  });
});

/** The transit engine: each version a key of its own, associated data bound, as its documentation says. */
function transit(versions: Buffer[]): ServiceDouble['answer'] {
  return ({ path, body }) => {
    const associated = Buffer.from(String(body['associated_data']), 'base64');
    const [, verb] = /^\/v1\/transit\/(encrypt|decrypt)\/signing$/.exec(path) ?? [];
    const refused = { status: 400, body: { errors: ['cipher: message authentication failed'] } };
    try {
      if (verb === 'encrypt') {
        const sealed = encrypt(
          versions.at(-1) ?? Buffer.alloc(32),
          Buffer.from(String(body['plaintext']), 'base64'),
          associated,
        );
        const ciphertext = `vault:v${versions.length}:${sealed.toString('base64')}`;
        return { status: 200, body: { data: { ciphertext, key_version: versions.length } } };
      }
      const [, version, sealed = ''] = /^vault:v(\d+):(.+)$/.exec(String(body['ciphertext'])) ?? [];
      const key = versions[Number(version) - 1];
      if (verb !== 'decrypt' || !key) return refused;
      const plaintext = decrypt(key, Buffer.from(sealed, 'base64'), associated).toString('base64');
      return { status: 200, body: { data: { plaintext } } };
    } catch {
      return refused;
    }
  };
}

describe('VaultKeks, against a double of the transit engine', () => {
  const versions = [randomBytes(32)];
  const open = (more = {}): VaultKeks => new VaultKeks({ address: service.url, key: 'signing', token: 't-1', ...more });
  beforeEach(() => void (service.answer = transit(versions)));
  contract(() => open());

  it('names the version that sealed, so that sealing again after a rotation is noticed', async () => {
    const rotated = [...versions];
    service.answer = transit(rotated);
    const before = await open().wrap(dataKey, aad);
    rotated.push(randomBytes(32));
    const after = await open().wrap(dataKey, aad);
    expect([before.kekId, after.kekId]).toEqual(['vault:transit/signing:v1', 'vault:transit/signing:v2']);
    expect(Buffer.from(await open().unwrap(before, aad))).toEqual(dataKey);
  });

  it('sends its token and namespace as headers, and nothing of them elsewhere', async () => {
    await open({ namespace: 'team-a' }).wrap(dataKey, aad);
    const [call] = service.calls;
    expect(call?.headers).toMatchObject({
      'x-vault-token': 't-1',
      'x-vault-namespace': 'team-a',
      'x-vault-request': 'true',
    });
    expect(JSON.stringify([call?.path, call?.body])).not.toContain('t-1');
  });

  it('reads its token again where it is refused', async () => {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'old\n');
    const keks = open({ token: undefined, tokenFile });
    const engine = transit(versions);
    service.answer = (call) => (call.headers['x-vault-token'] === 'new' ? engine(call) : { status: 403, body: {} });
    await expect(keks.wrap(dataKey, aad)).rejects.toThrow('Vault does not permit to encrypt with signing');
    writeFileSync(tokenFile, 'new\n');
    expect((await keks.wrap(dataKey, aad)).kekId).toBe('vault:transit/signing:v1');
  });

  it.each<[string, number, unknown, RegExp]>([
    ['is sealed', 503, { errors: ['Vault is sealed'] }, /answers 503/],
    ['has no such key', 404, {}, /answers 404/],
    ['answers something else', 200, { data: { ciphertext: 'x' } }, /not understood/],
    ['answers too much', 200, { data: { ciphertext: 'x'.repeat(100_000) } }, /not understood/],
  ])('says so where Vault %s', async (_what, status, body, message) => {
    service.answer = () => ({ status, body });
    await expect(open().wrap(dataKey, aad)).rejects.toThrow(message);
  });

  it('says so where Vault is away, and takes no address that would send the token in the clear', async () => {
    const keks = open();
    await service.stop();
    await expect(keks.wrap(dataKey, aad)).rejects.toThrow('Vault cannot be reached');
    await service.start();
    expect(() => open({ address: 'http://vault.example.com' })).toThrow(/must be https/);
  });
});

const arn = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** KMS as its API reference says: JSON 1.1, the operation in a header, the context bound to the ciphertext. */
function kms(key: Buffer): ServiceDouble['answer'] {
  const contextOf = (context: unknown): Buffer => createHash('sha256').update(JSON.stringify(context)).digest();
  return ({ headers, body }) => {
    const associated = contextOf(body['EncryptionContext']);
    if (body['KeyId'] !== arn && body['KeyId'] !== 'alias/signing')
      return { status: 400, body: { __type: 'NotFoundException' } };
    try {
      if (headers['x-amz-target'] === 'TrentService.Encrypt') {
        const sealed = encrypt(key, Buffer.from(String(body['Plaintext']), 'base64'), associated);
        return { status: 200, body: { KeyId: arn, CiphertextBlob: sealed.toString('base64') } };
      }
      const opened = decrypt(key, Buffer.from(String(body['CiphertextBlob']), 'base64'), associated);
      return { status: 200, body: { KeyId: arn, Plaintext: opened.toString('base64') } };
    } catch {
      return { status: 400, body: { __type: 'InvalidCiphertextException' } };
    }
  };
}

describe('AwsKmsKeks, against a double of AWS KMS', () => {
  const key = randomBytes(32);
  const open = (): AwsKmsKeks => new AwsKmsKeks({ keyId: 'alias/signing', endpoint: service.url });
  beforeAll(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-real-one');
    vi.stubEnv('AWS_REGION', 'eu-west-1');
  });
  afterAll(() => void vi.unstubAllEnvs());
  beforeEach(() => void (service.answer = kms(key)));
  contract(() => open());

  it('signs its requests, names the key that sealed by its ARN, and binds the context', async () => {
    const { kekId } = await open().wrap(dataKey, aad);
    expect(kekId).toBe(`aws-kms:${arn}`);
    const [call] = service.calls;
    expect(call?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/kms\/aws4_request/,
    );
    expect(call?.headers['x-amz-target']).toBe('TrentService.Encrypt');
    expect(call?.body['EncryptionContext']).toEqual({ modelgate: aad.toString('base64url') });
  });

  it('gives up where AWS takes the request and says nothing', async () => {
    service.answer = () => undefined;
    const silent = new AwsKmsKeks({ keyId: 'alias/signing', endpoint: service.url, timeoutMs: 100 });
    await expect(silent.wrap(dataKey, aad)).rejects.toThrow(/AWS KMS does not encrypt: TimeoutError/);
  });

  it('says so where AWS denies', async () => {
    service.answer = () => ({ status: 400, body: { __type: 'AccessDeniedException' } });
    await expect(open().wrap(dataKey, aad)).rejects.toThrow('AWS KMS does not encrypt: AccessDeniedException');
  });
});

describe('EnvelopeEncryption', () => {
  const context = { issuer: 'https://t.example', kid: 'kid-1', alg: 'ES256' as const };
  const privateKey = randomBytes(138);
  const envelope = async (): Promise<EnvelopeEncryption> =>
    new EnvelopeEncryption(await FileKeks.open(join(folder, 'envelope.json')));

  it('opens what it sealed, and never seals the same way twice', async () => {
    const encryption = await envelope();
    const [one, other] = [await encryption.seal(privateKey, context), await encryption.seal(privateKey, context)];
    expect(Buffer.from(await encryption.open(one, context))).toEqual(privateKey);
    expect(one.ciphertext).not.toBe(other.ciphertext);
    expect(one.wrappedKey).not.toBe(other.wrappedKey);
  });

  it.each([
    ['another kid', { kid: 'kid-2' }],
    ['another issuer', { issuer: 'https://u.example' }],
    ['another algorithm', { alg: 'EdDSA' as const }],
  ])('does not open a row that was moved to %s, and names the key', async (_what, change) => {
    const encryption = await envelope();
    const sealed = await encryption.seal(privateKey, context);
    const moved = { ...context, ...change };
    await expect(encryption.open(sealed, moved)).rejects.toThrow(new RegExp(`signing key ${moved.kid} does not open`));
  });

  it('does not open parts of two envelopes, another version, or any changed byte', async () => {
    const encryption = await envelope();
    const sealed = await encryption.seal(privateKey, context);
    const other = await encryption.seal(privateKey, context);
    const flipped = (text: string, at: number): string => {
      const bytes = Buffer.from(text, 'base64url');
      bytes.writeUInt8((bytes[at] ?? 0) ^ 0x80, at);
      return bytes.toString('base64url');
    };
    const wrong = [
      { ...sealed, ciphertext: other.ciphertext },
      { ...sealed, wrappedKey: other.wrappedKey },
      { ...sealed, version: 2 },
      { ...sealed, kekId: 'another' },
      { ...sealed, ciphertext: '' },
      { ...sealed, wrappedKey: '' },
      ...[0, 12, 13, 59].map((at) => ({ ...sealed, wrappedKey: flipped(sealed.wrappedKey, at) })),
      ...[0, 12, 100, 160].map((at) => ({ ...sealed, ciphertext: flipped(sealed.ciphertext, at) })),
    ];
    for (const spoiled of wrong) await expect(encryption.open(spoiled, context)).rejects.toThrow(/kid-1/);
  });

  it('moves from one provider to another: the first seals, each opens its own', async () => {
    service.answer = transit([randomBytes(32)]);
    const files = await FileKeks.open(join(folder, 'envelope.json'));
    const before = await new EnvelopeEncryption(files).seal(privateKey, context);
    const chain = new EnvelopeEncryption(
      new KekChain([
        {
          provider: new VaultKeks({ address: service.url, key: 'signing', token: 't' }),
          owns: (id) => VaultKeks.owns(id),
        },
        { provider: files, owns: (id) => FileKeks.owns(id) },
      ]),
    );
    const after = await chain.seal(privateKey, context);
    expect([before.kekId, after.kekId]).toEqual([expect.stringMatching(/^file-/), 'vault:transit/signing:v1']);
    expect(Buffer.from(await chain.open(before, context))).toEqual(privateKey);
    expect(Buffer.from(await chain.open(after, context))).toEqual(privateKey);
    const aws = { ...after, kekId: `aws-kms:${arn}` };
    await expect(chain.open(aws, context)).rejects.toThrow(/no provider that is configured knows it/);
  });
});
