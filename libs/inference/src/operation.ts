import type { ModelRef, Verb } from '@modelgate/scope';

/** The protocols the gateway understands; each has its own error dialect. */
export type Protocol = 'v1' | 'v2';

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
}

/** Where a model is served. */
export interface Upstream {
  /** `http://host:port` or `https://host:port`, nothing more. */
  origin: string;
  /** The `Host` its server expects; default: the origin's. */
  host?: string;
}
