import { request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { Target } from './targets.ts';

/**
 * `answered`: a server that should have refused has processed the request. `unclear`: the result cannot be determined
 * from here.
 */
export type Outcome = 'refused' | 'unreachable' | 'answered' | 'unclear';

/** The result of one request. */
export interface Finding {
  target: Target;
  token: 'none' | 'wrong';
  outcome: Outcome;
  /** The status of the answer, if there was one. */
  status?: number;
  detail: string;
}

/** Sends one request. Never rejects: any failure is a finding. */
export async function probe(target: Target, token: string | undefined, timeoutMs: number): Promise<Finding> {
  const found = await ask(target, token, timeoutMs);
  return { target, token: token === undefined ? 'none' : 'wrong', ...found };
}

type Found = Pick<Finding, 'outcome' | 'status' | 'detail'>;

function ask(target: Target, token: string | undefined, timeoutMs: number): Promise<Found> {
  return new Promise((resolve) => {
    let connected = false;
    const call = open(target, token);
    const limit = setTimeout(() => {
      const seconds = `within ${timeoutMs / 1000} s`;
      if (connected) resolve({ outcome: 'unclear', detail: `accepts the connection but does not answer ${seconds}` });
      else resolve({ outcome: 'unreachable', detail: `no connection ${seconds}` });
      call.destroy();
    }, timeoutMs);
    call.on('socket', (socket) => socket.once('connect', () => (connected = true)));
    call.on('response', (answer) => resolve(judged(target, answer)));
    call.on('error', (error: NodeJS.ErrnoException) => resolve(failed(error)));
    call.on('close', () => clearTimeout(limit));
    call.end();
  });
}

function open({ url, host }: Target, token: string | undefined): ClientRequest {
  const name = host.replace(/:\d+$/, '');
  const options: RequestOptions = {
    agent: false,
    headers: { host, accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  };
  if (url.protocol === 'http:') return requestHttp(url, options);
  // Nothing secret is sent, and an attacker that bypasses the gateway would not verify certificates either.
  const tls = { rejectUnauthorized: false, ...(isIP(name) === 0 && { servername: name }) };
  return requestHttps(url, { ...options, ...tls });
}

function judged({ kind }: Target, answer: IncomingMessage): Found {
  const status = answer.statusCode ?? 0;
  answer.destroy();
  if (status === 401) return { outcome: 'refused', status, detail: '' };
  // A mesh that authenticates callers by certificate answers 403, whatever their token.
  if (status === 403 && kind === 'direct') return { outcome: 'refused', status, detail: 'by a policy' };
  if (status >= 500) return { outcome: 'unclear', status, detail: 'the server, or a proxy in front of it, failed' };
  const detail =
    kind === 'direct' ? 'can be reached past the gateway' : 'is not behind the gateway, or the gateway is wrong';
  return { outcome: 'answered', status, detail };
}

function failed({ code = '', message }: NodeJS.ErrnoException): Found {
  // The server accepted the request, whatever it answered.
  if (code.startsWith('HPE_')) return { outcome: 'answered', detail: 'answers with a protocol other than HTTP' };
  return { outcome: 'unreachable', detail: code || message };
}
