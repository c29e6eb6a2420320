import { exchange, infer, type ClientIdentity, type JsonAnswer } from '@modelgate/dev-stack';
import { Realm } from '@modelgate/real-parts';
import { beforeEach, inject } from 'vitest';
import type { RecordedRequest } from './recorder.ts';
import type { RunningStack } from './stack.setup.ts';

const provided = inject('stack');

/** Skips every test of the file, with the reason, where the stack could not be started. */
export const stack: RunningStack = 'missing' in provided ? ({} as RunningStack) : provided;
const missing = 'missing' in provided ? provided.missing : undefined;
beforeEach(({ skip }) => {
  skip(missing !== undefined, missing);
});

const nothing = (): Promise<void> => Promise.resolve();
/** The realm of the Keycloak that runs; who started it stops it. */
export const realm = new Realm({
  kind: 'keycloak',
  url: stack.keycloakUrl ?? 'http://127.0.0.1:9',
  rotate: () => Promise.reject(new Error('not in this suite')),
  stop: nothing,
});

/** A client of the token service, with its secret where it has one. */
export function client(clientId: string): ClientIdentity {
  const secret = stack.secrets[clientId];
  return { clientId, ...(secret !== undefined && { secret }) };
}

/** A model token for a Keycloak client's own account. @throws where it is refused */
export async function modelToken(clientId: string, parameters: Record<string, string> = {}): Promise<string> {
  const { accessToken } = await realm.clientCredentials(clientId);
  const answer = await exchange(stack.issuer, client(clientId), accessToken, parameters);
  if (answer.status !== 200) throw new Error(`the exchange answered ${answer.status} ${JSON.stringify(answer.body)}`);
  return String(answer.body['access_token']);
}

export const iris = {
  v1: '/serving/fraud/iris/v1/models/iris:predict',
  explain: '/serving/fraud/iris/v1/models/iris:explain',
  v2: '/serving/fraud/iris/v2/models/iris/infer',
  rows: [
    [6.8, 2.8, 4.8, 1.4],
    [6, 3.4, 4.5, 1.6],
  ],
};
export const v1Body = { instances: iris.rows };
export const v2Body = {
  id: '42',
  inputs: [{ name: 'input-0', shape: [2, 4], datatype: 'FP64', data: iris.rows.flat() }],
};

export function predict(token: string | undefined): Promise<JsonAnswer> {
  return infer(stack.gateway + iris.v1, token, v1Body);
}

/** Everything that has reached the model server so far. */
export async function reached(): Promise<RecordedRequest[]> {
  return (await (await fetch(stack.recorded)).json()) as RecordedRequest[];
}

export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}
