/** A request as the HTTP parser delivers it, not yet interpreted. The `IncomingMessage` of `node:http` is one. */
export interface RawRequest {
  method?: string | undefined;
  /** The request-target (RFC 9112 §3.2), byte for byte. */
  url?: string | undefined;
  /** `1.0` or `1.1`. */
  httpVersion?: string | undefined;
  /** Name, value, name, value … with repetitions and in the sender's spelling. */
  rawHeaders: readonly string[];
}

/** A request that can be read in only one way. */
export interface CanonicalRequest {
  /** As the sender spelt it; methods are case-sensitive (RFC 9110 §9.1). */
  method: string;
  /**
   * The request-target in origin-form: only unreserved characters, `/` and `:`, with no empty segment and no dot
   * segment.
   */
  path: string;
  /** The host of the `Host` header, in lower case and without the port. */
  host: string;
  /** The `Authorization` header, not interpreted. */
  authorization: string | undefined;
  /** The `X-Api-Key` header, in which Anthropic's clients send their credential. */
  apiKey: string | undefined;
  /** With its parameters, exactly as sent, because a boundary is case-sensitive. */
  contentType: string | undefined;
  /** In lower case; undefined if the body is not encoded. */
  contentEncoding: string | undefined;
  /** Declared length of the body in bytes: 0 without a body, undefined if it is chunked. */
  contentLength: number | undefined;
  /** All headers, for fields whose names are not known in advance. */
  rawHeaders: readonly string[];
}

/** Limits on a request that apply before anything is looked up for it. */
export interface RequestLimits {
  maxTargetLength: number;
  maxHeaderCount: number;
  /** Total characters of all names and values. */
  maxHeaderLength: number;
  /** Compared with `Content-Length`. The reader of a chunked body has to count it. */
  maxBodyBytes: number;
}

export const defaultRequestLimits: RequestLimits = {
  maxTargetLength: 8192,
  maxHeaderCount: 100,
  maxHeaderLength: 32_768,
  maxBodyBytes: 64 * 1024 * 1024,
};
