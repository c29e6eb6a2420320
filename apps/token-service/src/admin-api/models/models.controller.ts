import { ModelRegistry, type RegisteredModel } from '@modelgate/model-registry';
import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { by, parse } from '../admin-request.ts';
import { AdminGuard, Operation } from '../admin.guard.ts';
import { deleteModelQuery, putModelSchema, validateModelSchema } from './model-operations.ts';
import { etagOf, preconditionOf } from './model-precondition.ts';

/** Models for every gateway that reads the catalogue, without a file having to change. */
@Controller('admin/v1/models')
@UseGuards(AdminGuard)
export class ModelsController {
  readonly #registry: ModelRegistry;

  constructor(@Inject(ModelRegistry) registry: ModelRegistry) {
    this.#registry = registry;
  }

  @Get()
  @Operation('listModels')
  @Header('cache-control', 'no-store')
  async list(): Promise<object> {
    const { version, models } = await this.#registry.list();
    return { version, models: models.map(shown) };
  }

  @Post('validate')
  @HttpCode(200)
  @Operation('validateModel')
  async validate(@Body() body: unknown): Promise<object> {
    const { change, problems } = await this.#registry.preview(parse(validateModelSchema, body).entry);
    return { change, errors: problems.map(({ pointer, detail }) => ({ pointer: `#/entry${pointer}`, detail })) };
  }

  @Get(':namespace/:name')
  @Operation('getModel')
  @Header('cache-control', 'no-store')
  async get(@Param() path: ModelPath, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return tagged(reply, await this.#registry.get(modelAt(path)));
  }

  @Put(':namespace/:name')
  @Operation('putModel')
  async put(
    @Param() path: ModelPath,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { reason, entry } = parse(putModelSchema, body);
    const precondition = preconditionOf(request.headers);
    const order = { model: modelAt(path), entry, precondition, reason, ...by(request) };
    const { registered, created } = await this.#registry.put(order);
    reply.status(created ? 201 : 200);
    return tagged(reply, registered);
  }

  @Delete(':namespace/:name')
  @Operation('deleteModel')
  async remove(@Param() path: ModelPath, @Query() query: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { reason } = parse(deleteModelQuery, query);
    const precondition = preconditionOf(request.headers);
    return shown(await this.#registry.remove({ model: modelAt(path), precondition, reason, ...by(request) }));
  }
}

interface ModelPath {
  namespace: string;
  name: string;
}

function modelAt({ namespace, name }: ModelPath): string {
  return `${namespace}/${name}`;
}

function tagged(reply: FastifyReply, registered: RegisteredModel): object {
  reply.header('etag', etagOf(registered));
  return shown(registered);
}

function shown({ entry, version, changedAt, changedBy }: RegisteredModel): object {
  return { model: entry.model, version, changedAt: new Date(changedAt).toISOString(), changedBy, entry };
}
