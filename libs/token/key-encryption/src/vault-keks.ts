import { isProtectedUrl } from '@modelgate/core';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { KekError, KekProvider, type WrappedKey } from './kek-provider.ts';

export interface VaultKeksOptions {
  /** `https://vault.example.com:8200`; plain http on loopback alone. */
  address: string;
  /** Name of the transit key, of a type with associated data (`aes256-gcm96`, the default). */
  key: string;
  /** Where the transit engine is mounted; default `transit`. */
  mount?: string;
  namespace?: string | undefined;
  /** One of the two. A file is read for every token that is refused, as an agent renews it there. */
  token?: string | undefined;
  tokenFile?: string | undefined;
  /** Default 5000. */
  timeoutMs?: number;
}

const encrypted = z.object({ data: z.object({ ciphertext: z.string().regex(/^vault:v\d{1,9}:[A-Za-z0-9+/=]+$/) }) });
const decrypted = z.object({ data: z.object({ plaintext: z.base64() }) });
const prefix = 'vault:';
const maxAnswerBytes = 65_536;

/**
 * Key-encryption keys in the transit engine of HashiCorp Vault or OpenBao, which never leave it. The associated data goes
 * with every call, so that a wrapped key opens for its own signing key alone.
 */
export class VaultKeks extends KekProvider {
  readonly #options: VaultKeksOptions;
  readonly #mount: string;
  #token: string | undefined;

  /** @throws KekError for an address that would send the token in the clear */
  constructor(options: VaultKeksOptions) {
    super();
    if (!isProtectedUrl(new URL(options.address))) {
      throw new KekError('the address of Vault must be https, unless it is on loopback');
    }
    this.#options = options;
    this.#mount = options.mount ?? 'transit';
    this.#token = options.token;
  }

  static owns(kekId: string): boolean {
    return kekId.startsWith(prefix);
  }

  async wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey> {
    const body = { plaintext: base64(dataKey), associated_data: base64(aad) };
    const { ciphertext } = (await this.#call('encrypt', this.#options.key, body, encrypted)).data;
    const version = ciphertext.split(':')[1] ?? '';
    return { kekId: `${prefix}${this.#mount}/${this.#options.key}:${version}`, wrapped: Buffer.from(ciphertext) };
  }

  async unwrap({ kekId, wrapped }: WrappedKey, aad: Uint8Array): Promise<Uint8Array> {
    const name = /^vault:(.+)\/([^/:]+):v\d+$/.exec(kekId);
    if (name?.[1] !== this.#mount) throw new KekError(`it is not of the transit engine at ${this.#mount}`);
    const body = { ciphertext: Buffer.from(wrapped).toString('utf8'), associated_data: base64(aad) };
    const { plaintext } = (await this.#call('decrypt', name[2] ?? '', body, decrypted)).data;
    return Buffer.from(plaintext, 'base64');
  }

  async #call<T>(verb: 'encrypt' | 'decrypt', key: string, body: object, schema: z.ZodType<T>): Promise<T> {
    let answer = await this.#post(verb, key, body);
    if (answer.status === 403 && this.#options.tokenFile !== undefined) {
      this.#token = undefined;
      answer = await this.#post(verb, key, body);
    }
    if (answer.status === 403) throw new KekError(`Vault does not permit to ${verb} with ${key}`);
    if (answer.status === 400 && verb === 'decrypt') throw new KekError('it is not the one that sealed it');
    if (answer.status !== 200) throw new KekError(`Vault answers ${answer.status} when asked to ${verb} with ${key}`);
    const parsed = schema.safeParse(parseJson(answer.text));
    if (!parsed.success) throw new KekError('the answer of Vault is not understood');
    return parsed.data;
  }

  async #post(verb: string, key: string, body: object): Promise<{ status: number; text: string }> {
    const { address, namespace, timeoutMs = 5_000 } = this.#options;
    const url = `${address.replace(/\/$/, '')}/v1/${this.#mount}/${verb}/${encodeURIComponent(key)}`;
    this.#token ??= await this.#readToken();
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          'content-type': 'application/json',
          'x-vault-request': 'true',
          'x-vault-token': this.#token,
          ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
        },
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await bounded(response) };
    } catch (cause) {
      if (cause instanceof KekError) throw cause;
      throw new KekError('Vault cannot be reached', { cause });
    }
  }

  async #readToken(): Promise<string> {
    const { token, tokenFile } = this.#options;
    if (tokenFile === undefined) return token ?? '';
    try {
      return (await readFile(tokenFile, 'utf8')).trim();
    } catch {
      throw new KekError(`${tokenFile}, which has the token for Vault, cannot be read`);
    }
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new KekError('the answer of Vault is not understood');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
