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

/** A promise only if something has to be waited for: most requests of most callers are decided at once. */
export type Settled<T> = T | Promise<T>;

/** A request with its place in the catalogue. */
export interface AuthorizationRequest {
  canonical: CanonicalRequest;
  classified: Classified;
}

/** Reads the body of a request that names its model there. Not called before the token has been verified. */
export type BodyReader = (token: ModelToken, wanted: BodyOperation) => Promise<Buffer | Denial>;

/** Who asks. */
export interface Identity {
  token: ModelToken;
  /** The text of the token. */
  credential: string;
}

interface Permitted extends Identity {
  /** What the caller is told about its limit. */
  fields: Readonly<Record<string, string>>;
}

/** The request may be forwarded. */
export interface ModelPermit extends Permitted {
  kind: 'model';
  operation: Operation;
  /** The body as it is forwarded, if it had to be read. */
  body?: Buffer;
}

/** The catalogue itself has the answer. */
export interface CataloguePermit extends Permitted {
  kind: 'catalogue';
  protocol: Protocol;
  /** JSON in the words of the protocol. */
  answer: string;
}

/** The call may begin; each of its messages is judged on its own, by `authorizeMessage`. */
export interface CallPermit extends Identity {
  kind: 'call';
  wanted: GrpcOperation;
}

export type Permit = ModelPermit | CataloguePermit | CallPermit;

/** The message may be sent on. */
export interface MessagePermit extends ResolvedMessage {
  kind: 'message';
  fields: Readonly<Record<string, string>>;
}

/** Why a request may not go on. */
export interface Refusal {
  kind: 'refusal';
  /** What the caller is told. */
  denial: Denial;
  /** For the operator alone. */
  detail?: string | undefined;
  token?: ModelToken;
  operation?: Operation;
  protocol?: Protocol;
  /** The caller may not learn what the service speaks, so the dialect is that of the path alone. */
  concealed?: true;
  /** What the caller is told about its limit. */
  fields?: Readonly<Record<string, string>>;
}

export function isRefusal(verdict: Permit | MessagePermit | Refusal): verdict is Refusal {
  return verdict.kind === 'refusal';
}
