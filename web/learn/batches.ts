import { RandomStream, permutation } from '../../engine/random.ts';
import type { Settings } from './settings.ts';
import { COLOURS, PIXELS, SIDE } from './sky.ts';

/** An image of a batch, and how it is turned there. */
export interface Drawn {
  readonly image: number;
  /** Which of the eight symmetries of a square: see `turned`. 0 is the image as it is. */
  readonly symmetry: number;
}

/** What tells the random numbers of turns from those of the order of images. */
const TURNS = 1;

/**
 * The images of a batch, from the seed and what was drawn before: each epoch goes through all training images in an
 * order of its own. Where images are turned, each gets one of the eight symmetries of a square.
 * @param drawn images drawn by the steps before
 */
export function batchOf(
  {
    seed,
    batchSize,
    trainingSize,
    augmentation,
  }: Pick<Settings, 'seed' | 'batchSize' | 'trainingSize' | 'augmentation'>,
  drawn: number,
): Drawn[] {
  const orders = new Map<number, Uint32Array>();
  return Array.from({ length: batchSize }, (_, i) => {
    const at = drawn + i;
    const epoch = Math.floor(at / trainingSize);
    const order = orders.get(epoch) ?? permutation(trainingSize, new RandomStream(seed, epoch));
    orders.set(epoch, order);
    const symmetry = augmentation ? Math.floor(8 * new RandomStream(seed, at, TURNS).uniform()) : 0;
    return { image: order[at % trainingSize], symmetry };
  });
}

/**
 * An image [SIDE, SIDE, COLOURS], mirrored left to right where the symmetry is odd, then turned to the right by as many
 * quarters as its half.
 */
export function turned(image: Float32Array, symmetry: number): Float32Array {
  if (symmetry === 0) return image;
  const out = new Float32Array(PIXELS);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      let [r, c] = [row, symmetry % 2 === 1 ? SIDE - 1 - column : column];
      // A quarter turn to the right takes (r, c) to (c, SIDE − 1 − r).
      for (let quarter = 0; quarter < symmetry >> 1; quarter++) [r, c] = [c, SIDE - 1 - r];
      const from = (row * SIDE + column) * COLOURS;
      out.set(image.subarray(from, from + COLOURS), (r * SIDE + c) * COLOURS);
    }
  }
  return out;
}

/** How a symmetry is called. */
export const SYMMETRIES = [
  'as it is',
  'mirrored',
  'turned by 90°',
  'mirrored, turned by 90°',
  'turned by 180°',
  'mirrored, turned by 180°',
  'turned by 270°',
  'mirrored, turned by 270°',
] as const;
