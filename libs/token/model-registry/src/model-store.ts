import type { RegisteredModel, WrittenEntry } from './registered-model.ts';

/** Who changes something, and why; it stands in the audit log. */
export interface ModelChange {
  /** `namespace/name`. */
  model: string;
  /** What it is from now on; undefined takes it away. */
  entry: WrittenEntry | undefined;
  actor: string;
  reason: string;
  requestId: string;
}

/** Every registered model, by name. */
export interface RegisteredList {
  /** Changes whenever the list does. */
  version: string;
  models: readonly RegisteredModel[];
}

/** The registered models. Contract: `model-store.contract.ts`, run on every implementation. */
export abstract class ModelStore {
  /** The version of the list alone, which is cheap to ask for. */
  abstract version(): Promise<string>;

  abstract list(): Promise<RegisteredList>;

  /** @param model `namespace/name` */
  abstract find(model: string): Promise<RegisteredModel | undefined>;

  /**
   * Judges and makes one change, in one transaction with its audit event; no other change comes between what `judge` sees
   * and what is written.
   *
   * @param judge throws where the change must not be made, and nothing is written then
   * @returns the model as it is from now on, or as it was where it is taken away; undefined where there was none to take away
   * @throws StoreUnavailable
   */
  abstract change(
    change: ModelChange,
    judge: (registered: readonly RegisteredModel[]) => void,
  ): Promise<RegisteredModel | undefined>;
}
