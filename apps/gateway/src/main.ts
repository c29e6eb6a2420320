import 'reflect-metadata';
import { runService } from '@modelgate/nest';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

await runService({ app: 'gateway', environment: process.env, readConfig, start: startGateway });
