import { z } from 'zod';
import type { AdminRole } from './admin-role.ts';

/** One operation of the admin API: what guards it, what it takes, what it answers. */
export interface AdminOperation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Under `/admin/v1`. */
  path: string;
  summary: string;
  roles: readonly AdminRole[];
  /** Beside what the path names. */
  parameters?: readonly AdminParameter[];
  body?: z.ZodType;
  answer: z.ZodType;
  /** What else than 200 a success may be. */
  created?: 201;
  /** Beside 400, 401 and 403. */
  errors: readonly number[];
}

export interface AdminParameter {
  name: string;
  in: 'query' | 'header';
  description: string;
  required?: boolean;
  schema: z.ZodType;
}

/** Why somebody changes something. */
export const reason = z
  .string()
  .trim()
  .min(3)
  .max(500)
  .regex(/^\P{Cc}*$/u, 'must be without control characters')
  .describe('goes to the audit log');

export const time = z.iso.datetime().describe('RFC 3339, on the database’s clock');
