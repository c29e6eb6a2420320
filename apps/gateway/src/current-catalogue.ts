import { mergeCatalogue, type CatalogueDocument, type CatalogueModel } from '@modelgate/catalogue';
import { Catalogue } from '@modelgate/protocols';
import { WatchedFile, type Logger } from '@modelgate/nest';
import { readCatalogueFile } from './catalogue-file.ts';

export interface CurrentCatalogueOptions {
  file: string;
  /** Interval of the file checks, in milliseconds. */
  intervalMs: number;
  /** Further sources of models, in order of precedence. The file precedes all of them. */
  sources?: readonly string[];
  /** Called before a catalogue takes effect. Throws ConfigurationError if a file that it names cannot be used. */
  admit: (catalogue: Catalogue) => void;
  logger: Logger;
}

/**
 * The current catalogue, built from its file and the further sources. An invalid change of the file has no effect: the
 * previous catalogue stays in use, and the problem is logged. A request under way keeps the entry with which it began.
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
      onRefused: (problems) => logger.error({ file, problems }, 'the changed catalogue is rejected'),
    });
    this.#file = this.#read();
    this.#current = this.#merge(this.#file);
  }

  get current(): Catalogue {
    return this.#current;
  }

  /** Domain of the model hosts. */
  get domain(): string {
    return this.#file.domain;
  }

  /** Why the current content of the file is not in use. */
  get problem(): string | undefined {
    return this.#watch.problem;
  }

  /** One sentence for each model of a further source that a model of higher precedence displaces. */
  get leftOut(): readonly string[] {
    return this.#leftOut;
  }

  /**
   * Replaces the models of one further source.
   *
   * @throws ConfigurationError if a file that a model names cannot be used; nothing changes then
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

  /** Reads the file, even if it has not changed. */
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
      this.#options.logger.warn({ reason: sentence }, 'a model is omitted from the catalogue');
    }
    this.#leftOut = leftOut;
    return catalogue;
  }

  get #sources(): readonly string[] {
    return this.#options.sources ?? [];
  }
}
