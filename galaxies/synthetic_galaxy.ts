import { PURPOSE, Random } from './random.ts';

/** Colour index: 0 the bluest, 1 the reddest galaxy. */
type ColourIndex = number;

/**
 * Light of one Sérsic component. Lengths in pixels of the drawing grid, brightness in standard deviations of the sky.
 */
export interface Sersic {
  readonly index: number;
  /** Half-light radius along the major axis. */
  readonly radius: number;
  /** Surface brightness at the half-light radius. */
  readonly brightness: number;
  readonly axisRatio: number;
  readonly angle: number;
  readonly colour: ColourIndex;
}

export interface Arms {
  readonly count: number;
  /** Angle between an arm and the circle it crosses, radians; an arm is r = r0 exp(theta tan(pitch)). */
  readonly pitch: number;
  /** 0 none, 1 all the disc's light beyond its centre is in the arms. */
  readonly contrast: number;
  readonly phase: number;
  /** Higher is narrower: the arm's profile across phase is exp(sharpness (cos - 1)). */
  readonly sharpness: number;
  /** 0 drawn with a ruler, 1 bent and broken. */
  readonly wobble: number;
}

export interface Disc {
  /** Exponential scale length. */
  readonly scale: number;
  /** Central surface brightness. */
  readonly brightness: number;
  /** cos(inclination), but no less than the disc's thickness. */
  readonly axisRatio: number;
  readonly angle: number;
  readonly colour: ColourIndex;
  readonly arms: Arms | null;
  /** Length in scale lengths, strength relative to the disc's centre; angle within the plane of the disc. */
  readonly bar: { readonly length: number; readonly strength: number; readonly angle: number } | null;
  /** Depth of the dust lane, 0..1; seen when edge-on. */
  readonly dust: number;
  readonly knots: number;
}

export interface Star {
  readonly x: number;
  readonly y: number;
  readonly flux: number;
  readonly rgb: readonly [number, number, number];
}

export interface Companion {
  readonly x: number;
  readonly y: number;
  readonly light: Sersic;
}

/** All that is drawn of one galaxy and its field. Positions are from the image's centre. */
export interface SyntheticGalaxy {
  /** Pixels of the drawing grid: the coarser, the smaller the galaxy was on the detector. */
  readonly grid: number;
  /** Standard deviation of the seeing, in grid pixels. */
  readonly seeing: number;
  readonly bulge: Sersic;
  readonly disc: Disc | null;
  /** Share of the light that is in the bulge, 0..1. */
  readonly bulgeShare: number;
  readonly stars: readonly Star[];
  readonly companions: readonly Companion[];
}

/** Cutouts of the challenge are 424 pixels of 0.02 Petrosian R90: 8.48 R90 across. */
const R90_PER_IMAGE = 8.48;
const STAR_COLOURS = [
  [1.7, 0.75, 0.35],
  [1.5, 0.7, 0.4],
  [1.2, 1, 0.75],
  [1, 1, 1],
  [0.6, 0.85, 1.5],
] as const;

