import { maxPolicies } from '@modelgate/core';
import { expect, it } from 'vitest';
import { accessPolicySchema } from './access-policy-schema.ts';
import { accessProblems } from './access-problems.ts';
import { trustedIssuerSchema } from './trusted-issuer-schema.ts';

const issuer = (id: string, url: string) =>
  trustedIssuerSchema.parse({ id, kind: 'keycloak', issuer: url, audiences: ['x'] });
const policy = (name: string, issuer: string) =>
  accessPolicySchema.parse({ name, issuer, match: 'everyone', grants: [{ models: ['a/*'], verbs: ['predict'] }] });

it('finds nothing wrong with a sound file', () => {
  expect(
    accessProblems([issuer('a', 'https://a.example')], [policy('p', 'a'), policy('q', 'a')], 'https://tokens.example'),
  ).toEqual([]);
});

it('lists every problem there is, each once', () => {
  const issuers = [
    issuer('a', 'https://a.example'),
    issuer('a', 'https://b.example'),
    issuer('c', 'https://b.example'),
    issuer('self', 'https://tokens.example'),
  ];
  const policies = [policy('p', 'a'), policy('p', 'a'), policy('p', 'a'), policy('q', 'nowhere')];
  expect(accessProblems(issuers, policies, 'https://tokens.example')).toEqual([
    'issuer a is defined twice',
    'two issuers have the URL https://b.example',
    'policy p is defined twice',
    'policy q names issuer nowhere, which is not defined',
    'issuer self is this token service itself',
  ]);
});

it('takes as many policies as gateways can be told the limits of, and no more', () => {
  const one = policy('p', 'a');
  const policies = Array.from({ length: maxPolicies + 1 }, (_, i) => ({ ...one, name: `p${i}` }));
  const problems = (count: number) => accessProblems([issuer('a', 'https://a.example')], policies.slice(0, count));
  expect(problems(maxPolicies)).toEqual([]);
  expect(problems(maxPolicies + 1)).toEqual([
    `${maxPolicies + 1} policies are more than the ${maxPolicies} that gateways take`,
  ]);
});
