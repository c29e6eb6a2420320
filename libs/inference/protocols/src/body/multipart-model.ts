import { isUtf8 } from 'node:buffer';
import { deny, type Denial } from '../denial/denial.ts';
import { isModelName, type LocatedModel } from './located-model.ts';
import { formParts, MultipartError, type FormPart } from './multipart-parts.ts';

const ambiguous = deny('model_ambiguous', {
  message: 'The form must have exactly one part model, spelt in lower case.',
});
const noName = deny('model_missing', { message: 'model must be text of up to 256 visible characters.' });
const otherCharset = deny('body_malformed', { message: 'A form must be UTF-8, without a part _charset_.' });

/**
 * Locates the model name in a form (RFC 7578): the value of its only part `model`. A part `_charset_` (§4.6) would
 * change how the other parts are decoded, so it is refused.
 */
export function locateMultipartModel(body: Buffer, boundary: string): LocatedModel | Denial {
  const parts = readParts(body, boundary);
  if (!Array.isArray(parts)) return parts;
  if (parts.some(({ name }) => name.toLowerCase() === '_charset_')) return otherCharset;
  const models = parts.filter(({ name }) => /^model(?:\[|$)/i.test(name));
  const [model] = models;
  if (!model) return deny('model_missing');
  return models.length > 1 || model.name !== 'model' ? ambiguous : locate(body, model);
}

function readParts(body: Buffer, boundary: string): FormPart[] | Denial {
  try {
    return formParts(body, boundary);
  } catch (error) {
    if (error instanceof MultipartError) return deny('body_malformed', { message: `The form has ${error.message}.` });
    throw error;
  }
}

function locate(body: Buffer, { isFile, contentType, start, end }: FormPart): LocatedModel | Denial {
  const value = body.subarray(start, end);
  const isText = contentType === undefined || /^text\/plain(?: *; *charset="?utf-8"?)?$/.test(contentType);
  if (isFile || !isText || !isUtf8(value)) return noName;
  const name = value.toString();
  return isModelName(name) ? { name, start, end } : noName;
}
