import type { AdminOperation } from './admin-operation.ts';
import { keyOperations } from './keys/key-operations.ts';
import { modelOperations } from './models/model-operations.ts';

/** Every operation of the admin API. Its description is made of it, and its guards ask it. */
export const adminOperations = { ...keyOperations, ...modelOperations } satisfies Record<string, AdminOperation>;

export type AdminOperationName = keyof typeof adminOperations;

const openApiPath = { method: 'GET', path: '/openapi.json' } as const;

/** The methods there are at the path of a request's target. */
export function methodsAt(target: string): string[] {
  const path = target.split('?', 1)[0] ?? '';
  const here = [...Object.values(adminOperations), openApiPath].filter((operation) =>
    new RegExp(`^/admin/v1${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  return [...new Set(here.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
}
