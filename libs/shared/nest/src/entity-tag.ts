import type { FastifyReply, FastifyRequest } from 'fastify';

/** A document with its strong entity tag, quotes included. */
export interface TaggedDocument {
  body: Buffer;
  etag: string;
}

/** Answers with the document, or 304 where the caller has it already (RFC 9110 §13.1.2). */
export async function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, etag }: TaggedDocument,
  cacheControl: string,
): Promise<void> {
  reply.headers({ etag, 'cache-control': cacheControl });
  if (matches(request.headers['if-none-match'], etag)) {
    await reply.status(304).send();
    return;
  }
  await reply.type('application/json').send(body);
}

/** Weak comparison (RFC 9110 §8.8.3.2). */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
