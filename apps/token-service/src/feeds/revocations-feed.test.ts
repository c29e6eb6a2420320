import { maxFeedBytes, SystemClock } from '@modelgate/core';
import { RevocationStore } from '@modelgate/issuance';
import { expect, it } from 'vitest';
import { RevocationsFeed } from './revocations-feed.ts';

class OneToken extends RevocationStore {
  readonly #jti: string;
  constructor(jti: string) {
    super();
    this.#jti = jti;
  }
  override revoke = (): Promise<void> => Promise.resolve();
  override prune = (): Promise<number> => Promise.resolve(0);
  override snapshot = () => Promise.resolve({ version: 'v', tokens: [{ jti: this.#jti, expiresAt: 2_208_988_800 }] });
}

const documentOf = (jti: string) =>
  new RevocationsFeed(new OneToken(jti), { revokedKids: () => [] }, new SystemClock()).document();

it('says so itself where it is longer than gateways read', async () => {
  const { body } = await documentOf('short');
  const rest = maxFeedBytes - body.length;
  expect((await documentOf(`short${'x'.repeat(rest)}`)).body).toHaveLength(maxFeedBytes);
  await expect(documentOf(`short${'x'.repeat(rest + 1)}`)).rejects.toThrow(`gateways read ${maxFeedBytes}`);
});
