import { keycloak, kserve, postgres, type PostgresServer, type Realm } from '@modelgate/real-parts';
import { identityProvider, oipServer } from '@modelgate/stand-ins';
import type { StackOptions } from './stack-options.ts';

/** What the services run between. */
export interface Parts {
  database: PostgresServer;
  realm: Realm;
  modelServer: { url: string };
  /** One sentence for each part that is a stand-in, with the reason. */
  standIns: string[];
  stop(): Promise<void>;
}

/** Starts PostgreSQL, the identity provider and the model server side by side; stops what did start where one does not. */
export async function startParts(options: StackOptions): Promise<Parts> {
  const standIns: string[] = [];
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.allSettled(stops.splice(0).map((end) => end()));
  };
  const keep = async <S extends { stop(): Promise<void> }>(started: Promise<S>): Promise<S> => {
    const part = await started;
    stops.push(() => part.stop());
    return part;
  };
  const outcomes = await Promise.allSettled([
    keep(startPostgres(options)),
    keep(startIdentity(options, standIns)),
    keep(startModelServer(options, standIns)),
  ] as const);
  const [database, realm, modelServer] = outcomes;
  if (database.status === 'fulfilled' && realm.status === 'fulfilled' && modelServer.status === 'fulfilled') {
    return { database: database.value, realm: realm.value, modelServer: modelServer.value, standIns, stop };
  }
  await stop();
  throw outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
}

function startPostgres({ onProgress }: StackOptions): Promise<PostgresServer & { stop(): Promise<void> }> {
  return postgres.start({ ...(onProgress && { onProgress }) });
}

async function startIdentity(options: StackOptions, standIns: string[]): Promise<Realm> {
  const start = { ...(options.onProgress && { onProgress: options.onProgress }), port: options.ports?.identity ?? 0 };
  const availability = await keycloak.available();
  if (availability.ok) return keycloak.start(start);
  if (options.realParts) throw new Error(`Keycloak: ${availability.reason}`);
  standIns.push(
    `Identity provider: an embedded stand-in that issues Keycloak-shaped tokens, because: ${availability.reason}`,
  );
  return identityProvider.start(start);
}

async function startModelServer(
  options: StackOptions,
  standIns: string[],
): Promise<{ url: string; stop(): Promise<void> }> {
  const start = {
    ...(options.onProgress && { onProgress: options.onProgress }),
    port: options.ports?.modelServer ?? 0,
  };
  const availability = await kserve.available();
  if (availability.ok) return kserve.start(start);
  if (options.realParts) throw new Error(`KServe: ${availability.reason}`);
  standIns.push(`Model server: a small stand-in over a real classifier, because: ${availability.reason}`);
  return oipServer.start(start);
}
