/**
 * The models that admins register over the API: what a change must be like to be made, and the port ModelStore they are kept
 * behind. What an entry is, libs/shared/catalogue says; who may change one, the admin API.
 */
export { auditOf } from './model-audit.ts';
export { ModelRefused, type ModelRefusal } from './model-refused.ts';
export { ModelRegistry } from './model-registry.ts';
export { ModelStore, type ModelChange, type RegisteredList } from './model-store.ts';
export type { Precondition } from './precondition.ts';
export type { RegisteredModel } from './registered-model.ts';
