import '@modelgate/nest/supported-node';
import 'reflect-metadata';
import { runService } from '@modelgate/nest';
import { tokenServiceSettings, readConfig } from './config.ts';
import { startTokenService } from './token-service.ts';

await runService({
  app: 'token-service',
  args: process.argv.slice(2),
  environment: process.env,
  settings: tokenServiceSettings,
  readConfig,
  start: startTokenService,
});
