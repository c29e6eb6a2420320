/** The metadata of a model server's answer that is passed to the caller, in headers and trailers. */
const returned: ReadonlySet<string> = new Set(['content-type', 'grpc-encoding', 'grpc-accept-encoding']);
const trailing: ReadonlySet<string> = new Set(['grpc-status', 'grpc-message', 'grpc-status-details-bin']);

/**
 * The header fields of an answer with messages.
 *
 * @param rawHeaders name, value, name, value … as received from Node
 * @returns undefined if this is not a gRPC answer
 */
export function answerHeaders(rawHeaders: readonly string[]): string[] | undefined {
  const isAnswer = valueOf(rawHeaders, ':status') === '200' && isGrpc(valueOf(rawHeaders, 'content-type'));
  return isAnswer ? chosen(rawHeaders, returned) : undefined;
}

/**
 * The trailers of a complete answer; undefined without a status, because the answer may then be incomplete.
 *
 * @param rawHeaders of the trailers, or of the only header section of a trailers-only answer
 */
export function statusTrailers(rawHeaders: readonly string[]): string[] | undefined {
  const status = valueOf(rawHeaders, 'grpc-status');
  if (status === undefined || !/^(?:\d|1[0-6])$/.test(status)) return undefined;
  const http = valueOf(rawHeaders, ':status');
  return http === undefined || http === '200' ? chosen(rawHeaders, trailing) : undefined;
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:$|[+;])/.test(contentType);
}

/** Of a repeated field, only the first value is kept. */
function chosen(rawHeaders: readonly string[], names: ReadonlySet<string>): string[] {
  const fields: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!names.has(name) || valueOf(fields, name) !== undefined) continue;
    fields.push(name, rawHeaders[index + 1] ?? '');
  }
  return fields;
}

function valueOf(rawHeaders: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index] === name) return rawHeaders[index + 1];
  }
  return undefined;
}
