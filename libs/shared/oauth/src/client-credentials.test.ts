import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseClientCredentials } from './client-credentials.ts';
import { parseForm } from './form.ts';

const basic = (text: string | number[]) =>
  `Basic ${(typeof text === 'string' ? Buffer.from(text) : Buffer.from(text)).toString('base64')}`;
const jwtBearer = encodeURIComponent('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');

const read = (body: string, authorization?: string) => parseClientCredentials(parseForm(body), authorization);
const codeOf = (body: string, authorization?: string): unknown => {
  try {
    return read(body, authorization);
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

describe('parseClientCredentials', () => {
  it.each([
    ['none', 'client_id=c', undefined, { method: 'none', clientId: 'c' }],
    [
      'post',
      'client_id=c&client_secret=s',
      undefined,
      { method: 'client_secret_post', clientId: 'c', clientSecret: 's' },
    ],
    ['basic', '', basic('c:s'), { method: 'client_secret_basic', clientId: 'c', clientSecret: 's' }],
    [
      'basic, scheme in any case',
      '',
      basic('c:s').replace('Basic', 'bAsIC'),
      { method: 'client_secret_basic', clientId: 'c', clientSecret: 's' },
    ],
    [
      'basic with the same client_id',
      'client_id=c',
      basic('c:s'),
      { method: 'client_secret_basic', clientId: 'c', clientSecret: 's' },
    ],
    [
      'basic with a colon in the secret',
      '',
      basic('c:s:t'),
      { method: 'client_secret_basic', clientId: 'c', clientSecret: 's:t' },
    ],
    [
      'basic form-encoded',
      '',
      basic('c%3Ad:s%2Bt+u'),
      { method: 'client_secret_basic', clientId: 'c:d', clientSecret: 's+t u' },
    ],
    [
      'basic, not form-encoded',
      '',
      basic('c:100%'),
      { method: 'client_secret_basic', clientId: 'c', clientSecret: '100%' },
    ],
    ['basic, empty secret', '', basic('c:'), { method: 'client_secret_basic', clientId: 'c', clientSecret: '' }],
    [
      'assertion',
      `client_assertion=j&client_assertion_type=${jwtBearer}`,
      undefined,
      { method: 'private_key_jwt', clientAssertion: 'j' },
    ],
    [
      'assertion and client_id',
      `client_id=c&client_assertion=j&client_assertion_type=${jwtBearer}`,
      undefined,
      { method: 'private_key_jwt', clientAssertion: 'j', clientId: 'c' },
    ],
  ])('reads %s', (_, body, authorization, expected) => expect(read(body, authorization)).toEqual(expected));

  it.each([
    ['nothing', '', undefined, 'invalid_client'],
    ['a secret without client_id', 'client_secret=s', undefined, 'invalid_client'],
    ['an empty client_id', 'client_id=', undefined, 'invalid_client'],
    ['another scheme', 'client_id=c', 'Bearer abc', 'invalid_client'],
    ['an empty header', 'client_id=c', '', 'invalid_client'],
    ['no colon', '', basic('cs'), 'invalid_client'],
    ['no client_id before the colon', '', basic(':s'), 'invalid_client'],
    ['base64url instead of base64', '', 'Basic Pz8_Pzp4', 'invalid_client'],
    ['base64 with stray bits', '', 'Basic Yzpz'.replace('z', 't').replace(/.$/, 'R=='), 'invalid_client'],
    ['base64 without its padding', '', basic('c:ss').replace('=', ''), 'invalid_client'],
    ['two spaces', '', basic('c:s').replace(' ', '  '), 'invalid_client'],
    ['bytes that are no text', '', basic([0x63, 0x3a, 0xff]), 'invalid_client'],
    ['an unknown assertion type', 'client_assertion=j&client_assertion_type=saml', undefined, 'invalid_client'],
    ['an assertion without a type', 'client_assertion=j', undefined, 'invalid_client'],
    ['a type without an assertion', `client_id=c&client_assertion_type=${jwtBearer}`, undefined, 'invalid_request'],
    ['a type without an assertion beside Basic', `client_assertion_type=${jwtBearer}`, basic('c:s'), 'invalid_request'],
    ['Basic and a secret', 'client_secret=s', basic('c:s'), 'invalid_request'],
    [
      'Basic and an assertion',
      `client_assertion=j&client_assertion_type=${jwtBearer}`,
      basic('c:s'),
      'invalid_request',
    ],
    [
      'a secret and an assertion',
      `client_id=c&client_secret=s&client_assertion=j&client_assertion_type=${jwtBearer}`,
      undefined,
      'invalid_request',
    ],
    ['another client_id in the body', 'client_id=d', basic('c:s'), 'invalid_request'],
    ['two client_ids', 'client_id=c&client_id=c', undefined, 'invalid_request'],
  ])('refuses %s', (_, body, authorization, code) => expect(codeOf(body, authorization)).toBe(code));

  it('reads back what a client encodes as RFC 6749 §2.3.1 says', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const encode = (part: string) => new URLSearchParams([['x', part]]).toString().slice(2);
    fc.assert(
      fc.property(text, text, (clientId, clientSecret) => {
        const credentials = read('', basic(`${encode(clientId)}:${encode(clientSecret)}`));
        expect(credentials).toEqual({ method: 'client_secret_basic', clientId, clientSecret });
      }),
    );
  });
});
