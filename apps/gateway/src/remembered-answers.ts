import type { Clock } from '@modelgate/core';
import type { HttpAnswer, HttpGet } from '@modelgate/jwt';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readOwnFile, writeOwnFile } from './state-folder.ts';

const fileSchema = z.strictObject({
  url: z.string(),
  /** When the issuer last confirmed it, in milliseconds since the epoch. */
  confirmedAt: z.int(),
  etag: z.string().optional(),
  body: z.base64(),
});
type Remembered = z.infer<typeof fileSchema>;

export interface RememberedAnswersOptions {
  /** Only this process's user may write to it, because its content determines the trusted keys. Created if missing. */
  folder: string;
  get: HttpGet;
  clock: Clock;
  /** Maximum age in seconds; default 86 400. */
  maxAgeSeconds?: number;
  /** A confirmation of the stored answer is written at most this often, in seconds; default 30. */
  writeEverySeconds?: number;
  /** A file in the folder cannot be used or written. */
  onProblem?: (problem: string) => void;
}

/**
 * Stores the issuer's last answers on disk, so that a process can start while the issuer is down. A remembered answer
 * is validated like one from the network and keeps its age. Once the issuer has answered for a URL, the stored answer
 * is not used again.
 */
export class RememberedAnswers {
  readonly #options: Required<RememberedAnswersOptions>;
  readonly #live = new Set<string>();
  readonly #known = new Map<string, Remembered>();

  constructor(options: RememberedAnswersOptions) {
    this.#options = { maxAgeSeconds: 86_400, writeEverySeconds: 30, onProblem: () => undefined, ...options };
  }

  readonly get: HttpGet = async (url, options) => {
    try {
      const answer = await this.#options.get(url, options);
      if (answer.status < 500) {
        this.#live.add(url);
        await this.#note(url, answer);
        return answer;
      }
      return (await this.#recall(url)) ?? answer;
    } catch (error) {
      const remembered = await this.#recall(url);
      if (remembered) return remembered;
      throw error;
    }
  };

  async #recall(url: string): Promise<HttpAnswer | undefined> {
    if (this.#live.has(url)) return undefined;
    const remembered = await this.#read(url);
    if (!remembered) return undefined;
    const ageSeconds = (this.#options.clock.now() - remembered.confirmedAt) / 1000;
    if (ageSeconds > this.#options.maxAgeSeconds || ageSeconds < 0) {
      this.#options.onProblem(`what is remembered of ${url} is not of the last ${this.#options.maxAgeSeconds} seconds`);
      return undefined;
    }
    this.#known.set(url, remembered);
    const headers = new Headers(remembered.etag === undefined ? {} : { etag: remembered.etag });
    return { status: 200, headers, body: Buffer.from(remembered.body, 'base64'), ageSeconds };
  }

  async #read(url: string): Promise<Remembered | undefined> {
    const file = this.#fileOf(url);
    try {
      const text = await readOwnFile(this.#options.folder, file);
      if (text === undefined) return undefined;
      const remembered = fileSchema.parse(JSON.parse(text));
      if (remembered.url !== url) throw new Error('it belongs to another URL');
      return remembered;
    } catch (error) {
      this.#options.onProblem(`${file} is not used: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  async #note(url: string, answer: HttpAnswer): Promise<void> {
    const known = this.#known.get(url);
    const remembered = rememberedOf(url, answer, known);
    if (!remembered) return;
    remembered.confirmedAt = this.#options.clock.now();
    const sinceMs = remembered.confirmedAt - (known?.confirmedAt ?? 0);
    if (known?.body === remembered.body && sinceMs < this.#options.writeEverySeconds * 1000) return;
    this.#known.set(url, remembered);
    await writeOwnFile(this.#options.folder, this.#fileOf(url), JSON.stringify(remembered)).catch((error: unknown) =>
      this.#options.onProblem(`${this.#fileOf(url)} cannot be written: ${String(error)}`),
    );
  }

  #fileOf(url: string): string {
    return join(this.#options.folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`);
  }
}

/**
 * Whether an answer is stored: a document, or the confirmation that the known one is still current (RFC 9110 §15.4.5).
 */
function rememberedOf(url: string, { status, headers, body }: HttpAnswer, known?: Remembered): Remembered | undefined {
  if (status === 304) return known && { ...known };
  if (status !== 200) return undefined;
  const etag = headers.get('etag') ?? undefined;
  return { url, confirmedAt: 0, body: Buffer.from(body).toString('base64'), ...(etag !== undefined && { etag }) };
}
