/** Somebody who reads the JWKS: one user agent at one address. */
export interface JwksReader {
  userAgent: string;
  source: string;
  /** At all replicas together. */
  requests: number;
  /** The latest of its readings, oldest first, in milliseconds on the database's clock. */
  readAt: readonly number[];
}

/** What one replica saw of a reader since it last said so. */
export interface ReaderSighting extends Pick<JwksReader, 'userAgent' | 'source' | 'requests'> {
  /** Its latest readings. Ages and not times: clocks of replicas differ. */
  agesSeconds: readonly number[];
}

/**
 * Who reads the JWKS, as all replicas have seen it: a balancer spreads the requests of one reader over them, so that none of
 * them alone can tell how often it comes.
 */
export abstract class JwksReaders {
  /** Of a reader its latest readings are kept, and of an issuer so many readers: whoever comes after them is not counted. */
  static readonly kept = { readings: 16, readers: 1000 } as const;

  /** Adds to what is known, in whatever order replicas come. Durable when it resolves. @throws StoreUnavailable */
  abstract add(issuer: string, sightings: readonly ReaderSighting[]): Promise<void>;

  /** @returns all of them, and the database's time. @throws StoreUnavailable */
  abstract list(issuer: string): Promise<{ now: number; readers: JwksReader[] }>;

  /** Forgets who has not read for that long. @returns how many. @throws StoreUnavailable */
  abstract forget(issuer: string, afterSeconds: number): Promise<number>;
}
