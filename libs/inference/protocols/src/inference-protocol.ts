import type { Protocol } from '@modelgate/catalogue';
import type { BodyEndpoint } from './catalogue/body-endpoint.ts';
import type { PathRoute } from './catalogue/path-route.ts';
import type { Route, ServedModel } from './catalogue/served-model.ts';
import type { Denial } from './denial/denial.ts';
import type { Operation } from './operation.ts';

/** One protocol: what it offers of a model, where its requests name the model, and how its callers are refused. */
export interface InferenceProtocol {
  readonly name: Protocol;
  /** The paths it has for a model, which say it all. */
  operations(served: ServedModel): Operation[];
  /** Paths at which the body names the model. */
  endpoints?(served: ServedModel): readonly BodyEndpoint[];
  /** Rows whose paths have a free part, such as a version. */
  versioned?: readonly PathRoute[];
  /** Route of a path outside the list; the path it forwards is built from what was read. */
  dynamic?(served: ServedModel, path: string): Route | undefined;
  /** Paths of the gateway's own host at which the body names any model of the catalogue. */
  readonly sharedEndpoints?: readonly BodyEndpoint[];
  /**
   * Reduces a server's list of models to the names in `allowed`, built anew.
   *
   * @returns undefined if the document is no such list
   */
  filterList?(document: unknown, allowed: ReadonlySet<string>): string | undefined;
  /** Whether its clients may send their credential as `x-api-key`. */
  readonly takesApiKey?: true;
  /** The field in which its clients look for the request id, beside `x-request-id`. */
  readonly requestIdField?: string;
  /** How it refuses; as KServe does by default. */
  readonly dialect?: Dialect;
  /** Whether a request that was refused before it was classified is one of its own, by its path and content type. */
  recognises?(path: string, contentType: string | undefined): boolean;
}

/** How one protocol tells its callers that they were refused. */
export type Dialect = (denial: Denial, requestId: string) => DialectAnswer;

export interface DialectAnswer {
  /** Default: the denial's own. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body: string;
}
