import '@modelgate/nest/supported-node';
import 'reflect-metadata';
import { runService } from '@modelgate/nest';
import { gatewaySettings, readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

await runService({
  app: 'gateway',
  args: process.argv.slice(2),
  environment: process.env,
  settings: gatewaySettings,
  readConfig,
  start: startGateway,
});
