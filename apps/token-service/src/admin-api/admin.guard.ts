import { OAuthError } from '@modelgate/oauth';
import { SetMetadata, type CanActivate, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import type { AdminOperation } from './admin-operation.ts';
import { adminOperations, type AdminOperationName } from './admin-operations.ts';
import type { Admin } from './admin-role.ts';
import { AdminProblem } from './problem.ts';

const operationKey = 'modelgate:admin-operation';

/** Says which operation of the table a handler is. One that is none is refused to everybody. */
export function Operation(name: AdminOperationName): CustomDecorator {
  return SetMetadata(operationKey, name);
}

/** Which operation of the table a handler is, where it is one. */
export function operationOf(handler: object): AdminOperationName | undefined {
  return Reflect.getMetadata(operationKey, handler) as AdminOperationName | undefined;
}

/** Authentication by passport, then the roles of the operation's row in the table. */
export class AdminGuard extends AuthGuard('admin') implements CanActivate {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context);
    const name = operationOf(context.getHandler());
    const operation: AdminOperation | undefined = name && adminOperations[name];
    const { roles } = adminOf(context.switchToHttp().getRequest());
    if (operation?.roles.some((role) => roles.includes(role))) return true;
    throw new AdminProblem(
      403,
      'Your roles do not permit this',
      `needs one of: ${operation?.roles.join(', ') ?? 'none'}`,
    );
  }

  /** Passport tells a refusal by `info`, and its cause is what the log needs. */
  override handleRequest<T>(error: unknown, admin: T | false, info: unknown): T {
    if (admin) return admin;
    if (error instanceof OAuthError || error instanceof AdminProblem) throw error;
    throw info instanceof OAuthError ? info : new AdminProblem(401, 'A bearer token of an admin is required');
  }
}

/** Who is asking; the guard has seen to it that there is somebody. */
export function adminOf(request: FastifyRequest): Admin {
  return (request as FastifyRequest & { user: Admin }).user;
}
