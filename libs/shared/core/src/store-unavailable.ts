/** Thrown by every store of the token side when its database does not answer; becomes 503 with Retry-After. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
