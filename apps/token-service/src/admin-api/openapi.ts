import { catalogueModelSchema } from '@modelgate/catalogue';
import { z } from 'zod';
import type { AdminOperation } from './admin-operation.ts';
import { adminOperations } from './admin-operations.ts';

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  instance: z.string().describe('the request id, under which the log has the reason'),
  earliestActivation: z.iso.datetime().optional().describe('409: when the spare may sign'),
  errors: z
    .array(z.object({ pointer: z.string().describe('JSON Pointer into the request'), detail: z.string() }))
    .optional()
    .describe('everything that is wrong with the entry of a model'),
});

/** The admin API as OpenAPI 3.1, made of the table its guards use. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [operationId, operation] of Object.entries(adminOperations)) {
    const path = `/admin/v1${operation.path}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operationId, operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Modelgate admin API', version: '1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ admin: [] }],
    components: {
      securitySchemes: { admin: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        Problem: schemaOf(problemSchema),
        CatalogueModel: {
          ...schemaOf(catalogueModelSchema, 'input'),
          description:
            'An entry of the catalogue. Members that name files belong into the catalogue file and are refused here.',
        },
      },
    },
    paths,
  };
}

function describe(operationId: string, operation: AdminOperation): object {
  const { summary, roles, body, answer, created } = operation;
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const refusals = refusalsOf(operation).map((status) => [
    String(status),
    { description: `Problem details (RFC 9457)`, content: problem },
  ]);
  const done = { 'application/json': { schema: schemaOf(answer) } };
  const parameters = parametersOf(operation);
  return {
    operationId,
    summary,
    description: `Roles: ${roles.join(', ')}.`,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: {
      '200': { description: 'Done', content: done },
      ...(created && { [created]: { description: 'Created', content: done } }),
      ...(Object.fromEntries(refusals) as Record<string, object>),
    },
  };
}

/** Beside what the operation itself refuses: what every request is read, and who sends it is asked, before it comes there. */
function refusalsOf({ path, body, errors }: AdminOperation): number[] {
  return [400, 401, 403, ...(path.includes('{') ? [404, 414] : []), ...(body ? [413, 415] : []), ...errors];
}

function parametersOf({ path, parameters = [] }: AdminOperation): object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  return [...inPath, ...parameters.map(({ schema, ...rest }) => ({ ...rest, schema: schemaOf(schema, 'input') }))];
}

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
