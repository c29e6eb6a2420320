import { expect, it } from 'vitest';
import { step, tookTooLong } from './step.ts';

const node = (script: string): string[] => [process.execPath, '-e', script];

it('gives back the exit code of what it ran', async () => {
  expect(await step('three', node('process.exit(3)'), { limitSeconds: 60 })).toBe(3);
});

it('hands on what the environment has to say', async () => {
  expect(await step('five', node('process.exit(Number(process.env.CODE))'), { env: { CODE: '5' } })).toBe(5);
});

it('ends what takes longer than its limit, and says so', async () => {
  expect(await step('hangs', node('setInterval(() => undefined, 1000)'), { limitSeconds: 1 })).toBe(tookTooLong);
});
