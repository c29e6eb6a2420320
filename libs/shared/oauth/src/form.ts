import { OAuthError } from './oauth-error.ts';

/** `application/x-www-form-urlencoded` as the token endpoint receives it: every value of every name, in order. */
export type FormParameters = ReadonlyMap<string, readonly string[]>;

const maxParameters = 64;

/**
 * Parses a form body strictly: no undecodable percent-sequence, no more than 64 parameters.
 * Duplicates are kept here and refused by whoever knows which names may repeat (RFC 6749 §3.2, RFC 8693 §2.1).
 *
 * @throws OAuthError invalid_request
 */
export function parseForm(body: string): FormParameters {
  const parameters = new Map<string, string[]>();
  if (body === '') return parameters;
  const pairs = body.split('&');
  if (pairs.length > maxParameters) throw new OAuthError('invalid_request', 'too many parameters');
  for (const pair of pairs) {
    const separator = pair.indexOf('=');
    const name = decode(separator < 0 ? pair : pair.slice(0, separator));
    const value = separator < 0 ? '' : decode(pair.slice(separator + 1));
    const values = parameters.get(name);
    if (values) values.push(value);
    else parameters.set(name, [value]);
  }
  return parameters;
}

function decode(text: string): string {
  // A token is a kilobyte and more without either, and looking is cheaper than decoding.
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new OAuthError('invalid_request', 'the body is not application/x-www-form-urlencoded', { cause });
  }
}

/**
 * The one value of `name`, or undefined where it is absent. An empty value counts as absent (RFC 6749 §3.2).
 *
 * @throws OAuthError invalid_request where the parameter is repeated
 */
export function single(form: FormParameters, name: string): string | undefined {
  const values = form.get(name);
  if (values === undefined) return undefined;
  if (values.length > 1) throw new OAuthError('invalid_request', `parameter ${name} is repeated`);
  return values[0] === '' ? undefined : values[0];
}

/** Every non-empty value of `name`. */
export function all(form: FormParameters, name: string): readonly string[] {
  return (form.get(name) ?? []).filter((value) => value !== '');
}
