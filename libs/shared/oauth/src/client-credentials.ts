import { isUtf8 } from 'node:buffer';
import { clientAssertionTypeJwtBearer } from './grant-type.ts';
import { single, type FormParameters } from './form.ts';
import { OAuthError } from './oauth-error.ts';

/** How the client says who it is, before anybody has checked it (RFC 6749 §2.3, RFC 7523 §2.2). */
export type ClientCredentials =
  | { method: 'none'; clientId: string }
  | { method: 'client_secret_basic' | 'client_secret_post'; clientId: string; clientSecret: string }
  | { method: 'private_key_jwt'; clientId?: string; clientAssertion: string };

/**
 * Reads the one set of client credentials a request may carry.
 *
 * @throws OAuthError invalid_request for two methods at once, invalid_client for none or a malformed one
 */
export function parseClientCredentials(form: FormParameters, authorization: string | undefined): ClientCredentials {
  const clientId = single(form, 'client_id');
  const clientSecret = single(form, 'client_secret');
  const clientAssertion = single(form, 'client_assertion');
  const methods = [authorization, clientSecret, clientAssertion].filter((value) => value !== undefined);
  if (methods.length > 1) throw new OAuthError('invalid_request', 'more than one client authentication method');
  if (clientAssertion !== undefined) return assertion(form, clientAssertion, clientId);
  if (single(form, 'client_assertion_type') !== undefined) {
    throw new OAuthError('invalid_request', 'client_assertion_type is sent without client_assertion');
  }
  if (authorization !== undefined) return basic(authorization, clientId);
  if (clientId === undefined) throw failed('no client_id');
  if (clientSecret === undefined) return { method: 'none', clientId };
  return { method: 'client_secret_post', clientId, clientSecret };
}

function basic(authorization: string, bodyClientId: string | undefined): ClientCredentials {
  const encoded = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const decoded = encoded === undefined ? undefined : decodeBasic(encoded);
  if (decoded === undefined) throw failed('Authorization is not Basic');
  const colon = decoded.indexOf(':');
  if (colon <= 0) throw failed('no client_id in Basic');
  const clientId = formDecode(decoded.slice(0, colon));
  if (bodyClientId !== undefined && bodyClientId !== clientId) {
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client');
  }
  return { method: 'client_secret_basic', clientId, clientSecret: formDecode(decoded.slice(colon + 1)) };
}

/** @returns undefined for base64 that decodes, but is not how anybody would have encoded it, and for bytes that are not text */
function decodeBasic(encoded: string): string | undefined {
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded && isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

function failed(detail: string): OAuthError {
  return new OAuthError('invalid_client', 'client authentication failed', { detail });
}

/** RFC 6749 §2.3.1 form-encodes both halves before base64; an undecodable half was sent by a client that does not. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function assertion(form: FormParameters, clientAssertion: string, clientId: string | undefined): ClientCredentials {
  if (single(form, 'client_assertion_type') !== clientAssertionTypeJwtBearer) {
    throw failed('client_assertion_type');
  }
  return { method: 'private_key_jwt', clientAssertion, ...(clientId !== undefined && { clientId }) };
}
