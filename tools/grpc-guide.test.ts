import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { methodRows } from './grpc-guide.ts';

it('the guide to gRPC has the methods that the gateway has', () => {
  const guide = readFileSync(new URL('../docs/guides/grpc.md', import.meta.url), 'utf8');
  const rows = guide
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^[| :-]+$/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const wanted = methodRows().map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  expect(rows).toEqual(wanted);
});
