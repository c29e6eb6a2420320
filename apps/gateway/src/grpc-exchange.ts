import { isRefusal } from '@modelgate/authorization';
import {
  deny,
  framedLength,
  grpcMetadata,
  isDenial,
  lengthOf,
  type Denial,
  type GrpcCallFields,
  type GrpcFrame,
  type GrpcOperation,
  type Operation,
  type ResolvedMessage,
} from '@modelgate/protocols';
import type { Logger } from '@modelgate/nest';
import { formatModelRef } from '@modelgate/scope';
import { GrpcCall, UpstreamError, type GrpcAnswer } from '@modelgate/upstream';
import type { ModelToken } from '@modelgate/verifier';
import type { HeldBytes } from './buffered-bodies.ts';
import { FilteredIndex, ForwardedCall } from './grpc-forwarding.ts';
import { inflate } from './grpc-inflate.ts';
import { GrpcMessages } from './grpc-messages.ts';
import type { GrpcPlaneOptions } from './grpc-plane.ts';
import type { OpenCall } from './open-calls.ts';
import { refuse, type RefusedRequest } from './refusal.ts';

export interface GrpcExchangeParts {
  options: GrpcPlaneOptions;
  request: RefusedRequest;
  wanted: GrpcOperation;
  token: ModelToken;
  /** The encoded token. */
  credential: string;
  fields: GrpcCallFields;
  answer: GrpcAnswer;
  memory: HeldBytes;
  logger: Logger;
}

/**
 * One call. Every message is read whole, authorized and counted before it is forwarded. A message that is refused ends
 * the call.
 */
export class GrpcExchange implements OpenCall {
  readonly credential: string;
  readonly expiresAt: number;
  readonly #parts: GrpcExchangeParts;
  readonly #messages: GrpcMessages;
  readonly #deadline: NodeJS.Timeout | undefined;
  /** The models of the messages so far, until the call ends. */
  readonly #entered = new Map<string, Operation>();
  #call: GrpcCall | undefined;
  /** The operation of the first message, whose server receives the call. */
  #first: Operation | undefined;
  #extraFields: string[] = [];
  #room: PromiseWithResolvers<void> | undefined;
  #settled = false;

