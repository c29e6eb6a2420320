import type { Clock } from '@modelgate/core';
import { httpGet, type HttpGet } from '@modelgate/jwt';
import type { Logger } from '@modelgate/nest';
import type { Config } from './config.ts';
import { RememberedAnswers } from './remembered-answers.ts';

/** Asks the issuer, and where there is a folder for it, goes on from what it said last. */
export function issuerGet({ STATE_FOLDER: folder }: Config, clock: Clock, logger: Logger): HttpGet {
  if (folder === undefined) return httpGet;
  const onProblem = (problem: string): void => logger.warn({ problem }, 'remembered answers');
  return new RememberedAnswers({ folder, get: httpGet, clock, onProblem }).get;
}
