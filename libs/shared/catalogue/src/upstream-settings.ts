import { DurationError, parseDuration } from '@modelgate/core';
import { z } from 'zod';
import { isDnsName } from './host.ts';

const timeout = z.string().refine(isTimeout, 'must be a duration between 1s and 1d, such as 30s or 10m');
const file = z.string().min(1, 'must be the path of a file');

/** The members of a model in the catalogue that say how its server is spoken to. */
export const upstreamSettingsShape = {
  /** How long the server may take; default: what the gateway's settings say. */
  timeouts: z.strictObject({ firstByte: timeout.optional(), idle: timeout.optional() }).optional(),
  /** Bytes of a request body; default, and upper bound: what the gateway's settings say. */
  maxBodyBytes: z
    .int()
    .min(1)
    .max(2 ** 40)
    .optional(),
  /** Requests at a time, over all callers; default: as many as come. */
  maxConcurrent: z.int().min(1).max(1_000_000).optional(),
  /** What the server receives as `Authorization`: nothing (default), what the caller sent, or the token that a file holds. */
  credential: z.union([z.enum(['strip', 'forward']), z.strictObject({ replaceFile: file })]).optional(),
  /** For origins with `https://`; each member that is absent is as the gateway's settings have it. */
  upstreamTls: z
    .strictObject({
      caFile: file.optional(),
      certFile: file.optional(),
      keyFile: file.optional(),
      serverName: z.string().refine(isDnsName, 'must be a DNS name in lower case').optional(),
    })
    .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
      message: 'certFile and keyFile belong together; name both or neither',
    })
    .optional(),
};

function isTimeout(text: string): boolean {
  try {
    const seconds = parseDuration(text);
    return seconds >= 1 && seconds <= 86_400;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    return false;
  }
}
