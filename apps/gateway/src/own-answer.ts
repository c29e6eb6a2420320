import type { AnswerSink } from '@modelgate/upstream';

/** An answer of the gateway itself. It depends on the token, so it must not be cached. */
export function answerJson(answer: AnswerSink, body: string, headers: Readonly<Record<string, string>>): void {
  const fields = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    ...headers,
  };
  answer.writeHead(200, Object.entries(fields).flat());
  answer.end(body);
}
