import { Controller, Get, Header } from '@nestjs/common';
import { openApiDocument } from './openapi.ts';

/** The API's description, for whoever writes a client; it says nothing that is not in the documentation. */
@Controller('admin/v1/openapi.json')
export class OpenApiController {
  @Get()
  @Header('cache-control', 'public, max-age=300')
  document(): object {
    return openApiDocument();
  }
}
