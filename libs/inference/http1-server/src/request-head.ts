import { METHODS } from 'node:http';
import { RequestMalformed } from './request-malformed.ts';

/** The head of a request, and what it says about the message and the connection. */
export interface RequestHead {
  method: string;
  /** The request-target, byte for byte. */
  url: string;
  httpVersion: '1.0' | '1.1';
  /** Name, value, name, value … with repetitions and in the sender's spelling. */
  rawHeaders: string[];
  /**
   * Bytes of the body, or `chunked`; `unclear` if parsers could differ, so that nothing after this head can be read.
   */
  length: number | 'chunked' | 'unclear';
  /** Whether another request may follow (RFC 9112 §9.3). */
  persistent: boolean;
  /** Whether the caller waits for a `100 Continue`. */
  awaitsContinue: boolean;
}

/** Some parsers read a number with a leading zero as octal. */
const decimal = /^(?:0|[1-9]\d{0,14})$/;
const methods: ReadonlySet<string> = new Set(METHODS);

/** Matches every line of a head strictly: no folding, no bare CR or LF, no space before the colon (RFC 9112 §3, §5). */
const grammar =
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP\/\d\.\d\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

/**
 *
 * @param text the head, including the end of its last line, one character per byte
 * @throws RequestMalformed
 */
export function readHead(text: string): RequestHead {
  if (!grammar.test(text)) throw new RequestMalformed('the head is malformed');
  const methodEnd = text.indexOf(' ');
  const urlEnd = text.indexOf(' ', methodEnd + 1);
  const lineEnd = urlEnd + ' HTTP/1.1'.length;
  const method = text.slice(0, methodEnd);
  const version = text.slice(lineEnd - 3, lineEnd);
  if (version !== '1.1' && version !== '1.0') throw new RequestMalformed('the HTTP version is not supported', 505);
  if (!methods.has(method)) throw new RequestMalformed('the method is unknown', 501);
  const reading = new HeadReading(method, text.slice(methodEnd + 1, urlEnd), version);
  for (let start = lineEnd + 2; start < text.length;) {
    const colon = text.indexOf(':', start);
    const end = text.indexOf('\r\n', colon);
    reading.add(text.slice(start, colon), trimmed(text, colon + 1, end));
    start = end + 2;
  }
  return reading;
}

/** Whether `bytes` may be the start of a head. A client of another protocol is refused without waiting for more. */
export function mayBeginHead(bytes: Buffer): boolean {
  const methodEnd = bytes.indexOf(0x20);
  return methodEnd < 0 ? bytes.length <= longestMethod : methodEnd <= longestMethod;
}

const longestMethod = 20;

class HeadReading implements RequestHead {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly rawHeaders: string[] = [];
  length: RequestHead['length'] = 0;
  /**
   * HTTP/1.0 connections are never kept: its framing and its intermediaries are too unreliable for a second request.
   */
  persistent: boolean;
  awaitsContinue = false;
  #framed = false;

  constructor(method: string, url: string, httpVersion: '1.0' | '1.1') {
    this.method = method;
    this.url = url;
    this.httpVersion = httpVersion;
    this.persistent = httpVersion === '1.1';
  }

  add(name: string, value: string): void {
    this.rawHeaders.push(name, value);
    // Compare lengths first, because most fields are none of these.
    switch (name.length) {
      case 6:
        if (is(name, 'expect')) this.awaitsContinue = this.persistent && is(value, '100-continue');
        break;
      case 10:
        if (is(name, 'connection')) this.#readConnection(value);
        break;
      case 14:
        if (is(name, 'content-length')) this.#frame(decimal.test(value) ? Number(value) : 'unclear');
        break;
      case 17:
        if (is(name, 'transfer-encoding')) this.#frame(this.#coding(value));
        break;
    }
  }

  #coding(value: string): 'chunked' | 'unclear' {
    return this.httpVersion === '1.1' && is(value, 'chunked') ? 'chunked' : 'unclear';
  }

  /** A repeated field is unclear, even if both values are equal. */
  #frame(length: RequestHead['length']): void {
    this.length = this.#framed ? 'unclear' : length;
    this.#framed = true;
    if (this.length === 'unclear') this.persistent = false;
  }

  #readConnection(value: string): void {
    if (value !== 'keep-alive' && /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(value)) this.persistent = false;
  }
}

function is(text: string, lowerCase: string): boolean {
  return text === lowerCase || (text.length === lowerCase.length && text.toLowerCase() === lowerCase);
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
