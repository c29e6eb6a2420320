import { z } from 'zod';
import { reason, time, type AdminOperation, type AdminParameter } from '../admin-operation.ts';
import { verbsOfRole } from '../admin-role.ts';

/** As the catalogue file has it; what exactly, and where it fails, the registry says. */
const entry = z
  .unknown()
  .refine((given) => given !== undefined, 'is missing')
  .meta({ $ref: '#/components/schemas/CatalogueModel' });

export const putModelSchema = z.strictObject({ reason, entry });
export const validateModelSchema = z.strictObject({ entry });
export const deleteModelQuery = z.strictObject({ reason });

const registered = z.object({
  model: z.string().describe('namespace/name'),
  version: z.int().describe('also the ETag; given to no other change'),
  changedAt: time,
  changedBy: z.string(),
  entry,
});

const ifMatch: AdminParameter = {
  name: 'If-Match',
  in: 'header',
  description: 'the ETag that was read, or *; without it nothing that is there is replaced or taken away (428)',
  schema: z.string(),
};
const ifNoneMatch: AdminParameter = {
  name: 'If-None-Match',
  in: 'header',
  description: '*: only where there is none',
  schema: z.literal('*'),
};

const looks = verbsOfRole.look;
const operates = verbsOfRole.operate;

/** Models that are registered here, for every gateway that reads the catalogue. */
export const modelOperations = {
  listModels: {
    method: 'GET',
    path: '/models',
    summary: 'Every registered model',
    roles: looks,
    answer: z.object({ version: z.string(), models: z.array(registered) }),
    errors: [503],
  },
  getModel: {
    method: 'GET',
    path: '/models/{namespace}/{name}',
    summary: 'One registered model, with its version as ETag',
    roles: looks,
    answer: registered,
    errors: [404, 503],
  },
  validateModel: {
    method: 'POST',
    path: '/models/validate',
    summary: 'What would become of an entry, with everything that is wrong with it; changes nothing',
    roles: looks,
    body: validateModelSchema,
    answer: z.object({
      change: z.enum(['register', 'replace', 'refuse']),
      errors: z.array(z.object({ pointer: z.string(), detail: z.string() })),
    }),
    errors: [503],
  },
  putModel: {
    method: 'PUT',
    path: '/models/{namespace}/{name}',
    summary: 'Register a model, or replace its entry',
    roles: operates,
    parameters: [ifMatch, ifNoneMatch],
    body: putModelSchema,
    answer: registered,
    created: 201,
    errors: [409, 412, 428, 503],
  },
  deleteModel: {
    method: 'DELETE',
    path: '/models/{namespace}/{name}',
    summary: 'Take a registered model away; answers with what it was',
    roles: operates,
    parameters: [
      { name: 'reason', in: 'query', description: 'goes to the audit log', required: true, schema: reason },
      ifMatch,
    ],
    answer: registered,
    errors: [404, 412, 428, 503],
  },
} as const satisfies Record<string, AdminOperation>;
