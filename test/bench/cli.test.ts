import { expect, it } from 'vitest';
import { tuningfork } from '../cli/cli.ts';

it.each([
  [['bench', 'train', '--batch', '0'], /must be a whole number from 1 to 1024/],
  [['bench', 'models', '--size', '16'], /must be a whole number from 32 to 2048/],
  [['bench', 'models', '--vs', 'torch'], /Allowed choices are tfjs/],
  [['bench', 'models', '--adapter', 'no such adapter'], /tuningfork could not open: no adapter is called no such adapter/],
  [['bench', 'contender'], /a part of `tuningfork bench models`/],
])('ends with 2 for %j', async (args, message) => {
  const { code, stdout, stderr } = await tuningfork(args);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
  expect(stdout).toBe('');
});
