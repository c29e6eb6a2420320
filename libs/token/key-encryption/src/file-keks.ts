import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { decrypt, encrypt } from './aes-gcm.ts';
import { KekError, KekProvider, type WrappedKey } from './kek-provider.ts';

const fileSchema = z.strictObject({
  /** The last one wraps; all of them unwrap. */
  keks: z.array(z.strictObject({ id: z.string().regex(/^[\w.-]{1,64}$/), key: z.base64url().length(43) })).min(1),
});

interface Kek {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** Key-encryption keys in a file that only its owner can read: `{"keks": [{"id", "key": 32 bytes as base64url}]}`. */
export class FileKeks extends KekProvider {
  readonly #keks: readonly Kek[];

  private constructor(keks: readonly Kek[]) {
    super();
    this.#keks = keks;
  }

  /**
   * Reads the file, or makes one with a fresh key where there is none.
   *
   * @throws KekError saying what is wrong with the file and what to do
   */
  static async open(path: string): Promise<FileKeks> {
    return new FileKeks((await read(path)) ?? (await create(path)));
  }

  /** Undefined where there is no file. @throws KekError as `open` does */
  static async read(path: string): Promise<FileKeks | undefined> {
    const keks = await read(path);
    return keks && new FileKeks(keks);
  }

  /** Its names have no colon; those of every other provider begin with the provider's. */
  static owns(kekId: string): boolean {
    return !kekId.includes(':');
  }

  wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey> {
    const newest = this.#keks.at(-1);
    if (!newest) return Promise.reject(new KekError('there is no key-encryption key'));
    return Promise.resolve({ kekId: newest.id, wrapped: encrypt(newest.key, dataKey, aad) });
  }

  async unwrap({ kekId, wrapped }: WrappedKey, aad: Uint8Array): Promise<Uint8Array> {
    const kek = this.#keks.find(({ id }) => id === kekId);
    if (!kek) throw new KekError('it is not in the file');
    try {
      return await Promise.resolve(decrypt(kek.key, wrapped, aad));
    } catch (cause) {
      throw new KekError('it is not the one that sealed it', { cause });
    }
  }
}

async function read(path: string): Promise<Kek[] | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw new KekError(`${path} can be read by others; chmod 600 it`);
    const { keks } = fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return keks.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64url') }));
  } catch (cause) {
    if (cause instanceof KekError) throw cause;
    if (hasCode(cause, 'ENOENT')) return undefined;
    throw new KekError(`${path} is not a file of key-encryption keys, or cannot be read`);
  }
}

/** Written whole under another name first: replicas that start together end up with the same file. */
async function create(path: string): Promise<Kek[]> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const kek = { id: `file-${randomBytes(4).toString('hex')}`, key: randomBytes(32).toString('base64url') };
  try {
    const file = await open(temporary, 'wx', 0o600);
    await file.writeFile(`${JSON.stringify({ keks: [kek] }, undefined, 2)}\n`);
    await file.sync();
    await file.close();
    await link(temporary, path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  } catch {
    throw new KekError(`${path} cannot be created; its folder must exist and be writable`);
  } finally {
    await rm(temporary, { force: true });
  }
  const keks = await read(path);
  if (!keks) throw new KekError(`${path} went away while it was being created`);
  return keks;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
