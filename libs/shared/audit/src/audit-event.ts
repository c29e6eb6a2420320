export type AuditOutcome = 'granted' | 'refused' | 'done';

/** One decision or one change. Holds no token, no key and no secret; a token is named by its `jti`. */
export interface AuditEvent {
  /** Milliseconds since the epoch, on the deciding process's clock. */
  at: number;
  requestId: string;
  /** `token.exchange`, `token.revoke`, `key.rotate`, … */
  action: string;
  outcome: AuditOutcome;
  /** Why, for the operator: the error code, then the detail. Absent where the outcome is `granted`. */
  reason?: string;
  clientId?: string;
  subject?: string;
  actor?: string;
  issuer?: string;
  policy?: string;
  policyVersion?: number;
  jti?: string;
  kid?: string;
  /** `namespace/name` of the model that a change is about. */
  model?: string;
  scope?: string;
  /** NumericDate of the issued token. */
  expiresAt?: number;
}

/** Where events go. Resolves once the event is durable, and rejects where it cannot be made so. */
export abstract class AuditLog {
  /** @throws StoreUnavailable */
  abstract write(event: AuditEvent): Promise<void>;
}
