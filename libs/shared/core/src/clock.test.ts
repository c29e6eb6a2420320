import { expect, it } from 'vitest';
import { Clock } from './clock.ts';

class Fixed extends Clock {
  now(): number {
    return 1_999.9;
  }
}

it('rounds seconds down, so that nothing expires late', () => expect(new Fixed().seconds()).toBe(1));
