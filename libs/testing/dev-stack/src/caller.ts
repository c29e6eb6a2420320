/** A client of the token service, as a script with fetch would be one. */
export interface ClientIdentity {
  clientId: string;
  /** Absent: a public client. */
  secret?: string;
}

export interface JsonAnswer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** POSTs a form to the token endpoint (RFC 8693 §2.1). Parameters that are given win over the usual ones. */
export function exchange(
  issuer: string,
  client: ClientIdentity,
  subjectToken: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<JsonAnswer> {
  return postForm(`${issuer}/oauth2/token`, client, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...parameters,
  });
}

/** POSTs to the revocation endpoint (RFC 7009 §2.1). */
export function revoke(issuer: string, client: ClientIdentity, token: string): Promise<JsonAnswer> {
  return postForm(`${issuer}/oauth2/revoke`, client, { token });
}

export async function postForm(
  url: string,
  { clientId, secret }: ClientIdentity,
  parameters: Readonly<Record<string, string>>,
): Promise<JsonAnswer> {
  const headers = secret === undefined ? {} : { authorization: `Basic ${btoa(`${clientId}:${secret}`)}` };
  const form = new URLSearchParams(secret === undefined ? { client_id: clientId, ...parameters } : parameters);
  return answerOf(await fetch(url, { method: 'POST', headers, body: form, redirect: 'manual' }));
}

/** One inference request through the gateway. */
export async function infer(url: string, token: string | undefined, body: unknown): Promise<JsonAnswer> {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return answerOf(await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), redirect: 'manual' }));
}

async function answerOf(response: Response): Promise<JsonAnswer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parseObject(text) };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { value };
  } catch {
    return text === '' ? {} : { text };
  }
}
