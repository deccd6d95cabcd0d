import { checkNumber, checkOneOf, checkOptions, checkWhole, show, type Known } from '../check.ts';
import { checkTensors, shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { resample } from './resample.ts';
import type { SparseRow } from './sparse_rows.ts';

const METHODS = ['nearest', 'linear', 'cubic'] as const;
const COORDINATES = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
] as const;
const ROUNDINGS = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

/** As ONNX's operator Resize (opset 19) has them, for height and width. */
export interface ResizeOptions {
  /** [height, width] of the result. */
  readonly size: readonly [number, number];
  readonly method: (typeof METHODS)[number];
  /** Where a pixel of the result lies in x. */
  readonly coordinates: (typeof COORDINATES)[number];
  /** [vertical, horizontal]; the ratio of the sizes when absent. */
  readonly scales?: readonly [number, number];
  /** Which pixel `nearest` takes; the lower one of two equally near when absent. */
  readonly rounding?: (typeof ROUNDINGS)[number];
  /** The coefficient a of `cubic` (Keys 1981, equation 4); −0.75 when absent. */
  readonly cubicA?: number;
  /** Whether `linear` and `cubic` take in all that a pixel of a smaller result covers. */
  readonly antialias?: boolean;
  /** Whether the weights of `linear` and `cubic` beyond the edge count 0; the pixel at the edge stands there if not. */
  readonly excludeOutside?: boolean;
}

const OPTIONS: Known<ResizeOptions> = {
  size: true,
  method: true,
  coordinates: true,
  scales: true,
  rounding: true,
  cubicA: true,
  antialias: true,
  excludeOutside: true,
};

/** Pixels along a side: tables are made for each. */
const MOST_PIXELS = 2 ** 20;

function checkResize(options: ResizeOptions): void {
  checkOptions('resize', options, OPTIONS);
  const { size, scales, cubicA = -0.75 } = options;
  const isPair = (value: unknown): boolean => Array.isArray(value) && value.length === 2;
  if (!isPair(size)) throw new UserError(`resize: size must be [height, width], not ${show(size)}`);
  for (const pixels of size) checkWhole('resize', 'a side', pixels, 1, MOST_PIXELS);
  if (scales !== undefined && !(isPair(scales) && scales.every((s) => Number.isFinite(s) && s > 0)))
    throw new UserError(`resize: scales must be two numbers above 0, not ${show(scales)}`);
  for (const [name, values] of Object.entries({ method: METHODS, coordinates: COORDINATES })) {
    const value = options[name as 'method'];
    if (value === undefined) throw new UserError(`resize: it needs a ${name}: ${values.join(', ')}`);
    checkOneOf('resize', name, value, values);
  }
  checkOneOf('resize', 'rounding', options.rounding, ROUNDINGS);
  checkNumber('resize', 'cubicA', cubicA);
  checkOneOf('resize', 'antialias', options.antialias, [true, false]);
  checkOneOf('resize', 'excludeOutside', options.excludeOutside, [true, false]);
}

/** A side of the image. */
interface Side {
  readonly from: number;
  readonly to: number;
  /** Absent where it is to / from. */
  readonly scale?: number;
}

/** Where pixel i of the result lies between the pixels of x. */
function placeIn(i: number, { from, to, scale }: Side, coordinates: ResizeOptions['coordinates']): number {
  // Without a scale as a fraction of whole numbers, so that halves come out exact.
  const ratio = (v: number) => (scale === undefined ? (v * from) / to : v / scale);
  const length = scale === undefined ? to : from * scale;
  switch (coordinates) {
    case 'half_pixel':
      return ratio(i + 0.5) - 0.5;
    case 'half_pixel_symmetric':
      return (from / 2) * (1 - to / length) + ratio(i + 0.5) - 0.5;
    case 'pytorch_half_pixel':
      return to > 1 ? ratio(i + 0.5) - 0.5 : 0;
    case 'align_corners':
      return length === 1 ? 0 : (i * (from - 1)) / (length - 1);
    case 'asymmetric':
      return ratio(i);
  }
}

const ROUND: Readonly<Record<(typeof ROUNDINGS)[number], (v: number) => number>> = {
  round_prefer_floor: (v) => Math.ceil(v - 0.5),
  round_prefer_ceil: (v) => Math.floor(v + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

const hat = (v: number): number => 1 - v;
/** Keys 1981, "Cubic convolution interpolation for digital image processing", equation 4. */
const keys =
  (a: number) =>
  (v: number): number =>
    v <= 1 ? ((a + 2) * v - (a + 3)) * v * v + 1 : ((v - 5) * v + 8) * v * a - 4 * a;

/** The pixels of x, with their weights, that pixel i of the result is made from. */
function rowOf(i: number, side: Side, options: ResizeOptions): SparseRow {
  const at = placeIn(i, side, options.coordinates);
  const clamped = (k: number) => Math.min(Math.max(k, 0), side.from - 1);
  if (options.method === 'nearest') return [[clamped(ROUND[options.rounding ?? 'round_prefer_floor'](at)), 1]];
  const [radius, weightAt] = options.method === 'linear' ? [1, hat] : [2, keys(options.cubicA ?? -0.75)];
  const shrink = options.antialias ? Math.min(1, side.scale ?? side.to / side.from) : 1;
  const weights = new Map<number, number>();
  let sum = 0;
  for (let k = Math.ceil(at - radius / shrink); k <= at + radius / shrink; k++) {
    const distance = Math.abs(k - at) * shrink;
    if (distance >= radius || (options.excludeOutside && k !== clamped(k))) continue;
    const weight = weightAt(distance);
    weights.set(clamped(k), (weights.get(clamped(k)) ?? 0) + weight);
    sum += weight;
  }
  // Beyond the edge by more than the radius nothing is inside.
  if (sum === 0) return [[clamped(Math.round(at)), 1]];
  return [...weights].filter(([, weight]) => weight !== 0).map(([k, weight]) => [k, weight / sum]);
}

/**
 * Images x [N, H, W, C] in another size, as ONNX's operator Resize makes them. A pixel whose weight is 0 is not read.
 * @throws UserError where a side is longer than 2^20 pixels
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  checkTensors('resize', { x });
  checkResize(options);
  if (x.shape.length !== 4) shapeError('resize', 'x must be images [N, H, W, C]', x);
  const rows = [0, 1].map((k) => {
    const side = { from: x.shape[1 + k], to: options.size[k], scale: options.scales?.[k] };
    return Array.from({ length: side.to }, (_, i) => rowOf(i, side, options));
  });
  return resample(x, new Map(rows.map((made, k) => [1 + k, made])));
}
