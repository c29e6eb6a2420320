import { mergeCatalogue, type CatalogueDocument, type CatalogueModel } from '@modelgate/catalogue';
import { Catalogue } from '@modelgate/protocols';
import { WatchedFile, type Logger } from '@modelgate/nest';
import { readCatalogueFile } from './catalogue-file.ts';

export interface CurrentCatalogueOptions {
  file: string;
  /** How often the file is looked at, in milliseconds. */
  intervalMs: number;
  /** Where else models come from, in the order in which it is believed; the file is believed before all of it. */
  sources?: readonly string[];
  /** Called before a catalogue is in force; throws ConfigurationError where what it names cannot be had. */
  admit: (catalogue: Catalogue) => void;
  logger: Logger;
}

/**
 * The catalogue as its file and the further sources of models have it now. A file that was changed to something wrong changes
 * nothing: what was served goes on being served, and the log says what is wrong with the new one. Requests that are under way
 * keep the entry they began with.
 */
export class CurrentCatalogue {
  readonly #options: CurrentCatalogueOptions;
  readonly #models = new Map<string, readonly CatalogueModel[]>();
  #file: CatalogueDocument;
  #current: Catalogue;
  #leftOut: readonly string[] = [];
  readonly #watch: WatchedFile;

  /** @throws ConfigurationError listing every problem of the file */
  constructor(options: CurrentCatalogueOptions) {
    const { file, intervalMs, logger } = options;
    this.#options = options;
    this.#watch = new WatchedFile({
      file,
      intervalMs,
      load: () => this.#load(),
      onRefused: (problems) => logger.error({ file, problems }, 'the changed catalogue is not in force'),
    });
    this.#file = this.#read();
    this.#current = this.#merge(this.#file);
  }

  get current(): Catalogue {
    return this.#current;
  }

  /** Domain of the hosts of models. */
  get domain(): string {
    return this.#file.domain;
  }

  /** Why the file as it is now is not in force. */
  get problem(): string | undefined {
    return this.#watch.problem;
  }

  /** A sentence for each model of a further source that has to stand back behind one that is believed before it. */
  get leftOut(): readonly string[] {
    return this.#leftOut;
  }

  /**
   * What one of the further sources has from now on.
   *
   * @throws ConfigurationError where what a model names cannot be had; then nothing changes
   */
  replace(source: string, models: readonly CatalogueModel[]): void {
    const before = this.#models.get(source) ?? [];
    this.#models.set(source, models);
    try {
      this.#current = this.#merge(this.#file);
    } catch (error) {
      this.#models.set(source, before);
      throw error;
    }
  }

  start(): void {
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Reads the file whether or not it has changed. */
  reload(): Promise<void> {
    return this.#watch.reload();
  }

  #load(): void {
    const document = this.#read();
    this.#current = this.#merge(document);
    this.#file = document;
    this.#options.logger.info({ file: this.#options.file }, 'catalogue reloaded');
  }

  #read(): CatalogueDocument {
    return readCatalogueFile(this.#options.file, this.#sources.length > 0);
  }

  #merge(file: CatalogueDocument): Catalogue {
    const sources = this.#sources.map((name) => ({ name, models: this.#models.get(name) ?? [] }));
    const { document, leftOut } = mergeCatalogue(file, sources);
    const catalogue = new Catalogue(document);
    this.#options.admit(catalogue);
    for (const sentence of leftOut.filter((one) => !this.#leftOut.includes(one))) {
      this.#options.logger.warn({ reason: sentence }, 'a model is left out of the catalogue');
    }
    this.#leftOut = leftOut;
    return catalogue;
  }

  get #sources(): readonly string[] {
    return this.#options.sources ?? [];
  }
}
