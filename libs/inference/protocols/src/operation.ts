import type { Protocol } from '@modelgate/catalogue';
import type { ModelRef, Verb } from '@modelgate/scope';
import type { BodyEndpoint } from './catalogue/body-endpoint.ts';
import type { ModelNames, NamedModel } from './catalogue/model-names.ts';
import type { UpstreamSettings } from './catalogue/upstream-settings.ts';

export type { Protocol };

/** What one request wants to do, after everything ambiguous has been refused. */
export interface Operation {
  protocol: Protocol;
  /** `list` answers with models of the server behind `model`; the answer is filtered to what the token may call. */
  kind: 'model' | 'list';
  model: ModelRef;
  verb: Verb;
  upstream: Upstream;
  method: 'GET' | 'POST';
  /** Rebuilt from the catalogue's names, never copied from the request: what was matched is what is forwarded. */
  path: string;
  /** The body of the request is not forwarded. */
  bodiless?: true;
}

/** A request whose body says which model it is for; `resolveBody` turns it into an Operation once the body is there. */
export interface BodyOperation {
  kind: 'body';
  protocol: Protocol;
  endpoint: BodyEndpoint;
  names: ModelNames;
  /** The model that path or header name already; the body must mean the same. */
  claimed?: NamedModel;
}

/** A question about the catalogue itself, which no model server has to be asked. */
export interface CatalogueQuestion {
  kind: 'catalogue';
  protocol: Protocol;
  /** The one model that is asked about, by the name it goes by there; all of them where it is undefined. */
  item?: { id: string; model: ModelRef | undefined };
}

/** Where a model is served, and how its server is spoken to. */
export interface Upstream extends UpstreamSettings {
  /** Each `http://host:port` or `https://host:port`, nothing more; all of them serve the same. */
  origins: readonly [string, ...string[]];
  /** The `Host` its server expects. */
  host: string;
}
