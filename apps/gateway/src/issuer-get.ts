import type { Clock } from '@modelgate/core';
import { httpGet, type HttpGet } from '@modelgate/jwt';
import type { Logger } from '@modelgate/nest';
import type { Config } from './config.ts';
import { RememberedAnswers } from './remembered-answers.ts';

/** Fetches from the issuer. With a state folder, it falls back to the issuer's last answers. */
export function issuerGet({ STATE_FOLDER: folder }: Config, clock: Clock, logger: Logger): HttpGet {
  if (folder === undefined) return httpGet;
  const onProblem = (problem: string): void => logger.warn({ problem }, 'remembered answers');
  return new RememberedAnswers({ folder, get: httpGet, clock, onProblem }).get;
}
