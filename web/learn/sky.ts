import { CLASSES, label } from '../../galaxies/labels.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';

/**
 * Side of the laboratory's images in pixels: the least that fits two convolutions of 5 x 5 with stride 2, without
 * padding, each with its pooling.
 */
export const SIDE = 32;
/** Channels: red, green, blue. */
export const COLOURS = 3;
export const PIXELS = SIDE * SIDE * COLOURS;
/** Galaxies that are trained on, and galaxies that are only looked at. */
export const TRAINING = 128;
export const HELD_OUT = 32;
const COUNT = TRAINING + HELD_OUT;

/** The laboratory's galaxies: those that volunteers would agree about, drawn from seed 0. */
export interface Sky {
  /** R, G, B bytes, one galaxy after the other: to be shown. */
  readonly bytes: Uint8Array;
  /** What the network sees, [N, SIDE, SIDE, 3]. */
  readonly x: Float32Array;
  /** Index into `classes`. */
  readonly labels: Uint8Array;
  readonly classes: readonly string[];
  /** So many of the first images are trained on; the others are held out. */
  readonly training: number;
  /** Whether they are images of the user's own, and no galaxies. */
  readonly isOwn: boolean;
}

/**
 * A byte of the picture as the network sees it: the sky is dark (9 of 255 on average), and the root keeps bright
 * centres from drowning the arms.
 */
export const pixelValue = (byte: number): number => Math.sqrt(byte) / 2 - 1;

/**
 * Draws the galaxies; the last HELD_OUT are not to be trained on.
 * @param tell told after each how many are drawn, of how many
 */
export async function drawSky(tell: (done: number, of: number) => void = () => {}): Promise<Sky> {
  const bytes = new Uint8Array(COUNT * PIXELS);
  const labels = new Uint8Array(COUNT);
  // One galaxy in ten is ambiguous and left out.
  const dataset = syntheticDataset(2 * COUNT, 0, { size: SIDE });
  let done = 0;
  for (let i = 0; done < COUNT; i++) {
    const name = label(dataset.examples[i].votes!);
    if (!name) continue;
    bytes.set((await dataset.load(i)).data, done * PIXELS);
    labels[done++] = CLASSES.indexOf(name);
    tell(done, COUNT);
  }
  return skyOf(bytes, labels);
}

/** As many galaxies, not drawn yet. */
export const blankSky = (): Sky => skyOf(new Uint8Array(COUNT * PIXELS), new Uint8Array(COUNT));

const skyOf = (bytes: Uint8Array, labels: Uint8Array): Sky => ({
  bytes,
  x: Float32Array.from(bytes, pixelValue),
  labels,
  classes: CLASSES,
  training: TRAINING,
  isOwn: false,
});
