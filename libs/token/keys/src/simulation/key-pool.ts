import { generateKeyPairSync } from 'node:crypto';
import type { SealingContext } from '../key-encryption.ts';
import { KeyEncryption } from '../key-encryption.ts';
import { thumbprintOf, type KeyGenerator, type NewKey } from '../new-key.ts';
import type { SealedKey, SigningAlg } from '../signing-key.ts';

const size = 100;

/**
 * Real keys, made once: a run has each of them once, another run has them again. Their names are in order, so that what
 * depends on it is the same whenever a seed is replayed.
 */
const pool = { ES256: made('ES256'), EdDSA: made('EdDSA') };

function made(alg: 'ES256' | 'EdDSA'): NewKey[] {
  return Array.from({ length: size }, () => fresh(alg)).sort((one, other) => (one.kid < other.kid ? -1 : 1));
}

function fresh(alg: 'ES256' | 'EdDSA'): NewKey {
  const { publicKey, privateKey } =
    alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  const kid = thumbprintOf(publicKey);
  return {
    kid,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
}

/** Hands out the keys of one run. */
export class KeyPool {
  #used = 0;

  readonly generate: KeyGenerator = (alg: SigningAlg) => {
    const next = pool[alg === 'EdDSA' ? 'EdDSA' : 'ES256'][this.#used++];
    if (!next) return Promise.reject(new Error('the run has used up its keys'));
    return Promise.resolve({ ...next, privateKey: Buffer.from(next.privateKey) });
  };
}

/** Seals nothing: what counts here is when it cannot. */
export class FailingEncryption extends KeyEncryption {
  readonly #fails: () => boolean;

  constructor(fails: () => boolean) {
    super();
    this.#fails = fails;
  }

  seal(privateKey: Uint8Array, _context: SealingContext): Promise<SealedKey> {
    if (this.#fails()) return Promise.reject(new Error('the key-encryption key is away'));
    const ciphertext = Buffer.from(privateKey).toString('base64url');
    return Promise.resolve({ kekId: 'none', version: 1, wrappedKey: '', ciphertext });
  }

  open({ ciphertext }: SealedKey): Promise<Uint8Array> {
    return Promise.resolve(Buffer.from(ciphertext, 'base64url'));
  }
}
