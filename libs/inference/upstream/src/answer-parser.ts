/** What a model server sent is no HTTP/1.1 answer, or one that could be read in two ways. */
export class AnswerMalformed extends Error {
  override readonly name = 'AnswerMalformed';
}

/** Told about one answer, in order: head, pieces of the body, end. */
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
/** Informational answers before the one that counts. */
const maxInformational = 8;

/** Every line of a head, and nothing else: no folding, no bare CR or LF, no space before the colon (RFC 9112 §4, §5). */
const headGrammar =
  /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

/** What frames a message, where none may stand (RFC 9112 §6.1, RFC 9110 §6.5.1): in informational answers and in trailers. */
const framingField = /^(?:content-length|transfer-encoding):/im;

const trailerGrammar = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/;

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const quoted = String.raw`"[\t\x20!\x23-\x5b\x5d-\x7e]*"`;
/** The size of a chunk and its extensions, which nobody reads (RFC 9112 §7.1.1). */
const chunkGrammar = new RegExp(`^([0-9A-Fa-f]{1,8})(?:;${token}(?:=(?:${token}|${quoted}))?)*$`);

type State = 'idle' | 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close';

/**
 * The answers of one connection, one after the other (RFC 9112). Stricter than parsers usually are about answers: what two
 * readers could take for two different answers is refused, and so is every byte that no request asked for.
 */
export class AnswerParser {
  readonly #reader: AnswerReader;
  #state: State = 'idle';
  #held: Buffer | undefined;
  /** Bytes of the body or of the chunk that are still to come. */
  #left = 0;
  #persistent = true;
  #informational = 0;
  #trailerBytes = 0;

  constructor(reader: AnswerReader) {
    this.#reader = reader;
  }

  /** A request is on its way: its answer is what comes next. */
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
   * The other side sends nothing more.
   *
   * @throws AnswerMalformed where the answer was not whole
   */
  close(): void {
    if (this.#state === 'until-close') return this.#end(false);
    if (this.#state !== 'idle') throw new AnswerMalformed('the answer broke off');
  }

  /** Takes one step; returns what is left, or undefined where more bytes are needed. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'idle':
        throw new AnswerMalformed('bytes that no request asked for');
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

  /** The lines between the chunks and after them (RFC 9112 §7.1). */
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

/** What the head says about where the answer ends (RFC 9112 §6.3), and about the connection (§9.3). */
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
    if (options.has('upgrade')) throw new AnswerMalformed('nobody asked for an upgrade');
    if (options.has('close')) this.persistent = false;
  }
}

function rest(bytes: Buffer, from: number): Buffer | undefined {
  return from < bytes.length ? bytes.subarray(from) : undefined;
}

/** A field value without the optional white space around it (RFC 9110 §5.5). */
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
