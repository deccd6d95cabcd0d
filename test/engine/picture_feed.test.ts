import { expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { PictureFeed, isPicture, type Put } from '../../engine/program/picture_feed.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';

// Browsers alone have pictures (test/web/pictures.test.ts). Here their bytes are written into the texture instead.

/** Puts these bytes, four a pixel, and the next time those after them. */
function putBytes(bytes: Uint8Array<ArrayBuffer>): Put {
  let at = 0;
  return ({ queue }, _, texture) => {
    const { width, height } = texture;
    const own = bytes.subarray(at, (at += 4 * width * height));
    queue.writeTexture({ texture }, own, { bytesPerRow: 4 * width }, [width, height]);
  };
}

describeAdapters('a picture that is fed', (device) => {
  it.each([[[5, 7, 3]], [[5, 7, 4]], [[1, 1, 3]], [[1, 6, 64, 3]], [[3, 4, 70, 4]], [[2, 129, 131, 3]]])(
    'is its bytes as numbers, in %j',
    async (shape) => {
      const [height, width, channels] = shape.slice(-3);
      const count = shape.length === 4 ? shape[0] : 1;
      const bytes = Uint8Array.from(randomArray(4 * count * height * width, 1, 0, 255.999));
      const want = bytes.filter((_, i) => i % 4 < channels);
      const before = device().memory.bytes;
      const target = device().createStorage(4 * want.length, 'target');
      {
        using feed = new PictureFeed(device(), input('x', shape), target, putBytes(bytes));
        feed.write(Array<never>(count));
        expect([...new Float32Array(await device().readBuffer(target))]).toEqual([...want]);
      }
      device().destroyBuffer(target);
      expect(device().memory.bytes).toBe(before);
      device().check();
    },
  );

  it('must fit the input, which takes colours', () => {
    const target = device().createStorage(4, 'target');
    for (const shape of [[12], [4, 3], [1, 1, 2, 2, 3], [2, 2, 1]])
      expect(() => new PictureFeed(device(), input('x', shape), target)).toThrow(/x: .* takes no pictures: that needs/);
    expect(() => new PictureFeed(device(), input('x', [2, 2, 3], 'u32'), target)).toThrow(/takes no pictures/);
    expect(() => new PictureFeed(device(), input('x', [1, 100_000, 3]), target)).toThrow(/at most \d+ pixels a side/);
    device().destroyBuffer(target);
  });
});

it('is known by what a page has, of which Node has nothing', () => {
  for (const value of [null, undefined, 1, 'ImageBitmap', {}, { width: 2, height: 2 }, new Uint8Array(4), [1]])
    expect(isPicture(value)).toBe(false);
});
