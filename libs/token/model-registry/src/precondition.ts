/** What a change says about what it changes (RFC 9110 §13.1), so that nobody undoes what he has not seen. */
export type Precondition =
  /** `If-None-Match: *`: there is no such model. */
  | { kind: 'absent' }
  /** `If-Match: *`: there is one, whatever it says. */
  | { kind: 'present' }
  /** `If-Match: "3"`: it is as it was read. */
  | { kind: 'version'; versions: readonly number[] };
