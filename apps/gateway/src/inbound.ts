import type { RawRequest } from '@modelgate/protocols';
import type { AnswerSink, OutgoingBody } from '@modelgate/upstream';

/** One incoming request, in any version of HTTP. */
export interface Inbound {
  raw: RawRequest;
  /** Ends if the caller's body ended; errs or closes if it broke off. */
  readonly body: OutgoingBody;
  /** The body, if it has arrived completely, so that no stream is needed. */
  readonly whole?: Buffer | undefined;
  answer: AnswerSink;
  readonly remoteAddress: string | undefined;
  /** Sends `100 Continue` if the caller waits for it (RFC 9110 §10.1.1). */
  sendContinue?(): void;
  /** Exempts the request from the request timeout: it may last as long as its answer. */
  goesOn?: () => void;
}
