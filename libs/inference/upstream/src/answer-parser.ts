/** The bytes from a model server are not an HTTP/1.1 answer, or are ambiguous. */
export class AnswerMalformed extends Error {
  override readonly name = 'AnswerMalformed';
}

/** Receives one answer in order: head, pieces of the body, end. */
export interface AnswerReader {
  /** @param headers name, value, name, value … with the names in lower case */
  onHead(status: number, headers: string[]): void;
  onBody(piece: Buffer): void;
  /** @param reusable whether the connection may carry another exchange */
  onEnd(reusable: boolean): void;
}

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');
const maxHeadBytes = 32_768;
const maxLineBytes = 1_024;
/** Maximum number of informational answers before the final one. */
const maxInformational = 8;

/** Matches every line of a head strictly: no folding, no bare CR or LF, no space before the colon (RFC 9112 §4, §5). */
const headGrammar =
  /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

/** Framing fields, which are forbidden in informational answers and in trailers (RFC 9112 §6.1, RFC 9110 §6.5.1). */
const framingField = /^(?:content-length|transfer-encoding):/im;

const trailerGrammar = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/;

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const quoted = String.raw`"[\t\x20!\x23-\x5b\x5d-\x7e]*"`;
/** The size of a chunk, and its extensions, which are ignored (RFC 9112 §7.1.1). */
const chunkGrammar = new RegExp(`^([0-9A-Fa-f]{1,8})(?:;${token}(?:=(?:${token}|${quoted}))?)*$`);

type State = 'idle' | 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close';

/**
 * Parses the consecutive answers of one connection (RFC 9112). Stricter than usual for answers: everything that two
 * parsers could read as different answers is refused, and so is every byte that belongs to no request.
 */
export class AnswerParser {
  readonly #reader: AnswerReader;
  #state: State = 'idle';
  #held: Buffer | undefined;
  /** Bytes of the body or the chunk still to come. */
  #left = 0;
  #persistent = true;
  #informational = 0;
  #trailerBytes = 0;

  constructor(reader: AnswerReader) {
    this.#reader = reader;
  }

  /** A request was sent, so its answer comes next. */
  expect(): void {
    this.#state = 'head';
    this.#persistent = true;
    this.#informational = 0;
  }

  /** @throws AnswerMalformed */
  feed(bytes: Buffer): void {
    let rest: Buffer | undefined = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#held = undefined;
    while (rest !== undefined && rest.length > 0) rest = this.#step(rest);
  }

