import { expect, it } from 'vitest';
import { Ahead } from '../../vision/train/ahead.ts';

it('lets so many run ahead, and settles them in order', async () => {
  const settled: number[] = [];
  const ahead = new Ahead<number>(2, async (n) => void settled.push(n));
  const after: number[] = [];
  for (let n = 0; n < 5; n++) {
    await ahead.add(n);
    after.push(settled.length);
  }
  expect(after).toEqual([0, 0, 1, 2, 3]);
  await ahead.drain();
  await ahead.drain();
  expect(settled).toEqual([0, 1, 2, 3, 4]);
});

it('hands on what settling throws', async () => {
  const ahead = new Ahead<string>(0, async (word) => {
    throw new Error(word);
  });
  await expect(ahead.add('no')).rejects.toThrow('no');
});
