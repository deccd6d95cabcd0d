import type { Normalisation } from '../../models/normalisation.ts';
import type { RandomStream } from '../../engine/random.ts';

/** How much a training view may differ from the plain one. Angles in degrees, all else shares. */
export interface AugmentationOptions {
  /** Rotation by up to this many degrees either way: 180 is the full circle. */
  readonly rotation: number;
  /** Mirror images, each half the time. */
  readonly flip: boolean;
  /** Scale by a factor in [1 − scale, 1 + scale]. */
  readonly scale: number;
  /** Shift by up to this share of the view's side. */
  readonly shift: number;
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Hue turned by up to this share of the full circle. */
  readonly hue: number;
}

export const NO_AUGMENTATION: AugmentationOptions = {
  rotation: 0,
  flip: false,
  scale: 0,
  shift: 0,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  hue: 0,
};
export const DEFAULT_AUGMENTATION: AugmentationOptions = {
  rotation: 180,
  flip: true,
  scale: 0.1,
  shift: 0.02,
  brightness: 0.05,
  contrast: 0.05,
  saturation: 0.05,
  hue: 0,
};

/** Of images that have an up: they are not turned. */
export const UPRIGHT_AUGMENTATION: AugmentationOptions = {
  rotation: 0,
  flip: true,
  scale: 0.2,
  shift: 0.08,
  brightness: 0.2,
  contrast: 0.2,
  saturation: 0.2,
  hue: 0,
};

/** Where a view looks: an affine map in the picture's plane, before it is expressed in pixels. */
export interface Placement {
  /** Radians, counter-clockwise as seen. */
  readonly angle: number;
  readonly mirrored: boolean;
  readonly scale: number;
  /** Of the view's centre, in shares of its side. */
  readonly shiftX: number;
  readonly shiftY: number;
}

export const PLAIN: Placement = { angle: 0, mirrored: false, scale: 1, shiftX: 0, shiftY: 0 };

/** The eight symmetries of the square: quarter turns, and their mirror images. */
export const SYMMETRIES: readonly Placement[] = [false, true].flatMap((mirrored) =>
  [0, 1, 2, 3].map((turn) => ({ ...PLAIN, mirrored, angle: (turn * Math.PI) / 2 })),
);

/**
 * The views over which predictions are averaged, the plain one first: the symmetries of the square, then each turned by
 * 45 degrees.
 */
export const PLAIN_VIEWS: readonly Placement[] = [0, Math.PI / 4].flatMap((turn) =>
  SYMMETRIES.map((placement) => ({ ...placement, angle: placement.angle + turn })),
);

/** The same of images that have an up: as they are, and mirrored. */
export const UPRIGHT_VIEWS: readonly Placement[] = [PLAIN, { ...PLAIN, mirrored: true }];

/** A placement drawn at random. */
export function randomPlacement(options: AugmentationOptions, random: RandomStream): Placement {
  const around = (width: number) => width * (2 * random.uniform() - 1);
  return {
    angle: (around(options.rotation) * Math.PI) / 180,
    mirrored: random.uniform() < 0.5 && options.flip,
    scale: 1 + around(options.scale),
    shiftX: around(options.shift),
    shiftY: around(options.shift),
  };
}

/**
 * The affine map of the augment kernel: from pixel (j, i) of a view of `size` pixels to (column, row) of a source
 * square of `source` pixels, whose centre the view looks at. A scale of 1 shows `crop` source pixels; a larger one
 * shows fewer.
 */
export function viewMatrix(
  { angle, mirrored, scale, shiftX, shiftY }: Placement,
  size: number,
  source: number,
  crop: number,
): number[] {
  const step = crop / size / scale;
  // Quarter turns must be exact: cos(π/2) is 6e-17 in floating point.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)].map((v) => (Math.abs(v) < 1e-12 ? 0 : v));
  const flip = mirrored ? -1 : 1;
  const middle = (size - 1) / 2;
  const [a, b, c, d] = [step * cos * flip, -step * sin, step * sin * flip, step * cos];
  const centre = (source - 1) / 2;
  return [a, b, centre + shiftX * crop - (a + b) * middle, c, d, centre + shiftY * crop - (c + d) * middle];
}

const LUMA = [0.299, 0.587, 0.114];

/**
 * Colour jitter and normalisation as one affine map of (r, g, b) in 0..1: three rows of (r, g, b, offset), the rows in
 * the order in which the network wants its channels.
 */
export function colourMatrix(
  options: AugmentationOptions,
  { mean, std, channels }: Normalisation,
  random?: RandomStream,
): number[] {
  const around = (width: number) => (random ? 1 + width * (2 * random.uniform() - 1) : 1);
  const brightness = around(options.brightness);
  const contrast = around(options.contrast);
  const saturation = around(options.saturation);
  const turn = 2 * Math.PI * (around(options.hue) - 1);
  const hue = hueRotation(turn);
  const rows: number[] = [];
  for (const row of channels === 'bgr' ? [2, 1, 0] : [0, 1, 2]) {
    for (let column = 0; column < 3; column++) {
      // Saturation mixes with the grey of the hue-turned colour; contrast scales around mid-grey; brightness scales
      // all.
      let value = 0;
      for (let k = 0; k < 3; k++)
        value += (saturation * (row === k ? 1 : 0) + (1 - saturation) * LUMA[k]) * hue[k][column];
      rows.push((brightness * contrast * value) / std[row]);
    }
    rows.push((brightness * 0.5 * (1 - contrast) - mean[row]) / std[row]);
  }
  return rows;
}

/** Rotation of colour by an angle about the grey axis (1, 1, 1): Rodrigues' formula. */
function hueRotation(angle: number): number[][] {
  const cos = Math.cos(angle);
  const along = (1 - cos) / 3;
  const across = Math.sin(angle) / Math.sqrt(3);
  return [
    [cos + along, along - across, along + across],
    [along + across, cos + along, along - across],
    [along - across, along + across, cos + along],
  ];
}