  /**
   * The peer has closed its side.
   *
   * @throws AnswerMalformed if the answer was incomplete
   */
  close(): void {
    if (this.#state === 'until-close') return this.#end(false);
    if (this.#state !== 'idle') throw new AnswerMalformed('the answer broke off');
  }

  /** Takes one step. Returns the remaining bytes, or undefined if more bytes are needed. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'idle':
        throw new AnswerMalformed('bytes that belong to no request');
      case 'head':
        return this.#readHead(bytes);
      case 'length':
      case 'chunk':
        return this.#readMeasured(bytes);
      case 'until-close':
        this.#reader.onBody(bytes);
        return undefined;
      case 'chunk-size':
      case 'chunk-end':
      case 'trailers':
        return this.#readLine(bytes);
    }
  }

  #readHead(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(headEnd);
    if (end < 0 ? bytes.length > maxHeadBytes : end > maxHeadBytes) throw new AnswerMalformed('the head is too large');
    if (end < 0) return this.#hold(bytes);
    const head = bytes.toString('latin1', 0, end + 2);
    if (!headGrammar.test(head)) throw new AnswerMalformed('the head is malformed');
    const status = Number(head.slice(9, 12));
    if (status < 200 && framingField.test(head)) throw new AnswerMalformed('an informational answer with a body');
    if (status >= 200) this.#begin(status, head);
    else if (status === 101 || ++this.#informational > maxInformational) {
      throw new AnswerMalformed(`an informational answer ${status} too many`);
    }
    return rest(bytes, end + 4);
  }

  #begin(status: number, head: string): void {
    const headers: string[] = [];
    const framing = new Framing(head.charCodeAt(7) === 0x31);
    for (let start = head.indexOf('\r\n') + 2; start < head.length;) {
      const end = head.indexOf('\r\n', start);
      const colon = head.indexOf(':', start);
      const name = head.slice(start, colon).toLowerCase();
      const value = trimmed(head, colon + 1, end);
      framing.read(name, value);
      headers.push(name, value);
      start = end + 2;
    }
    this.#persistent = framing.persistent;
    this.#reader.onHead(status, headers);
    this.#frame(status, framing);
  }

  #frame(status: number, { chunked, length }: Framing): void {
    if (status === 204 || status === 304) return this.#end(this.#persistent && !chunked && (length ?? 0) === 0);
    if (chunked) this.#state = 'chunk-size';
    else if (length === undefined) this.#state = 'until-close';
    else if (length === 0) this.#end(this.#persistent);
    else {
      this.#state = 'length';
      this.#left = length;
    }
  }

  #readMeasured(bytes: Buffer): Buffer | undefined {
    const whole = bytes.length >= this.#left;
    const piece = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= piece.length;
    const ended = whole && this.#state === 'length';
    this.#reader.onBody(piece);
    if (ended) this.#end(this.#persistent);
    else if (whole) this.#state = 'chunk-end';
    return rest(bytes, piece.length);
  }

  /** Parses the lines between chunks and the trailers (RFC 9112 §7.1). */
  #readLine(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(lineEnd);
    if (end < 0 ? bytes.length > maxLineBytes : end > maxLineBytes) throw new AnswerMalformed('a line is too long');
    if (end < 0) return this.#hold(bytes);
    const line = bytes.toString('latin1', 0, end);
    if (this.#state === 'chunk-size') this.#readChunkSize(line);
    else if (this.#state === 'trailers') this.#readTrailer(line);
    else if (line === '') this.#state = 'chunk-size';
    else throw new AnswerMalformed('a chunk is longer than it says');
    return rest(bytes, end + 2);
  }

  #readChunkSize(line: string): void {
    const size = chunkGrammar.exec(line)?.[1];
    if (size === undefined) throw new AnswerMalformed('the size of a chunk is malformed');
    this.#left = Number.parseInt(size, 16);
    this.#trailerBytes = 0;
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  #readTrailer(line: string): void {
    if (line === '') return this.#end(this.#persistent);
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > maxHeadBytes || !trailerGrammar.test(line) || framingField.test(line)) {
      throw new AnswerMalformed('a trailer is malformed');
    }
  }

  #hold(bytes: Buffer): undefined {
    this.#held = bytes;
  }

  #end(reusable: boolean): void {
    this.#state = 'idle';
    this.#reader.onEnd(reusable);
  }
}

/** What the head says about the end of the answer (RFC 9112 §6.3) and the connection (§9.3). */
class Framing {
  chunked = false;
  length: number | undefined = undefined;
  persistent: boolean;

  readonly #http11: boolean;

  constructor(http11: boolean) {
    this.#http11 = http11;
    this.persistent = http11;
  }

  read(name: string, value: string): void {
    if (name === 'content-length') this.#readLength(value);
    else if (name === 'transfer-encoding') this.#readCoding(value);
    else if (name === 'connection') this.#readConnection(value.toLowerCase());
  }

  #readLength(value: string): void {
    if (!/^\d{1,15}$/.test(value)) throw new AnswerMalformed('the length is malformed');
    if (this.chunked || this.length !== undefined) throw new AnswerMalformed('two framings');
    this.length = Number(value);
  }

  #readCoding(value: string): void {
    if (value.toLowerCase() !== 'chunked' || !this.#http11)
      throw new AnswerMalformed('the transfer coding is not known');
    if (this.chunked || this.length !== undefined) throw new AnswerMalformed('two framings');
    this.chunked = true;
  }

  #readConnection(value: string): void {
    const options = new Set(value.split(',').map((option) => option.trim()));
    if (options.has('upgrade')) throw new AnswerMalformed('an upgrade that was not requested');
    if (options.has('close')) this.persistent = false;
  }
}

function rest(bytes: Buffer, from: number): Buffer | undefined {
  return from < bytes.length ? bytes.subarray(from) : undefined;
}

/** A field value without optional white space around it (RFC 9110 §5.5). */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
