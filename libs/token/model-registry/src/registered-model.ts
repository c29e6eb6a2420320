/** An entry of the catalogue as an admin wrote it, defaults not filled in: JSON that `parseRegisteredModel` accepts. */
export type WrittenEntry = Readonly<Record<string, unknown>> & { readonly model: string };

/** A model that an admin registered. */
export interface RegisteredModel {
  entry: WrittenEntry;
  /** Given to no other change, of this model or of another: a model that is deleted and registered again has a new one. */
  version: number;
  /** Milliseconds since the epoch, on the store's clock. */
  changedAt: number;
  /** Who wrote it last, as the audit log names admins. */
  changedBy: string;
}
