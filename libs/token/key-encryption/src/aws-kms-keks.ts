import type { KMSClient } from '@aws-sdk/client-kms';
import { KekError, KekProvider, type WrappedKey } from './kek-provider.ts';

export interface AwsKmsKeksOptions {
  /** Id, ARN or alias of a symmetric key. */
  keyId: string;
  /** Another endpoint than the region's. */
  endpoint?: string | undefined;
  /** Default 5000; the SDK's own is none. */
  timeoutMs?: number;
}

const prefix = 'aws-kms:';

/**
 * Key-encryption keys in AWS KMS, which never leave it. Credentials and region come from the SDK's own chain (environment,
 * web identity, instance). What binds the wrapped key goes along as the encryption context.
 */
export class AwsKmsKeks extends KekProvider {
  readonly #options: AwsKmsKeksOptions;
  #client: Promise<KMSClient> | undefined;

  constructor(options: AwsKmsKeksOptions) {
    super();
    this.#options = options;
  }

  static owns(kekId: string): boolean {
    return kekId.startsWith(prefix);
  }

  async wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey> {
    const { EncryptCommand } = await import('@aws-sdk/client-kms');
    const command = new EncryptCommand({
      KeyId: this.#options.keyId,
      Plaintext: dataKey,
      EncryptionContext: contextOf(aad),
    });
    const { KeyId, CiphertextBlob } = await this.#send('encrypt', async (client) => client.send(command));
    if (KeyId === undefined || !CiphertextBlob) throw new KekError('the answer of AWS KMS is not understood');
    return { kekId: `${prefix}${KeyId}`, wrapped: CiphertextBlob };
  }

  async unwrap({ kekId, wrapped }: WrappedKey, aad: Uint8Array): Promise<Uint8Array> {
    const { DecryptCommand } = await import('@aws-sdk/client-kms');
    const command = new DecryptCommand({
      KeyId: kekId.slice(prefix.length),
      CiphertextBlob: wrapped,
      EncryptionContext: contextOf(aad),
    });
    const { Plaintext } = await this.#send('decrypt', async (client) => client.send(command));
    if (!Plaintext) throw new KekError('the answer of AWS KMS is not understood');
    return Plaintext;
  }

  async #send<T>(verb: string, call: (client: KMSClient) => Promise<T>): Promise<T> {
    this.#client ??= this.#connect();
    try {
      return await call(await this.#client);
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : 'an error';
      if (name === 'InvalidCiphertextException' || name === 'IncorrectKeyException') {
        throw new KekError('it is not the one that sealed it', { cause });
      }
      throw new KekError(`AWS KMS does not ${verb}: ${name}`, { cause });
    }
  }

  /** Loaded only where it is configured: nobody else pays for it. */
  async #connect(): Promise<KMSClient> {
    const { KMSClient: Client } = await import('@aws-sdk/client-kms');
    const { endpoint, timeoutMs = 5_000 } = this.#options;
    const requestHandler = { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true };
    return new Client({ maxAttempts: 2, requestHandler, ...(endpoint !== undefined && { endpoint }) });
  }
}

function contextOf(aad: Uint8Array): Record<string, string> {
  return { modelgate: Buffer.from(aad).toString('base64url') };
}
