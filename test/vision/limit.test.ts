import { describe, expect, it } from 'vitest';
import type { Dataset, Example } from '../../vision/data/dataset.ts';
import { limitExamples } from '../../vision/data/limit.ts';
import { split } from '../../vision/data/split.ts';

type Labelled = Example & { readonly label: string | null };
const labelled = ({ label }: Labelled) => label !== null;
/** A hundred images, every fifth without a label; each is as wide as its place. */
const all: Dataset<Labelled> = {
  name: 'all',
  examples: Array.from({ length: 100 }, (_, i) => ({ id: `g${i}`, label: i % 5 === 4 ? null : 'cat' })),
  notes: ['a note'],
  load: async (index) => ({ width: index, height: 1, data: new Uint8Array() }),
  close: async () => undefined,
};

describe('a limit of images', () => {
  it('keeps so many with labels, in their order, and says so', () => {
    const few = limitExamples(all, 30, labelled);
    expect(few.examples).toHaveLength(30);
    expect(few.examples.every(labelled)).toBe(true);
    const places = few.examples.map(({ id }) => Number(id.slice(1)));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(few.notes).toEqual(['a note', '30 of 80 labelled images are used']);
  });

  it('loads the images of those that it keeps', async () => {
    const few = limitExamples(all, 30, labelled);
    for (const [i, { id }] of few.examples.entries()) expect(`g${(await few.load(i)).width}`).toBe(id);
  });

  it('is a sample whose sides are as those of all', () => {
    const ids = limitExamples(all, 40, labelled).examples.map(({ id }) => id);
    const { train, validation } = split(
      ids,
      ids.map(() => 'smooth'),
      { valFraction: 0.5 },
    );
    // Those with the smallest hash of the split itself would all be on one side.
    expect(Math.min(train.length, validation.length)).toBeGreaterThan(10);
  });

  it('leaves a dataset alone that has no more', () => {
    expect(limitExamples(all, 80, labelled)).toBe(all);
  });
});
