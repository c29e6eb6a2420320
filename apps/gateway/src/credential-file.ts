import { readFileSync } from 'node:fs';

/** A credential that cannot be used, in one sentence with its path and never with its content. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

/** `b64token` (RFC 6750 §2.1), as short as a header may be. */
const grammar = /^[A-Za-z0-9._~+/-]{1,16384}={0,2}$/;

/**
 * The bearer token that a file holds now. Whoever writes it, such as the kubelet a ServiceAccount token, replaces it before it
 * ends; one that is gone or half written changes nothing until it is whole again.
 */
export class CredentialFile {
  readonly #file: string;
  #token: string;
  #problem: string | undefined;

  /** @throws CredentialError */
  constructor(file: string) {
    this.#file = file;
    this.#token = read(file);
  }

  /** The value of `Authorization`. */
  get authorization(): string {
    return `Bearer ${this.#token}`;
  }

  /** @returns why the file as it is now is not in force, where that is news */
  look(): string | undefined {
    try {
      this.#token = read(this.#file);
      this.#problem = undefined;
      return undefined;
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      const known = error.message === this.#problem;
      this.#problem = error.message;
      return known ? undefined : error.message;
    }
  }
}

function read(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    throw new CredentialError(`${file} cannot be read`);
  }
  if (!grammar.test(text)) throw new CredentialError(`${file} does not hold one bearer token`);
  return text;
}
