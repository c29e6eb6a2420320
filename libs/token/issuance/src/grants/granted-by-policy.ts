import { maxScopeTokens } from '@modelgate/core';
import { OAuthError, type OAuthErrorCode } from '@modelgate/oauth';
import { explain, selectPolicy, type AccessPolicy, type Selection, type WantedAccess } from '@modelgate/policy';
import { countScopeTokens } from '@modelgate/scope';
import type { Subject } from '../subject.ts';
import { unacceptableToken } from './actor-chain.ts';

/**
 * The one policy that grants what is wanted, whichever grant asks. What the policies refuse becomes an error of the OAuth
 * vocabulary here, and the operator reads what each of them said.
 *
 * @throws OAuthError
 */
export function grantedByPolicy(
  policies: readonly AccessPolicy[],
  subject: Subject,
  wanted: WantedAccess,
): Extract<Selection, { selected: true }> {
  const selection = selectPolicy(policies, subject, wanted);
  if (!selection.selected) {
    const [code, description] = answers[selection.reason];
    throw new OAuthError(code, description, { detail: explanation(policies, subject, wanted) });
  }
  if (countScopeTokens(selection.grants) > maxScopeTokens) {
    throw new OAuthError('invalid_scope', 'more is asked for than one token can carry');
  }
  return selection;
}

type Reason = Extract<Selection, { selected: false }>['reason'];

/** Which error each refusal of policy becomes; those of RFC 8693 §2.2.2 where the subject is meant, else the parameter's. */
const answers: Readonly<Record<Reason, readonly [OAuthErrorCode, string]>> = {
  other_policy_named: ['invalid_request', unacceptableToken],
  disabled: ['invalid_request', unacceptableToken],
  other_issuer: ['invalid_request', unacceptableToken],
  subject_mismatch: ['invalid_request', unacceptableToken],
  actor_not_permitted: ['invalid_request', unacceptableToken],
  delegation_too_deep: ['invalid_request', unacceptableToken],
  scope_exceeded: ['invalid_scope', 'the scope is not granted'],
  authorization_details_exceeded: ['invalid_authorization_details', 'the authorization_details are not granted'],
  target_exceeded: ['invalid_target', 'the resource is not granted'],
  nothing_in_common: ['invalid_scope', 'nothing is within all that is asked for'],
  ambiguous: ['invalid_request', 'say what is wanted: a scope, a resource or a policy'],
};

const longestExplanation = 20;

function explanation(policies: readonly AccessPolicy[], subject: Subject, wanted: WantedAccess): string {
  const lines = explain(policies, subject, wanted)
    .filter(({ verdict }) => verdict !== 'other_issuer' && verdict !== 'other_policy_named')
    .map(({ policy, verdict, claim }) => `${policy}: ${verdict}${claim === undefined ? '' : ` (${claim})`}`);
  const more = lines.length > longestExplanation ? `; and ${lines.length - longestExplanation} more` : '';
  return lines.length === 0
    ? 'no policy is for this issuer and name'
    : lines.slice(0, longestExplanation).join('; ') + more;
}
