import { isOnOpenaiSurface } from '@modelgate/catalogue';
import type { Verb } from '@modelgate/scope';
import type { Protocol } from '../operation.ts';
import type { ServedModel } from './served-model.ts';

/** A path whose request body alone names the model. The method is always POST. */
export interface BodyEndpoint {
  protocol: Protocol;
  verb: Verb;
  /** Where the model name is: in the member `model` of a JSON object, or in the part `model` of a form (RFC 7578). */
  body: 'json' | 'multipart';
  /** Relative to the prefix of its surface, such as `/v1/chat/completions`. */
  path: string;
}

/** The path of the endpoint at the server of one model. */
export function pathAt({ protocol, path }: BodyEndpoint, { openaiPrefix }: ServedModel): string {
  return isOnOpenaiSurface(protocol) ? openaiPrefix + path : path;
}
