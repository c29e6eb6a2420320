import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { lastingLoopbackPort, loopback, loopbackPort, startOnFreePort } from './loopback-port.ts';

test('a free port can be listened on', async () => {
  const port = await loopbackPort();
  const server = createServer().listen(port, loopback);
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  await expect(loopbackPort(port)).rejects.toThrow(`port ${port} on 127.0.0.1 is taken`);
  await new Promise((resolve) => server.close(resolve));
  expect(await loopbackPort(port)).toBe(port);
});

test('a lasting port is free, and below those that connections get', async () => {
  const port = await lastingLoopbackPort();
  expect(port).toBeLessThan(32_768);
  expect(await loopbackPort(port)).toBe(port);
});

test('a start that lost its port is tried again, any other failure is not', async () => {
  const failing = (messages: string[]) => async (): Promise<string> => {
    const message = messages.shift();
    if (message) throw new Error(message);
    return 'started';
  };
  expect(await startOnFreePort(failing(['[Errno 98] address already in use', 'java.net.BindException']))).toBe(
    'started',
  );
  await expect(startOnFreePort(failing(['out of memory']))).rejects.toThrow('out of memory');
  await expect(startOnFreePort(failing(Array.from({ length: 9 }, () => 'EADDRINUSE')))).rejects.toThrow('EADDRINUSE');
});
