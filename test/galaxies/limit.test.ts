import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../galaxies/dataset.ts';
import { limitGalaxies } from '../../galaxies/limit.ts';
import { split } from '../../galaxies/split.ts';

const votes = { smooth: 1, featured: 0, artifact: 0 };
/** A hundred galaxies, every fifth without votes; the image of each is as wide as its place. */
const sky: Dataset = {
  name: 'sky',
  galaxies: Array.from({ length: 100 }, (_, i) => ({ id: `g${i}`, votes: i % 5 === 4 ? null : votes })),
  notes: ['a note'],
  load: async (index) => ({ width: index, height: 1, data: new Uint8Array() }),
  close: async () => undefined,
};

describe('a limit of galaxies', () => {
  it('keeps so many with votes, in their order, and says so', () => {
    const few = limitGalaxies(sky, 30);
    expect(few.galaxies).toHaveLength(30);
    expect(few.galaxies.every((galaxy) => galaxy.votes)).toBe(true);
    const places = few.galaxies.map(({ id }) => Number(id.slice(1)));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(few.notes).toEqual(['a note', '30 of 80 galaxies with votes are used']);
  });

  it('loads the images of those that it keeps', async () => {
    const few = limitGalaxies(sky, 30);
    for (const [i, { id }] of few.galaxies.entries()) expect(`g${(await few.load(i)).width}`).toBe(id);
  });

  it('is a sample whose sides are as those of all', () => {
    const ids = limitGalaxies(sky, 40).galaxies.map(({ id }) => id);
    const { train, validation } = split(
      ids,
      ids.map(() => 'smooth'),
      { valFraction: 0.5 },
    );
    // Those with the smallest hash of the split itself would all be on one side.
    expect(Math.min(train.length, validation.length)).toBeGreaterThan(10);
  });

  it('leaves a dataset alone that has no more', () => {
    expect(limitGalaxies(sky, 80)).toBe(sky);
  });
});
