import { FileKeks } from './file-keks.ts';
import { KekError, KekProvider, type WrappedKey } from './kek-provider.ts';

/** The file is gone, and keys are sealed under what was in it. */
export class KekFileLost extends KekError {
  constructor(path: string, sealed: readonly SealedUnder[]) {
    const keys = sealed.map(({ kid, kekId }) => `${kid} under ${kekId}`).join(', ');
    super(`${path} is missing, and signing keys are sealed under what was in it: ${keys}; put the file back`);
  }
}

/** A signing key, and the key-encryption key that opens it. */
export interface SealedUnder {
  kid: string;
  kekId: string;
}

/**
 * The file of key-encryption keys at a path. It is made when the first signing key of all is to be sealed, and never again:
 * a new one in place of a lost one would open nothing, and hide that it was lost.
 */
export class KekFile extends KekProvider {
  readonly #path: string;
  readonly #sealed: () => Promise<readonly SealedUnder[]>;
  #opened: FileKeks | undefined;
  #opening: Promise<FileKeks> | undefined;

  /** @param sealed every signing key that is sealed under a file's key; rejects where that is not known */
  constructor(path: string, sealed: () => Promise<readonly SealedUnder[]>) {
    super();
    this.#path = path;
    this.#sealed = sealed;
  }

  /**
   * The keys in the file, which is made where nothing was ever sealed.
   *
   * @throws KekFileLost; KekError saying what is wrong with the file; whatever `sealed` rejects with
   */
  open(): Promise<FileKeks> {
    if (this.#opened) return Promise.resolve(this.#opened);
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey> {
    return (await this.open()).wrap(dataKey, aad);
  }

  async unwrap(wrapped: WrappedKey, aad: Uint8Array): Promise<Uint8Array> {
    return (await this.open()).unwrap(wrapped, aad);
  }

  async #open(): Promise<FileKeks> {
    this.#opened = (await FileKeks.read(this.#path)) ?? (await this.#first());
    return this.#opened;
  }

  async #first(): Promise<FileKeks> {
    const sealed = await this.#sealed();
    if (sealed.length === 0) return FileKeks.open(this.#path);
    // Another replica may have made both since this one looked for the file.
    const made = await FileKeks.read(this.#path);
    if (!made) throw new KekFileLost(this.#path, sealed);
    return made;
  }
}
