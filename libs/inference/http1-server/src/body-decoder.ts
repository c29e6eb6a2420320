import { RequestMalformed } from './request-malformed.ts';

const lineEnd = Buffer.from('\r\n');
const maxLineBytes = 1_024;
const maxTrailerBytes = 8_192;
/**
 * Fields about the message, its target or its sender belong in the head (RFC 9110 §6.5.1). Some parsers merge trailers
 * into it, so such trailers are refused.
 */
const notInTrailers: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
]);
const trailer = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t\x20-\x7e\x80-\xff]*$/;
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const quoted = '"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';
/** A size in hexadecimal, and extensions, which are ignored (RFC 9112 §7.1.1). */
const chunkSize = new RegExp(
  `^([0-9A-Fa-f]{1,8})(?:[\\t ]*;[\\t ]*${token}(?:[\\t ]*=[\\t ]*(?:${token}|${quoted}))?)*$`,
);
const chunkSizeBegun = /^[0-9A-Fa-f]{0,8}[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r?$/;

type State = 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'end';

/** Removes the framing of one body (RFC 9112 §6, §7.1) and emits its content in pieces. */
export class BodyDecoder {
  readonly #onPiece: (piece: Buffer) => void;
  #state: State;
  /** Bytes of the body or the chunk still to come. */
  #left: number;
  #held: Buffer | undefined;
  #trailerBytes = 0;

  constructor(length: number | 'chunked', onPiece: (piece: Buffer) => void) {
    this.#onPiece = onPiece;
    this.#state = length === 'chunked' ? 'chunk-size' : 'length';
    this.#left = length === 'chunked' ? 0 : length;
    if (length === 0) this.#state = 'end';
  }

  get ended(): boolean {
    return this.#state === 'end';
  }

  /**
   *
   * @returns the bytes after the end of the body
   * @throws RequestMalformed
   */
  feed(bytes: Buffer): Buffer | undefined {
    let rest: Buffer | undefined = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#held = undefined;
    while (rest !== undefined && this.#state !== 'end') rest = this.#step(rest);
    return rest;
  }

  #step(bytes: Buffer): Buffer | undefined {
    if (this.#state === 'length' || this.#state === 'chunk') return this.#readMeasured(bytes);
    const end = bytes.indexOf(lineEnd);
    if (end < 0 ? bytes.length > maxLineBytes : end > maxLineBytes) throw new RequestMalformed('a line is too long');
    if (end < 0) return this.#hold(bytes);
    this.#readLine(bytes.toString('latin1', 0, end));
    return end + 2 < bytes.length ? bytes.subarray(end + 2) : undefined;
  }

  #readMeasured(bytes: Buffer): Buffer | undefined {
    const piece = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= piece.length;
    if (this.#left === 0) this.#state = this.#state === 'length' ? 'end' : 'chunk-end';
    this.#onPiece(piece);
    return piece.length < bytes.length ? bytes.subarray(piece.length) : undefined;
  }

  #readLine(line: string): void {
    if (this.#state === 'chunk-size') this.#readChunkSize(line);
    else if (this.#state === 'trailers') this.#readTrailer(line);
    else if (line === '') this.#state = 'chunk-size';
    else throw new RequestMalformed('a chunk is longer than it says');
  }

  #readChunkSize(line: string): void {
    const size = chunkSize.exec(line)?.[1];
    if (size === undefined) throw new RequestMalformed('the size of a chunk is malformed');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  /** Trailers are parsed, bounded and dropped: nothing after the body affects a decision. */
  #readTrailer(line: string): void {
    if (line === '') return this.#end();
    this.#trailerBytes += line.length;
    const name = trailer.exec(line)?.[1]?.toLowerCase();
    if (name === undefined || notInTrailers.has(name) || this.#trailerBytes > maxTrailerBytes) {
      throw new RequestMalformed('a trailer is malformed');
    }
  }

  #end(): void {
    this.#state = 'end';
  }

  #hold(bytes: Buffer): undefined {
    // Refuse input that can no longer become a valid line, instead of waiting for its end.
    if (this.#state === 'chunk-size' && !chunkSizeBegun.test(bytes.toString('latin1'))) {
      throw new RequestMalformed('the size of a chunk is malformed');
    }
    if (this.#state === 'chunk-end' && bytes[0] !== 0x0d) throw new RequestMalformed('a chunk is longer than it says');
    this.#held = bytes;
  }
}
