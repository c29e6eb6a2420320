import { KeyEncryption, UnsealError, type SealedKey, type SealingContext } from '@modelgate/keys';
import { randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './aes-gcm.ts';
import type { KekProvider } from './kek-provider.ts';

const layout = 1;

/**
 * Every private key under a data key of its own (AES-256-GCM), every data key wrapped by the provider; both bound to
 * issuer, kid, algorithm and layout version, so that a row that was moved or swapped does not open.
 */
export class EnvelopeEncryption extends KeyEncryption {
  readonly #keks: KekProvider;

  constructor(keks: KekProvider) {
    super();
    this.#keks = keks;
  }

  async seal(privateKey: Uint8Array, context: SealingContext): Promise<SealedKey> {
    const aad = associatedData(context, layout);
    const dataKey = randomBytes(32);
    const { kekId, wrapped } = await this.#keks.wrap(dataKey, aad);
    const ciphertext = encrypt(dataKey, privateKey, aad).toString('base64url');
    dataKey.fill(0);
    return { kekId, version: layout, wrappedKey: Buffer.from(wrapped).toString('base64url'), ciphertext };
  }

  async open(sealed: SealedKey, context: SealingContext): Promise<Uint8Array> {
    const { kekId, version, wrappedKey, ciphertext } = sealed;
    if (version !== layout) throw new UnsealError(`signing key ${context.kid} has envelope version ${version}`);
    const aad = associatedData(context, version);
    try {
      const dataKey = await this.#keks.unwrap({ kekId, wrapped: Buffer.from(wrappedKey, 'base64url') }, aad);
      const privateKey = decrypt(dataKey, Buffer.from(ciphertext, 'base64url'), aad);
      dataKey.fill(0);
      return privateKey;
    } catch (cause) {
      const why = cause instanceof Error && cause.name === 'KekError' ? `: ${cause.message}` : '';
      const sentence = `signing key ${context.kid} does not open under key-encryption key ${kekId}${why}`;
      throw new UnsealError(sentence, { cause });
    }
  }
}

/** JSON keeps the parts apart: no two contexts share their bytes. */
function associatedData({ issuer, kid, alg }: SealingContext, version: number): Buffer {
  return Buffer.from(JSON.stringify(['modelgate signing key', version, issuer, kid, alg]));
}
