import type { AuditEvent, AuditLog } from '@modelgate/audit';
import { OAuthError } from '@modelgate/oauth';

/** Told about an event that could not be written, so that it stands in the log at least. */
export type AuditFailure = (event: AuditEvent, cause: unknown) => void;

/** The audit log had no room for another refusal. */
export class AuditBacklog extends Error {
  override readonly name = 'AuditBacklog';
}

/**
 * Writes refusals down without making anybody wait for it: a refusal stays a refusal when the audit log is down, and a
 * flood of them does not pile up in memory.
 */
export class RefusalAudit {
  readonly #audit: AuditLog;
  readonly #onFailure: AuditFailure;
  readonly #capacity: number;
  #pending = 0;

  constructor(audit: AuditLog, onFailure: AuditFailure, capacity = 1000) {
    this.#audit = audit;
    this.#onFailure = onFailure;
    this.#capacity = capacity;
  }

  record(event: Omit<AuditEvent, 'outcome' | 'reason'>, error: unknown): void {
    void this.#write({ ...event, outcome: 'refused', reason: reasonOf(error) });
  }

  async #write(event: AuditEvent): Promise<void> {
    if (this.#pending >= this.#capacity) return this.#onFailure(event, new AuditBacklog('too many refusals at once'));
    this.#pending++;
    try {
      await this.#audit.write(event);
    } catch (cause) {
      this.#onFailure(event, cause);
    } finally {
      this.#pending--;
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof OAuthError ? `${error.code}: ${error.detail ?? error.description}` : 'server_error';
}
