import 'reflect-metadata';
import { runService } from '@modelgate/nest';
import { readConfig } from './config.ts';
import { startTokenService } from './token-service.ts';

await runService({ app: 'token-service', environment: process.env, readConfig, start: startTokenService });