  constructor(parts: GrpcExchangeParts) {
    this.#parts = parts;
    this.credential = parts.credential;
    this.expiresAt = parts.token.expiresAt;
    const { request, wanted, memory, options, fields } = parts;
    this.#messages = new GrpcMessages({
      body: request.inbound.body,
      memory,
      maxBytes: options.maxBodyBytes,
      single: wanted.method.messages === 'one',
      onMessage: (frame, last) => this.#take(frame, last),
      onEnd: () => this.#end(),
      onRefused: (denial) => this.#refuse(denial),
    });
    this.#deadline = deadlineOf(fields, () => this.#refuse(deny('deadline_exceeded')));
  }

  begin(): void {
    const { request, options } = this.#parts;
    options.openCalls.add(this);
    request.inbound.answer.on('close', () => this.#settle());
    this.#messages.begin();
  }

  cut(denial: Denial, detail: string): void {
    this.#refuse(denial, detail);
  }

  /** Some clients end their side just before they cancel the call. */
  #end(): void {
    if (this.#parts.answer.open) this.#call?.end();
  }

  /** Never throws: an unexpected error becomes a refusal as well. */
  async #take(frame: GrpcFrame, last: boolean): Promise<void> {
    if (!this.#parts.answer.open) return;
    try {
      const denial = await this.#judge(frame, last);
      if (denial) return this.#refuse(denial);
      await this.#room?.promise;
    } catch (error) {
      const cause = error instanceof Error ? error.stack : String(error);
      this.#parts.logger.error({ requestId: this.#parts.request.id, cause }, 'unexpected error');
      this.#refuse(deny('internal_error'));
    }
  }

  /**
   *
   * @returns the denial if the message was not forwarded
   */
  async #judge(frame: GrpcFrame, last: boolean): Promise<Denial | undefined> {
    const pieces = await this.#plain(frame);
    if (isDenial(pieces)) return pieces;
    const { token, wanted, request, options } = this.#parts;
    const problem = await this.#tokenProblem();
    if (problem) return problem;
    const verdict = await options.authorizer.authorizeMessage({ wanted, token, first: this.#first }, pieces);
    const { operation, fields } = verdict;
    if (operation) request.operation = operation;
    if (fields) request.headers = { ...request.headers, ...fields };
    if (isRefusal(verdict)) return verdict.denial;
    if (this.#settled) return undefined;
    const length = lengthOf(verdict.pieces);
    const held = framedLength(frame) + (frame.compressed ? lengthOf(pieces) : 0);
    return this.#enter(verdict.operation) ?? this.#send(verdict, { length, held }, last);
  }

  #plain(frame: GrpcFrame): Buffer[] | Promise<Buffer[] | Denial> {
    if (!frame.compressed) return frame.pieces;
    const { fields, memory, options } = this.#parts;
    return inflate(frame, fields.encoding, { maxBytes: options.maxBodyBytes, memory });
  }

  /** The token was verified just before the first message. It must still be valid for every later one. */
  async #tokenProblem(): Promise<Denial | undefined> {
    if (!this.#first) return undefined;
    return (await this.#parts.options.openCalls.problem(this.credential))?.denial;
  }

  /** A call counts as under way for every model to which it sends messages. */
  #enter(operation: Operation): Denial | undefined {
    const model = formatModelRef(operation.model);
    if (this.#entered.has(model)) return undefined;
    const busy = this.#parts.options.concurrency.enter(this.#parts.token, operation);
    if (!busy) this.#entered.set(model, operation);
    return busy;
  }

  /**
   *
   * @param size of the message as sent, and of the memory held for it: as received, and decompressed
   */
  #send({ operation, pieces }: ResolvedMessage, size: { length: number; held: number }, last: boolean): undefined {
    const { memory } = this.#parts;
    const call = this.#call ?? this.#open(operation);
    const { length } = size;
    let { held } = size;
    const onSent = (): void => {
      memory.remove(held);
      held = 0;
    };
    const room = call.send({ pieces, length, last, onSent });
    this.#room = room || last ? undefined : Promise.withResolvers<void>();
    if (this.#first) return;
    this.#first = operation;
    this.#parts.options.upstreams.dispatch(call, operation.upstream);
  }

  #open(operation: Operation): GrpcCall {
    const { options, request, answer, fields, token } = this.#parts;
    const { id, inbound, headers = {} } = request;
    this.#extraFields = ['x-request-id', id, ...Object.entries(headers).flat()];
    const hooks = {
      extraFields: () => this.#extraFields,
      onRoom: () => this.#room?.resolve(),
      onDone: () => this.#settle(),
      onRefused: (error: UpstreamError) => this.#refuse(upstreamDenial(error), error.message),
    };
    const forwarded =
      operation.kind === 'list'
        ? new FilteredIndex(answer, hooks, () => options.catalogue.current.callableNames(token, operation))
        : new ForwardedCall(answer, hooks);
    const authorization = options.files.authorization(operation.upstream);
    const metadata = grpcMetadata(inbound.raw, operation, { requestId: id, timeout: fields.timeout, authorization });
    const { path, upstream } = operation;
    const call = new GrpcCall({ path, headers: metadata, timeouts: upstream.timeouts }, forwarded);
    forwarded.resume = () => call.resume();
    this.#call = call;
    return call;
  }

  #refuse(denial: Denial, detail?: string): void {
    if (this.#settled) return;
    this.#settle();
    refuse(denial, { ...this.#parts.request, detail }, this.#parts.logger);
  }

  /** Releases everything once the call is over, however it ended. */
  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#deadline);
    const { options, memory, token } = this.#parts;
    options.openCalls.delete(this);
    this.#messages.stop();
    this.#call?.abort();
    this.#room?.resolve();
    for (const operation of this.#entered.values()) options.concurrency.leave(token, operation);
    memory.release();
  }
}

/** The longest delay of a timer. A longer deadline needs no timer. */
const longestTimerMs = 2 ** 31 - 1;

function deadlineOf({ timeout }: GrpcCallFields, onPassed: () => void): NodeJS.Timeout | undefined {
  return timeout && timeout.ms <= longestTimerMs ? setTimeout(onPassed, timeout.ms) : undefined;
}

function upstreamDenial({ reason, retryAfterSeconds }: UpstreamError): Denial {
  return retryAfterSeconds === undefined ? deny(reason) : deny(reason, { retryAfterSeconds });
}
