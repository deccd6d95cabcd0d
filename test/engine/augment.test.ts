import { describe, expect, it } from 'vitest';
import { augmentImages } from '../../engine/ops/augment.ts';
import { input } from '../../engine/ops/leaves.ts';
import { UserError } from '../../engine/user_error.ts';
import {
  NO_AUGMENTATION,
  PLAIN,
  SYMMETRIES,
  colourMatrix,
  viewMatrix,
  type Placement,
} from '../../vision/view/view.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray, uniform } from '../random.ts';
import { augment as reference } from '../reference/augment.ts';
import { UNIT, expectWithin } from '../tolerance.ts';

const BYTES = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

/** Images of random bytes, packed, and the byte of a channel. */
function randomImages(n: number, h: number, w: number, seed: number) {
  const random = uniform(seed);
  const x = Uint32Array.from({ length: n * h * w }, () => Math.floor(random() * 2 ** 32));
  return {
    x,
    at: (k: number, row: number, column: number, c: number) => (x[(k * h + row) * w + column] >>> (8 * c)) & 255,
  };
}

const op = (n: number, h: number, w: number, size: number, taps?: number) =>
  augmentImages(input('x', [n, h, w], 'u32'), input('view', [n, 6]), input('colour', [n, 12]), { size, taps });
const repeated = (n: number, values: readonly number[]) =>
  Float32Array.from(Array.from({ length: n }, () => values).flat());

describeAdapters('views of images', (device) => {
  it('the eight symmetries move pixels about and change none', async () => {
    const size = 5;
    const { x, at } = randomImages(1, size, size, 1);
    const images = new Uint32Array(8 * x.length);
    for (let k = 0; k < 8; k++) images.set(x, k * x.length);
    const view = Float32Array.from(SYMMETRIES.flatMap((placement) => viewMatrix(placement, size, size, size)));
    const [got] = await evaluate(device(), [op(8, size, size, size)], { x: images, view, colour: repeated(8, BYTES) });
    const e = size - 1;
    // Where pixel (row i, column j) of each comes from, worked out by hand: turns by 0, 90, 180, 270 degrees, then
    // their mirror images.
    const from: ((i: number, j: number) => readonly [number, number])[] = [
      (i, j) => [i, j],
      (i, j) => [j, e - i],
      (i, j) => [e - i, e - j],
      (i, j) => [e - j, i],
      (i, j) => [i, e - j],
      (i, j) => [e - j, e - i],
      (i, j) => [e - i, j],
      (i, j) => [j, i],
    ];
    from.forEach((source, k) => {
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++)
          for (let c = 0; c < 3; c++) {
            // Back to a byte: exact to far below half of one.
            expect(got[((k * size + i) * size + j) * 3 + c] * 255, `symmetry ${k}, (${i}, ${j})`).toBeCloseTo(
              at(0, ...source(i, j), c),
              3,
            );
          }
    });
  });

  it('the plain view without jitter is the image normalised', async () => {
    const [n, size] = [2, 6];
    const { x, at } = randomImages(n, size, size, 2);
    const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    const colour = repeated(n, colourMatrix(NO_AUGMENTATION, normalisation));
    const [got] = await evaluate(device(), [op(n, size, size, size)], {
      x,
      view: repeated(n, viewMatrix(PLAIN, size, size, size)),
      colour,
    });
    got.forEach((v, t) => {
      const [k, i, j, c] = [
        Math.floor(t / (size * size * 3)),
        Math.floor(t / (size * 3)) % size,
        Math.floor(t / 3) % size,
        t % 3,
      ];
      expect(v).toBeCloseTo((at(k, i, j, c) / 255 - normalisation.mean[c]) / normalisation.std[c], 5);
    });
  });

  it.each([
    { n: 1, h: 7, w: 9, size: 6, taps: 1 },
    { n: 3, h: 8, w: 8, size: 5, taps: 2 },
    { n: 2, h: 12, w: 11, size: 3, taps: 4 },
  ])('any view of $n images of $h x $w at $size with $taps taps', async ({ n, h, w, size, taps }) => {
    const { x } = randomImages(n, h, w, 3);
    const placements = Array.from(
      { length: n },
      (_, k): Placement => ({
        angle: 0.4 + k,
        mirrored: k % 2 === 1,
        scale: 0.7 + 0.5 * k,
        shiftX: 0.2 * k - 0.1,
        shiftY: -0.15,
      }),
    );
    const view = Float32Array.from(placements.flatMap((p) => viewMatrix(p, size, h, h)));
    const colour = randomArray(12 * n, 4);
    const [got] = await evaluate(device(), [op(n, h, w, size, taps)], { x, view, colour });
    // Coordinates up to 16 are off by a few roundings of 16, and colours change by at most 1 a pixel in each direction;
    // then three products with factors of at most 1 and the offset.
    expectWithin(
      got,
      reference(x, [n, h, w], size, taps, view, colour),
      () => 3 * 2 * (6 * 16 * UNIT) + 16 * UNIT + 3 * taps ** 2 * UNIT,
    );
  });

  it('outside the image its edge goes on, however far', async () => {
    const { x, at } = randomImages(1, 4, 4, 5);
    for (const far of [3, 100, 1e9, 3e38]) {
      const view = Float32Array.of(0, 0, far, 0, 0, -far);
      const [got] = await evaluate(device(), [op(1, 4, 4, 2)], { x, view, colour: Float32Array.from(BYTES) });
      for (let t = 0; t < 12; t++) expect(got[t] * 255, `${far}`).toBeCloseTo(at(0, 0, 3, t % 3), 3);
    }
  });

  it('a view that shrinks averages what it covers', async () => {
    // A chessboard at half its size: one tap a pixel could see black or white alone, the average is grey.
    const side = 16;
    const x = Uint32Array.from({ length: side * side }, (_, t) =>
      ((t % side) + Math.floor(t / side)) % 2 === 0 ? 0xffffffff : 0,
    );
    const view = Float32Array.from(viewMatrix(PLAIN, 8, side, side));
    const [got] = await evaluate(device(), [op(1, side, side, 8, 2)], { x, view, colour: Float32Array.from(BYTES) });
    for (const v of got) expect(v).toBeCloseTo(0.5, 5);
  });
});

describe('augmentImages', () => {
  it('refuses images and views that do not fit, naming the shapes', () => {
    const [x, view, colour] = [input('x', [2, 4, 4], 'u32'), input('view', [2, 6]), input('colour', [2, 12])];
    expect(() => augmentImages(input('x', [2, 4, 4]), view, colour, { size: 4 })).toThrow(UserError);
    expect(() => augmentImages(input('x', [2, 4, 4]), view, colour, { size: 4 })).toThrow(
      /augment: it takes u32, and x is f32 \[2, 4, 4\]/,
    );
    expect(() => augmentImages(input('x', [4, 4], 'u32'), view, colour, { size: 4 })).toThrow(
      /u32 \[N, H, W\].*\[4, 4\]/,
    );
    expect(() => augmentImages(x, input('view', [3, 6]), colour, { size: 4 })).toThrow(
      /2 images need views \[2, 6\].*\[3, 6\]/,
    );
    expect(() => augmentImages(x, view, input('colour', [2, 9]), { size: 4 })).toThrow(/\[2, 9\]/);
  });
});
