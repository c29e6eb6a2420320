import 'reflect-metadata';
import { OpenApiContract } from '@modelgate/testing';
import { RequestMethod, type Type } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { adminOperations } from './admin-operations.ts';
import { operationOf } from './admin.guard.ts';
import { KeysController } from './keys/keys.controller.ts';
import { ModelsController } from './models/models.controller.ts';
import { openApiDocument } from './openapi.ts';

/** What Nest routes to a controller's handlers: operation → method and path, as the decorators say. */
function routesOf(controller: Type): [string, string][] {
  const prototype = controller.prototype as Record<string, object>;
  const base = Reflect.getMetadata('path', controller) as string;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = prototype[name] ?? {};
    const path = Reflect.getMetadata('path', handler) as string | undefined;
    if (name === 'constructor' || path === undefined) return [];
    const method = RequestMethod[Reflect.getMetadata('method', handler) as RequestMethod];
    const full = `/${base}/${path}`.replace(/\/+$/, '').replaceAll(/:(\w+)/g, '{$1}');
    return [[operationOf(handler) ?? `${name} is no operation`, `${method} ${full}`]];
  });
}

describe('the description of the admin API', () => {
  it('has every route there is, and no other', () => {
    const routes = Object.fromEntries([KeysController, ModelsController].flatMap(routesOf));
    const described = Object.entries(adminOperations).map(([name, { method, path }]) => [
      name,
      `${method} /admin/v1${path}`,
    ]);
    expect(routes).toEqual(Object.fromEntries(described));
  });

  it('is whole: its schemas are JSON Schema 2020-12, and what they refer to is there', () => {
    expect(() => new OpenApiContract(openApiDocument())).not.toThrow();
  });
});
