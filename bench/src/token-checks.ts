import { SigningPair, type FakeIssuer } from '@modelgate/testing';
import { load } from './load.ts';
import type { Proxy } from './proxy.ts';

/** Tokens that whoever does the same work has to refuse. */
const wrongTokens: readonly { name: string; sign(issuer: FakeIssuer): string }[] = [
  { name: 'no token', sign: () => '' },
  {
    name: 'forged',
    sign: (issuer) => issuer.sign({ pair: new SigningPair(), header: { kid: issuer.pair.kid } }),
  },
  { name: 'expired', sign: (issuer) => issuer.sign({ claims: { exp: Math.floor(Date.now() / 1000) - 600 } }) },
  { name: 'for another model', sign: (issuer) => issuer.sign({ claims: forAnotherModel }) },
];

const forAnotherModel = {
  scope: 'fraud/boston:predict',
  authorization_details: [{ type: 'kserve_inference', models: ['fraud/boston'], actions: ['predict'] }],
};

export const wrongTokenNames = wrongTokens.map(({ name }) => name);

export interface TokenProbe {
  proxy: Proxy;
  tls: boolean;
  body: Buffer;
  headWith: (token: string) => string;
}

/** What a proxy answers to each wrong token, before it is measured: whoever lets one pass does not do the same work. */
export async function statusesOfWrongTokens(probe: TokenProbe, issuer: FakeIssuer): Promise<number[]> {
  const statuses: number[] = [];
  for (const { sign } of wrongTokens) statuses.push(await statusOf(probe, sign(issuer)));
  return statuses;
}

async function statusOf({ proxy, tls, body, headWith }: TokenProbe, token: string): Promise<number> {
  const plan = { port: proxy.port, tls, heads: [headWith(token)], body: body.toString('base64') };
  const { firstError } = await load({ ...plan, connections: 1, requests: 1, expect: 'HTTP/1.1 200 ' });
  return firstError === undefined ? 200 : Number(/^HTTP\/1\.1 (\d{3}) /.exec(firstError)?.[1] ?? 0);
}
