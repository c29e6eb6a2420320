import { z } from 'zod';
import { adminOperations, type AdminOperation } from './admin-operations.ts';

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  instance: z.string().describe('the request id, under which the log has the reason'),
  earliestActivation: z.iso.datetime().optional().describe('409: when the spare may sign'),
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
      schemas: { Problem: schemaOf(problemSchema) },
    },
    paths,
  };
}

function describe(operationId: string, { summary, roles, body, answer, errors, path }: AdminOperation): object {
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const refusals = [400, 401, 403, ...errors].map((status) => [
    String(status),
    { description: `Problem details (RFC 9457)`, content: problem },
  ]);
  return {
    operationId,
    summary,
    description: `Roles: ${roles.join(', ')}.`,
    ...(path.includes('{kid}') && {
      parameters: [{ name: 'kid', in: 'path', required: true, schema: { type: 'string' } }],
    }),
    ...(operationId === 'rehearse' && {
      parameters: [
        { name: 'within', in: 'query', description: 'seconds', schema: { type: 'integer', default: 86_400 } },
      ],
    }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: {
      '200': { description: 'Done', content: { 'application/json': { schema: schemaOf(answer) } } },
      ...(Object.fromEntries(refusals) as Record<string, object>),
    },
  };
}

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. */
function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
}
