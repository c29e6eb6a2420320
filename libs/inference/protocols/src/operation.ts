import type { Protocol } from '@modelgate/catalogue';
import type { ModelRef, Verb } from '@modelgate/scope';
import type { BodyEndpoint } from './catalogue/body-endpoint.ts';
import type { ModelNames, NamedModel } from './catalogue/model-names.ts';
import type { UpstreamSettings } from './catalogue/upstream-settings.ts';

export type { Protocol };

/** What a request asks for, once every ambiguity has been refused. */
export interface Operation {
  protocol: Protocol;
  /**
   * A `list` answers with models of the server behind `model`; the answer is filtered to those that the token may call.
   */
  kind: 'model' | 'list';
  model: ModelRef;
  verb: Verb;
  upstream: Upstream;
  method: 'GET' | 'POST';
  /**
   * Rebuilt from the names in the catalogue, never copied from the request, so that the forwarded path is the one that
   * was matched.
   */
  path: string;
  /** The request body is not forwarded. */
  bodiless?: true;
}

/** A request whose body names the model. `resolveBody` turns it into an Operation once the body has been read. */
export interface BodyOperation {
  kind: 'body';
  protocol: Protocol;
  endpoint: BodyEndpoint;
  names: ModelNames;
  /** The model that the path or header already names. The body must name the same one. */
  claimed?: NamedModel;
}

/** A question about the catalogue, answered without a model server. */
export interface CatalogueQuestion {
  kind: 'catalogue';
  protocol: Protocol;
  /** The model in question, by the name used there; undefined if the question is about all models. */
  item?: { id: string; model: ModelRef | undefined };
}

/** The servers of a model, and how to connect to them. */
export interface Upstream extends UpstreamSettings {
  /** Origins of the form `http://host:port` or `https://host:port`. All of them serve the same models. */
  origins: readonly [string, ...string[]];
  /** The `Host` that the server expects. */
  host: string;
}
