import { request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { Target } from './targets.ts';

/** `answered`: somebody who should not has looked at the request. `unclear`: it cannot be told from here. */
export type Outcome = 'refused' | 'unreachable' | 'answered' | 'unclear';

/** What came of one request. */
export interface Finding {
  target: Target;
  token: 'none' | 'wrong';
  outcome: Outcome;
  /** The status of the answer, where there was one. */
  status?: number;
  detail: string;
}

/** Asks once, and never rejects: whatever comes of it is the finding. */
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
      if (connected) resolve({ outcome: 'unclear', detail: `takes the connection and does not answer ${seconds}` });
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
  // Nothing that is sent is a secret, and whoever goes around the gateway looks at no certificate either.
  const tls = { rejectUnauthorized: false, ...(isIP(name) === 0 && { servername: name }) };
  return requestHttps(url, { ...options, ...tls });
}

function judged({ kind }: Target, answer: IncomingMessage): Found {
  const status = answer.statusCode ?? 0;
  answer.destroy();
  if (status === 401) return { outcome: 'refused', status, detail: '' };
  // A mesh that knows its callers by their certificates refuses with this, whatever token they bring.
  if (status === 403 && kind === 'direct') return { outcome: 'refused', status, detail: 'by a policy' };
  if (status >= 500)
    return { outcome: 'unclear', status, detail: 'the server, or somebody in front of it, has trouble' };
  const detail =
    kind === 'direct' ? 'can be reached past the gateway' : 'is not behind the gateway, or the gateway is wrong';
  return { outcome: 'answered', status, detail };
}

function failed({ code = '', message }: NodeJS.ErrnoException): Found {
  // Whatever it said, it took the request.
  if (code.startsWith('HPE_')) return { outcome: 'answered', detail: 'answers, and not in HTTP' };
  return { outcome: 'unreachable', detail: code || message };
}