/** Galaxy `index` of the sky `seed`: 29 % ellipticals, 12 % lenticulars, 59 % spirals, one in five of those edge-on. */
export function drawGalaxy(seed: number, index: number): SyntheticGalaxy {
  const random = new Random(seed, index, PURPOSE.shape);
  const grid = Math.round(random.uniform(110, 220));
  const seeing = random.uniform(1.0, 1.5);
  const r90 = (grid / R90_PER_IMAGE) * random.uniform(0.85, 1.1);
  const bright = Math.exp(random.normal(0, 0.5));
  const angle = random.uniform(0, Math.PI);
  const kind = random.pick([0.29, 0.12, 0.59]);
  const early = kind < 2;
  // Two overlapping populations (red sequence, blue cloud): colour alone tells about three in four apart.
  const colour = clamp(random.normal(early ? 0.63 : 0.42, 0.2), 0, 1);
  const companions = drawCompanions(new Random(seed, index, PURPOSE.field), grid, r90);
  const shared = { grid, seeing, ...companions };

  if (kind === 0) {
    const axisRatio = clamp(1 - Math.abs(random.normal(0.08, 0.22)), 0.4, 1);
    const sersic = random.uniform(2.2, 4.5);
    const bulge = { index: sersic, radius: r90 / 2.6, brightness: 13 * bright, axisRatio, angle, colour };
    return { ...shared, bulge, disc: null, bulgeShare: 1 };
  }

  const thickness = random.uniform(0.12, 0.2);
  const axisRatio = Math.max(thickness, early ? random.uniform(0.25, 1) : random.uniform(0, 1));
  const scale = r90 / 3.1;
  const bulgeShare = early ? random.uniform(0.25, 0.6) : Math.min(0.5, Math.abs(random.normal(0.08, 0.14)));
  // Light through a flattened disc piles up as it is tilted.
  const brightness = (38 * bright) / Math.max(0.45, Math.sqrt(axisRatio));
  const bulgeRadius = scale * random.uniform(0.35, 0.6);
  const discLight = 2 * Math.PI * scale ** 2 * brightness * axisRatio;
  const bulgeRatio = Math.max(axisRatio, random.uniform(0.6, 0.9));
  const bulge: Sersic = {
    index: random.uniform(1.2, early ? 3.5 : 2.5),
    radius: bulgeRadius,
    brightness: ((bulgeShare / (1 - bulgeShare)) * discLight) / (3.4 * Math.PI * bulgeRadius ** 2 * bulgeRatio),
    axisRatio: bulgeRatio,
    angle,
    colour: clamp(colour + (early ? 0.05 : 0.35), 0, 1.1),
  };
  const armed = !early && random.uniform() < 0.93;
  const arms: Arms | null = armed
    ? {
        count: [2, 3, 4, 1, 5][random.pick([0.62, 0.16, 0.1, 0.04, 0.08])],
        pitch: random.uniform(9, 32) * (Math.PI / 180) * (random.uniform() < 0.5 ? -1 : 1),
        contrast: random.uniform(0.15, 0.85),
        phase: random.uniform(0, 2 * Math.PI),
        sharpness: random.uniform(1, 3),
        wobble: random.uniform(0.1, 0.9),
      }
    : null;
  const barred = random.uniform() < (early ? 0.12 : 0.33);
  const bar = barred
    ? { length: random.uniform(0.8, 1.6), strength: random.uniform(0.5, 1.6), angle: random.uniform(0, Math.PI) }
    : null;
  const disc: Disc = {
    scale,
    brightness,
    axisRatio,
    angle,
    colour: clamp(colour - (early ? 0.05 : 0.08), 0, 1),
    arms,
    bar,
    dust: early ? 0 : random.uniform(0, 0.7),
    knots: armed ? Math.round(random.uniform(0, 22) * arms!.contrast) : 0,
  };
  return { ...shared, bulge, disc, bulgeShare };
}

function drawCompanions(random: Random, grid: number, r90: number): Pick<SyntheticGalaxy, 'stars' | 'companions'> {
  const half = grid / 2;
  const place = () => random.uniform(-half, half);
  const stars = Array.from({ length: Math.floor(random.uniform(1, 9)) }, () => ({
    x: place(),
    y: place(),
    flux: 10 ** random.uniform(1.9, 3.7),
    rgb: STAR_COLOURS[random.pick([0.3, 0.2, 0.2, 0.1, 0.2])],
  }));
  const companions = Array.from({ length: Math.floor(random.uniform(0, 6)) }, () => ({
    x: place(),
    y: place(),
    light: {
      index: random.uniform(1, 3),
      radius: r90 * Math.min(0.5, Math.exp(random.normal(-2.1, 0.5))),
      brightness: Math.exp(random.normal(1.9, 0.6)),
      axisRatio: random.uniform(0.35, 1),
      angle: random.uniform(0, Math.PI),
      colour: random.uniform(0.1, 1),
    },
  }));
  return { stars, companions };
}

const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
