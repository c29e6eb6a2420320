import type { RawRequest } from '@modelgate/protocols';
import type { AnswerSink, OutgoingBody } from '@modelgate/upstream';

/** One request as it came in, whatever version of HTTP carried it. */
export interface Inbound {
  raw: RawRequest;
  /** Ends where the caller's body ended, errs or closes where it broke off. */
  readonly body: OutgoingBody;
  /** The body, where all of it is here already: whoever takes this needs no stream. */
  readonly whole?: Buffer | undefined;
  answer: AnswerSink;
  readonly remoteAddress: string | undefined;
  /** Tells a caller that waits for it to send its body (RFC 9110 §10.1.1), where one does. */
  sendContinue?(): void;
  /** The request may take as long as its answer does: it is not late. */
  goesOn?: () => void;
}
