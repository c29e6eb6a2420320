import { StoreUnavailable } from '@modelgate/core';
import {
  AwsKmsKeks,
  FileKeks,
  KekChain,
  KekError,
  KekFile,
  VaultKeks,
  type KekChainLink,
  type SealedUnder,
} from '@modelgate/key-encryption';
import { ConfigurationError } from '@modelgate/nest';
import type { Config } from '../config.ts';

/** Every signing key that is sealed, whoever seals. */
export type SealedKeys = () => Promise<readonly SealedUnder[]>;

/** Who seals and opens signing keys. */
export interface Keks {
  chain: KekChain;
  /** Absent where no file is configured. */
  file: KekFile | undefined;
}

/**
 * The provider that seals, and beside it every other one that is configured: what they sealed still opens until it has been
 * sealed again.
 *
 * @throws ConfigurationError
 */
export function openKeks(config: Config, sealed: SealedKeys): Keks {
  const file = kekFile(config, sealed);
  const owns = (kekId: string): boolean => FileKeks.owns(kekId);
  return inWords(config, () => {
    const links = { file: file && { provider: file, owns }, vault: vaultLink(config), 'aws-kms': awsLink(config) };
    const sealing = links[config.KEK_PROVIDER];
    if (!sealing) throw new KekError(`nothing is configured for ${config.KEK_PROVIDER}`);
    const others = Object.values(links).filter((link) => link !== undefined && link !== sealing);
    return { chain: new KekChain([sealing, ...others.filter((link) => link !== undefined)]), file };
  });
}

/**
 * Reads the file, and makes the first one. Where the database is away, whether a missing file was lost is found out when
 * the first key is needed.
 *
 * @throws ConfigurationError where it was lost, cannot be read or cannot be made
 */
export async function checkKeks(config: Config, { file }: Keks): Promise<void> {
  const problem = await file?.open().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (problem === undefined || problem instanceof StoreUnavailable) return;
  inWords(config, () => {
    throw problem;
  });
}

/** @throws ConfigurationError where `open` throws a KekError */
function inWords<T>(config: Config, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof KekError)
      throw new ConfigurationError([`KEK_PROVIDER ${config.KEK_PROVIDER}: ${error.message}`]);
    throw error;
  }
}

function kekFile({ KEK_FILE: path }: Config, sealed: SealedKeys): KekFile | undefined {
  if (path === undefined) return undefined;
  return new KekFile(path, async () => (await sealed()).filter(({ kekId }) => FileKeks.owns(kekId)));
}

function vaultLink(config: Config): KekChainLink | undefined {
  const { VAULT_ADDR: address, VAULT_TRANSIT_KEY: key, VAULT_TRANSIT_MOUNT: mount } = config;
  if (address === undefined || key === undefined) return undefined;
  const { VAULT_TOKEN: token, VAULT_TOKEN_FILE: tokenFile, VAULT_NAMESPACE: namespace } = config;
  const provider = new VaultKeks({ address, key, mount, token, tokenFile, namespace });
  return { provider, owns: (kekId) => VaultKeks.owns(kekId) };
}

function awsLink({ AWS_KMS_KEY_ID: keyId, AWS_KMS_ENDPOINT: endpoint }: Config): KekChainLink | undefined {
  if (keyId === undefined) return undefined;
  return { provider: new AwsKmsKeks({ keyId, endpoint }), owns: (kekId) => AwsKmsKeks.owns(kekId) };
}
