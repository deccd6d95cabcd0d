import { describe, expect, it } from 'vitest';
import { outputsOf, receptiveField, seenBy, type SlidingLayer } from '../../web/chapters/receptive_field.ts';

const PIXELS = 40;

/** A layer of weights that are all 1, over a row without padding: an output is 0 exactly where all that it reads is. */
function slide(row: readonly number[], { filter, stride, dilation }: SlidingLayer): number[] {
  const out: number[] = [];
  for (let from = 0; from + dilation * (filter - 1) < row.length; from += stride) {
    let sum = 0;
    for (let r = 0; r < filter; r++) sum += row[from + r * dilation];
    out.push(sum);
  }
  return out;
}

const layers: SlidingLayer[][] = [1, 3, 5].flatMap((filter) =>
  [1, 2].flatMap((stride) =>
    [1, 2].map((dilation) => [
      { filter: 3, stride: 1, dilation: 1 },
      { filter, stride, dilation },
      { filter: 3, stride: 2, dilation: 1 },
    ]),
  ),
);

describe('receptive fields', () => {
  it.each(layers.map((each) => [JSON.stringify(each), each] as const))('%s: are the pixels that matter', (_, each) => {
    const through = (row: readonly number[]) => each.reduce<readonly number[]>(slide, row);
    const count = through(new Array<number>(PIXELS).fill(0)).length;
    expect(outputsOf(each, PIXELS)[2]).toBe(count);
    for (let at = 0; at < count; at++) {
      // Each pixel alone is bright: does the output see it?
      const seen = Array.from({ length: PIXELS }, (__, p) => p).filter(
        (p) => through(Array.from({ length: PIXELS }, (___, i) => Number(i === p)))[at] > 0,
      );
      expect(seenBy(each, at)[0]).toEqual(seen);
      expect(receptiveField(each)).toBe(seen[seen.length - 1] - seen[0] + 1);
    }
  });
});
