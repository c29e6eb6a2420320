import { isOnOpenaiSurface } from '@modelgate/catalogue';
import type { Verb } from '@modelgate/scope';
import type { Protocol } from '../operation.ts';
import type { ServedModel } from './served-model.ts';

/** A path at which the body of the request, and nothing else, says which model it is for. All of them are POST. */
export interface BodyEndpoint {
  protocol: Protocol;
  verb: Verb;
  /** How the model is found: the member `model` of a JSON object, or the part `model` of a form (RFC 7578). */
  body: 'json' | 'multipart';
  /** Below the prefix of its surface, such as `/v1/chat/completions`. */
  path: string;
}

/** The endpoint's path at the server of one model. */
export function pathAt({ protocol, path }: BodyEndpoint, { openaiPrefix }: ServedModel): string {
  return isOnOpenaiSurface(protocol) ? openaiPrefix + path : path;
}
