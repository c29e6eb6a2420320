import { describe, expect, it } from 'vitest';
import { parseCommand, UsageError } from './command-line.ts';

const parse = (line: string): unknown => parseCommand(line.split(' '));

describe('modelgate-admin reads', () => {
  it.each<[string, object]>([
    ['keys list', { verb: 'list' }],
    ['keys list --help', { verb: 'help' }],
    ['keys rehearse', { verb: 'rehearse', seconds: 86_400 }],
    ['keys rehearse --within 60', { verb: 'rehearse', seconds: 60 }],
    ['keys rotate --reason drill', { verb: 'rotate', reason: 'drill', force: false, dryRun: false, alg: undefined }],
    [
      'keys rotate --dry-run --reason drill',
      { verb: 'rotate', reason: 'drill', force: false, dryRun: true, alg: undefined },
    ],
    ['keys prepare --reason drill --alg EdDSA', { verb: 'prepare', reason: 'drill', alg: 'EdDSA' }],
    [
      'keys revoke --kid -a --reason leak --force',
      { verb: 'revoke', reason: 'leak', force: true, dryRun: false, kid: '-a' },
    ],
    [
      'keys revoke --kid --a --reason leak',
      { verb: 'revoke', reason: 'leak', force: false, dryRun: false, kid: '--a' },
    ],
  ])('%s', (line, command) => {
    expect(parse(line)).toEqual(command);
  });

  it.each<[string, RegExp]>([
    ['keys', /is not a command/],
    ['keys burn', /modelgate-admin keys burn is not a command/],
    ['keys toString', /is not a command/],
    ['models list', /is not a command/],
    ['keys list everything', /is not a command/],
    ['keys list --colour', /--colour/],
    ['keys list --force', /keys list takes no --force/],
    ['keys rotate --force=yes --reason x', /--force/],
    ['keys rotate --reason', /--reason/],
    ['keys rotate', /needs a --reason/],
    ['keys rotate --reason x', /--reason is 3 to 500 characters/],
    ['keys rotate --reason bell\u0007', /none of them a control character/],
    ['keys prepare --reason drill --dry-run', /keys prepare takes no --dry-run/],
    ['keys rotate --reason why --alg HS256', /--alg is one of ES256/],
    ['keys revoke --reason x', /needs a --kid/],
    ['keys rehearse --within soon', /--within is a whole number of seconds/],
    ['keys rehearse --within -5', /--within/],
    ['keys rehearse --within 0', /--within/],
    ['keys rehearse --within 1e3', /--within/],
    ['keys rehearse --within 99999999', /from 1 to 31622400/],
  ])('not: %s', (line, sentence) => {
    expect(() => parse(line)).toThrow(UsageError);
    expect(() => parse(line)).toThrow(sentence);
  });
});
