import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { adminOf } from './admin.guard.ts';
import { AdminProblem } from './problem.ts';

/** What the audit log keeps of a request that changes something. */
export function by(request: FastifyRequest): { requestId: string; actor: string } {
  return { requestId: request.id, actor: adminOf(request).subject };
}

/** @throws AdminProblem 400 naming every member that is not as it should be */
export function parse<S extends z.ZodType>(schema: S, given: unknown): z.output<S> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new AdminProblem(400, 'The request is malformed', problems.join('; '));
}
