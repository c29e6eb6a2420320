import type { Protocol } from '@modelgate/catalogue';
import type { BodyEndpoint } from './catalogue/body-endpoint.ts';
import type { PathRoute } from './catalogue/path-route.ts';
import type { Route, ServedModel } from './catalogue/served-model.ts';
import type { Denial } from './denial/denial.ts';
import type { Operation } from './operation.ts';

/** One protocol: its endpoints, where its requests name the model, and how it reports refusals. */
export interface InferenceProtocol {
  readonly name: Protocol;
  /** Paths of a model that determine the operation completely. */
  operations(served: ServedModel): Operation[];
  /** Paths whose request body names the model. */
  endpoints?(served: ServedModel): readonly BodyEndpoint[];
  /** Rows whose paths have a variable part, such as a version. */
  versioned?: readonly PathRoute[];
  /** The route of a path outside the list. The forwarded path is built from the parsed parts. */
  dynamic?(served: ServedModel, path: string): Route | undefined;
  /** Paths at the gateway's own host whose request body names any model of the catalogue. */
  readonly sharedEndpoints?: readonly BodyEndpoint[];
  /**
   * Filters a server's list of models to the names in `allowed` and rebuilds it.
   *
   * @returns undefined if the document is not such a list
   */
  filterList?(document: unknown, allowed: ReadonlySet<string>): string | undefined;
  /** Whether its clients may send their credential as `x-api-key`. */
  readonly takesApiKey?: true;
  /** The header, besides `x-request-id`, in which its clients look for the request ID. */
  readonly requestIdField?: string;
  /** How it reports a refusal; by default, as KServe does. */
  readonly dialect?: Dialect;
  /**
   * Whether a request that was refused before classification belongs to this protocol, judged by its path and content
   * type.
   */
  recognises?(path: string, contentType: string | undefined): boolean;
}

/** How one protocol reports a refusal to its callers. */
export type Dialect = (denial: Denial, requestId: string) => DialectAnswer;

export interface DialectAnswer {
  /** Default: the status of the denial. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body: string;
}
