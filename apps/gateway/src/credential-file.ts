import { readFileSync } from 'node:fs';

/** The credential cannot be used. The message contains the path, never the content. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

/** `b64token` (RFC 6750 §2.1), limited to a reasonable header length. */
const grammar = /^[A-Za-z0-9._~+/-]{1,16384}={0,2}$/;

/**
 * The bearer token in a file. Its writer, such as the kubelet for a ServiceAccount token, replaces it before it
 * expires. If the file is missing or incomplete, the previous token stays in use until the file is valid again.
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

  /**
   *
   * @returns the reason why the current content is not in use, if it is a new one
   */
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
