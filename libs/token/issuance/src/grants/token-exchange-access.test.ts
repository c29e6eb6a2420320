import { describe, expect, it } from 'vitest';
import { policy, subject, trustedIssuer, world } from '../endpoint.fixture.ts';
import { SubjectTokenVerifier, type Subject } from '../subject.ts';
import { refusedWith } from './token-exchange.fixture.ts';

/** Verifies once it is let go, so that access can change under an exchange. */
class SlowSubjects extends SubjectTokenVerifier {
  readonly gate = Promise.withResolvers<Subject>();
  override verify(): Promise<Subject> {
    return this.gate.promise;
  }
}

describe('access that changes while an exchange is under way', () => {
  const underWay = () => {
    const subjects = new SlowSubjects();
    const all = world({ subjects });
    return { ...all, gate: subjects.gate, first: all.exchange() };
  };

  it('holds for the next one: this one is decided by client, issuers and policies as it found them', async () => {
    const { access, gate, first, exchange } = underWay();
    access.policies = [policy('later', 'fraud/iris:metadata')];
    access.issuers = [trustedIssuer('keycloak'), trustedIssuer('partner')];
    access.clients.length = 0;
    gate.resolve(subject());
    expect((await first).scope).toBe('fraud/iris:predict fraud/iris:explain fraud/tree:predict');
    await expect(exchange()).rejects.toEqual(refusedWith('invalid_client'));
  });

  it('never lends the policies of an issuer to another that has got its id', async () => {
    const { access, gate, first } = underWay();
    access.issuers = [trustedIssuer('keycloak', 'https://elsewhere.example.com')];
    gate.resolve(subject({ claims: { iss: 'https://elsewhere.example.com' } }));
    await expect(first).rejects.toMatchObject({ detail: 'the issuer has been replaced by another' });
  });
});
