import { describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/user_error.ts';
import { imagesMet } from '../../../vision/data/images_met.node.ts';
import type { RgbImage } from '../../../vision/data/rgb_image.ts';
import type { Side } from '../../../vision/data/labelled.ts';
import { imageSentences } from '../../../vision/report/section_images.ts';

type Made = readonly [id: string, side: Side | null, image: RgbImage | string];
const of = (width: number, height: number, value: number, channels?: number): RgbImage => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
  ...(channels !== undefined && { channels }),
});
const dataset = (made: readonly Made[]) => ({
  name: 'made up',
  examples: made.map(([id, side]) => ({ id, side })),
  notes: [],
  load: async (index: number) => {
    const [, , image] = made[index];
    if (typeof image === 'string') throw new UserError(image);
    return image;
  },
  close: async () => {},
});

describe('what images are met', () => {
  it('has the most frequent size, the least and the largest, and channels', async () => {
    const met = await imagesMet(
      dataset([
        ['a', null, of(4, 4, 1, 3)],
        ['b', null, of(4, 4, 2, 1)],
        ['c', null, of(2, 3, 3, 3)],
        ['d', null, of(9, 2, 4, 3)],
        ['e', null, 'e.png is cut off'],
      ]),
    );
    expect(met).toEqual({
      sizes: {
        different: 3,
        frequent: { width: 4, height: 4, count: 2 },
        least: { width: 2, height: 3, count: 1 },
        largest: { width: 9, height: 2, count: 1 },
      },
      channels: [
        { channels: 1, count: 1 },
        { channels: 3, count: 3 },
      ],
      equal: { onBothSides: false, pairs: 0, first: [] },
      unreadable: { count: 1, first: ['e.png is cut off'] },
    });
    expect(imageSentences(met)).toEqual([
      'Images have 3 sizes: most often 4 x 4 (2), at least 2 x 3 (1), at most 9 x 2 (1).',
      'Channels: grey (1), colour (3).',
      'No two images are equal.',
      '1 image cannot be read: e.png is cut off.',
    ]);
  });

  it('has the pairs of equal images that are on different sides, the first three by id', async () => {
    // Of one picture 2 train, 2 validation and 1 test: 2 2 + 2 1 + 2 1 = 8 pairs; of another 1 and 1; a third, twice
    // on one side, is no pair, nor are images of other sides with the same bytes.
    const met = await imagesMet(
      dataset([
        ['x1', 'train', of(4, 4, 1)],
        ['x2', 'train', of(4, 4, 1)],
        ['x3', 'validation', of(4, 4, 1)],
        ['x4', 'validation', of(4, 4, 1)],
        ['x5', 'test', of(4, 4, 1)],
        ['z', 'train', of(4, 4, 2)],
        ['a', 'test', of(4, 4, 2)],
        ['t1', 'train', of(4, 4, 3)],
        ['t2', 'train', of(4, 4, 3)],
        ['w1', 'train', of(2, 8, 4)],
        ['w2', 'test', of(8, 2, 4)],
      ]),
    );
    expect(met.equal).toEqual({
      onBothSides: true,
      pairs: 9,
      first: [
        ['x1', 'x3'],
        ['x1', 'x4'],
        ['x1', 'x5'],
      ],
    });
    expect(imageSentences(met).at(-1)).toBe(
      '9 pairs of equal images on different sides of the split: x1 and x3; x1 and x4; x1 and x5; ….',
    );
  });

  it('has any pair where the data name no sides', async () => {
    const same = (id: string): Made => [id, null, of(1, 1, 0)];
    const { equal } = await imagesMet(dataset(['b', 'a', 'c'].map(same)));
    expect(equal).toEqual({
      onBothSides: false,
      pairs: 3,
      first: [
        ['a', 'c'],
        ['b', 'a'],
        ['b', 'c'],
      ],
    });
  });
});
