/** The challenges of one answer: each once, and no more of them than headers hold. */
import { expect, test } from 'vitest';
import { challengeOf } from '../../src/authn/identity/decisions.ts';
import { limits } from '../../src/base/limits.ts';
import { Challenges, stepUpChecksHeader, stepUpHeader } from '../../src/service/step-up.ts';
import { callOf } from './harness.ts';

test('each once, in their order; the checks of a batch by their ids', () => {
  const call = callOf('BatchCheck');
  const challenges = new Challenges(call);
  const [phr, fresh] = [{ acr_values: ['phr'] }, { max_age: 60 }];
  challenges.addFor('a', phr);
  challenges.addFor('b', fresh);
  challenges.addFor('c', phr);
  expect(call.responseHeaders[stepUpHeader]).toBe(`${challengeOf(phr)}, ${challengeOf(fresh)}`);
  expect(call.responseHeaders[stepUpChecksHeader]).toBe('a,b,c');
});

test.each([
  [limits.stepUpHeaderBytesMax - 1, true],
  [limits.stepUpHeaderBytesMax, true],
  [limits.stepUpHeaderBytesMax + 1, false],
])('challenges of %d bytes: the last one is told, %s', (bytes, told) => {
  const call = callOf('Check');
  const challenges = new Challenges(call);
  const first = { acr_values: ['phr'] };
  const empty = challengeOf({ acr_values: [''] }).length;
  const room = bytes - challengeOf(first).length - ', '.length - empty;
  challenges.add(first);
  challenges.add({ acr_values: ['x'.repeat(room)] });
  const header = call.responseHeaders[stepUpHeader] as string;
  expect(header.length).toBe(told ? bytes : challengeOf(first).length);
});
