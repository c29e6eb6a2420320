/**
 * Both services between real parts on one machine: starts them from their dist folders as separate processes, with the
 * example configuration, and stops everything again. Owns no test and no command.
 */
export type { Access } from './access.ts';
export { exchange, infer, postForm, revoke, type ClientIdentity, type JsonAnswer } from './caller.ts';
export { rapidKeys, rotationAccess, runRotationLoad, type RotationResult } from './rotation-load.ts';
export { ServiceProcess } from './service-process.ts';
export { readSecret, startStack, type Stack } from './stack.ts';
