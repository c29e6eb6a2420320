export interface HttpGetOptions {
  /** A longer body is an error. */
  maxBytes: number;
  timeoutMs: number;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  body: Uint8Array;
  /** Where it was not had just now but is remembered: since when, in seconds. */
  ageSeconds?: number;
}

/** One bounded GET. Rejects on a redirect, a timeout, or a body past `maxBytes`. */
export type HttpGet = (url: string, options: HttpGetOptions) => Promise<HttpAnswer>;

/** Over fetch. A redirect is refused: it would let whoever answers choose where keys come from. */
export const httpGet: HttpGet = async (url, { maxBytes, timeoutMs, headers, signal }) => {
  // fetch also knows data: and blob:, whose content comes with the URL.
  if (!/^https?:/i.test(url)) throw new TypeError('not an http or https URL');
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, {
    redirect: 'error',
    headers: { accept: 'application/json', ...headers },
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  return { status: response.status, headers: response.headers, body: await read(response, maxBytes) };
};

async function read(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
