/** A request as the HTTP parser hands it over, before anybody has interpreted it. `node:http`'s IncomingMessage is one. */
export interface RawRequest {
  method?: string | undefined;
  /** The request-target (RFC 9112 §3.2), byte for byte. */
  url?: string | undefined;
  /** `1.0` or `1.1`. */
  httpVersion?: string | undefined;
  /** Name, value, name, value … with repetitions and in the sender's spelling. */
  rawHeaders: readonly string[];
}

/** A request that has exactly one reading. */
export interface CanonicalRequest {
  /** In the sender's spelling; methods are case-sensitive (RFC 9110 §9.1). */
  method: string;
  /** The request-target in origin-form: unreserved characters, `/` and `:` only, no empty and no dot segment. */
  path: string;
  /** The host of the `Host` header, in lower case, without its port. */
  host: string;
  /** The one `Authorization` header, uninterpreted. */
  authorization: string | undefined;
  /** The one `X-Api-Key` header, in which Anthropic's clients send their credential. */
  apiKey: string | undefined;
  /** With its parameters, as it was sent: a boundary is case-sensitive. */
  contentType: string | undefined;
  /** In lower case; undefined where the body is as it is. */
  contentEncoding: string | undefined;
  /** Bytes of the body as declared; 0 where there is none, undefined where it is chunked. */
  contentLength: number | undefined;
  /** Every header, for fields whose names are not known beforehand. */
  rawHeaders: readonly string[];
}

/** What a request may weigh before anything is looked up for it. */
export interface RequestLimits {
  maxTargetLength: number;
  maxHeaderCount: number;
  /** Characters of all names and values together. */
  maxHeaderLength: number;
  /** Compared with `Content-Length`; whoever reads a chunked body counts it. */
  maxBodyBytes: number;
}

export const defaultRequestLimits: RequestLimits = {
  maxTargetLength: 8192,
  maxHeaderCount: 100,
  maxHeaderLength: 32_768,
  maxBodyBytes: 64 * 1024 * 1024,
};
