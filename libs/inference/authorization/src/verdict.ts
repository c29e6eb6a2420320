import type {
  BodyOperation,
  CanonicalRequest,
  Classified,
  Denial,
  GrpcOperation,
  Operation,
  Protocol,
  ResolvedMessage,
} from '@modelgate/protocols';
import type { ModelToken } from '@modelgate/verifier';

/** A promise only if there is something to wait for: most requests are decided synchronously. */
export type Settled<T> = T | Promise<T>;

/** A canonical request and how it was classified. */
export interface AuthorizationRequest {
  canonical: CanonicalRequest;
  classified: Classified;
}

/** Reads the body of a request that names its model there. Called only after the token has been verified. */
export type BodyReader = (token: ModelToken, wanted: BodyOperation) => Promise<Buffer | Denial>;

/** The verified token of the caller. */
export interface Identity {
  token: ModelToken;
  /** The encoded token. */
  credential: string;
}

interface Permitted extends Identity {
  /** Rate-limit header fields for the caller. */
  fields: Readonly<Record<string, string>>;
}

/** The request may be forwarded. */
export interface ModelPermit extends Permitted {
  kind: 'model';
  operation: Operation;
  /** The body to forward, if it had to be read. */
  body?: Buffer;
}

/** The catalogue answers the request itself. */
export interface CataloguePermit extends Permitted {
  kind: 'catalogue';
  protocol: Protocol;
  /** JSON in the format of the protocol. */
  answer: string;
}

/** The call may begin. `authorizeMessage` then decides about each of its messages. */
export interface CallPermit extends Identity {
  kind: 'call';
  wanted: GrpcOperation;
}

export type Permit = ModelPermit | CataloguePermit | CallPermit;

/** The message may be forwarded. */
export interface MessagePermit extends ResolvedMessage {
  kind: 'message';
  fields: Readonly<Record<string, string>>;
}

/** The reason why a request must not be forwarded. */
export interface Refusal {
  kind: 'refusal';
  /** Sent to the caller. */
  denial: Denial;
  /** For the log only. */
  detail?: string | undefined;
  token?: ModelToken;
  operation?: Operation;
  protocol?: Protocol;
  /** The caller must not learn which protocols the service speaks, so the path alone determines the dialect. */
  concealed?: true;
  /** Rate-limit header fields for the caller. */
  fields?: Readonly<Record<string, string>>;
}

export function isRefusal(verdict: Permit | MessagePermit | Refusal): verdict is Refusal {
  return verdict.kind === 'refusal';
}
