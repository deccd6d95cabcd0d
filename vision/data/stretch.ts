import { UserError } from '../../engine/user_error.ts';
import type { Raster } from './raster.ts';
import type { RgbImage } from './rgb_image.ts';

/**
 * How numbers without a range become bytes. `low` and `high` are percentiles, 0 to 100, of each channel's values: what
 * lies below is black, above white.
 * - linear: (v - black) / (white - black)
 * - asinh: with that as x, asinh(x / softening) / asinh(1 / softening). As softening grows it becomes linear.
 * - lupton: red, green and blue keep their ratios while their mean I is stretched (Lupton et al. 2004, PASP 116, 133,
 *   eq. 1 to 3): f(I) = asinh(Q·(I - minimum) / stretch) / Q, each channel v becomes v·f(I) / I, and all three are
 *   divided by their largest where that is over 1. `minimum` is subtracted from each channel first.
 */
export type Stretch =
  | { readonly kind: 'linear'; readonly low?: number; readonly high?: number }
  | { readonly kind: 'asinh'; readonly low?: number; readonly high?: number; readonly softening?: number }
  | { readonly kind: 'lupton'; readonly minimum?: number; readonly stretch?: number; readonly q?: number };

/** What stretches do where they are told no more. */
export const STRETCH_DEFAULTS = { low: 0.5, high: 99.5, softening: 0.1, minimum: 0, stretch: 0.5, q: 8 } as const;

/**
 * The image as 8 bits of R, G, B. Grey becomes all three, alpha lies over black, and what is not finite is black.
 * Samples with a range (`white`) are scaled by it, unless a stretch is asked for; others are stretched, linearly where
 * nothing else is said.
 * @param file what errors call it
 * @throws UserError for a stretch out of its range, one that needs three channels, and for planes without colours
 */
export function toRgb(image: Raster, file: string, stretch?: Stretch): RgbImage {
  const colours = image.channels - (image.hasAlpha ? 1 : 0);
  if (colours !== 1 && colours !== 3) {
    throw new UserError(`${file} has ${colours} channels; images of one (grey) or three (red, green, blue) are read`);
  }
  if (image.white !== null && !stretch) return scaled(image, image.white);
  const chosen = stretch ?? { kind: 'linear' };
  checkStretch(chosen);
  if (chosen.kind === 'lupton') {
    if (colours !== 3) throw new UserError(`${file} has one channel, and Lupton's stretch needs red, green and blue`);
    return lupton(image, chosen);
  }
  const curve = chosen.kind === 'asinh' ? asinhOf(chosen.softening ?? STRETCH_DEFAULTS.softening) : (x: number) => x;
  const { low = STRETCH_DEFAULTS.low, high = STRETCH_DEFAULTS.high } = chosen;
  const limits = Array.from({ length: colours }, (_, c) => percentiles(image, c, low, high));
  return mapped(image, (rgb) => {
    for (let c = 0; c < 3; c++) {
      const [black, white] = limits[Math.min(c, colours - 1)];
      rgb[c] = curve(clamp01(white > black ? (rgb[c] - black) / (white - black) : rgb[c] > black ? 1 : 0));
    }
  });
}

const PARTS: { readonly [K in Stretch['kind']]: readonly string[] } = {
  linear: ['low', 'high'],
  asinh: ['low', 'high', 'softening'],
  lupton: ['minimum', 'stretch', 'q'],
};

/**
 * A stretch as one writes it: `asinh`, or with numbers of its own, `lupton:stretch=0.2,q=10`.
 * @throws UserError for another kind, a number that the kind does not have, and one out of its range
 */
export function parseStretch(text: string): Stretch {
  const [kind, ...rest] = text.split(':');
  if (!Object.hasOwn(PARTS, kind))
    throw new UserError(`${text} is no stretch; give one of ${Object.keys(PARTS).join(', ')}`);
  const names = PARTS[kind as Stretch['kind']];
  const parts = rest.length === 0 ? [] : rest.join(':').split(',');
  const numbers = parts.map((part) => {
    const [name, value, ...more] = part.split('=').map((word) => word.trim());
    if (!names.includes(name) || more.length > 0 || !value || !Number.isFinite(Number(value)))
      throw new UserError(
        `"${part}" says nothing to the ${kind} stretch; give ${names.map((each) => `${each}=NUMBER`).join(', ')}, as in ${kind}:${names[0]}=1`,
      );
    return [name, Number(value)];
  });
  const stretch = { kind, ...Object.fromEntries(numbers) } as Stretch;
  checkStretch(stretch);
  return stretch;
}

function checkStretch(stretch: Stretch): void {
  const fault = (what: string): never => {
    throw new UserError(`The ${stretch.kind} stretch ${what}`);
  };
  if (stretch.kind === 'lupton') {
    const { minimum = 0, stretch: width = 1, q = 1 } = stretch;
    if (!Number.isFinite(minimum)) fault(`has a minimum of ${minimum}, which is no number`);
    if (!(width > 0 && width < Infinity)) fault(`has a stretch of ${width}; give a number above 0`);
    if (!(q > 0 && q < Infinity)) fault(`has a Q of ${q}; give a number above 0`);
    return;
  }
  const { low = STRETCH_DEFAULTS.low, high = STRETCH_DEFAULTS.high } = stretch;
  if (!(low >= 0 && low < high && high <= 100)) fault(`goes from percentile ${low} to ${high}; give 0 to 100, rising`);
  if (stretch.kind === 'asinh') {
    const { softening = STRETCH_DEFAULTS.softening } = stretch;
    if (!(softening > 0 && softening < Infinity)) fault(`has a softening of ${softening}; give a number above 0`);
  }
}

const clamp01 = (v: number): number => (v > 0 ? Math.min(v, 1) : 0); // NaN becomes 0

const asinhOf =
  (softening: number) =>
  (x: number): number =>
    Math.asinh(x / softening) / Math.asinh(1 / softening);

function lupton(image: Raster, options: Stretch & { kind: 'lupton' }): RgbImage {
  const { minimum, stretch, q } = { ...STRETCH_DEFAULTS, ...options };
  return mapped(image, (rgb) => {
    for (let c = 0; c < 3; c++) rgb[c] -= minimum;
    const mean = (rgb[0] + rgb[1] + rgb[2]) / 3;
    const factor = mean > 0 ? Math.asinh((q * mean) / stretch) / q / mean : 0;
    for (let c = 0; c < 3; c++) rgb[c] = Math.max(0, rgb[c] * factor);
    const largest = Math.max(rgb[0], rgb[1], rgb[2]);
    if (largest > 1) for (let c = 0; c < 3; c++) rgb[c] /= largest;
  });
}

/** Runs `change` on the three colours of each pixel, which it makes 0 to 1; then to bytes, times alpha. */
function mapped(image: Raster, change: (rgb: [number, number, number]) => void): RgbImage {
  const { width, height, channels, hasAlpha, data, white } = image;
  const bytes = new Uint8Array(width * height * 3);
  const grey = channels - (hasAlpha ? 1 : 0) === 1;
  const rgb: [number, number, number] = [0, 0, 0];
  for (let from = 0, to = 0; to < bytes.length; from += channels, to += 3) {
    for (let c = 0; c < 3; c++) {
      const value = data[grey ? from : from + c];
      rgb[c] = Number.isFinite(value) ? value : Number.NaN;
    }
    change(rgb);
    const alpha = hasAlpha ? clamp01(data[from + channels - 1] / (white ?? 1)) : 1;
    for (let c = 0; c < 3; c++) bytes[to + c] = clamp01(rgb[c]) * alpha * 255 + 0.5;
  }
  return { width, height, data: bytes };
}

const scaled = (image: Raster, white: number): RgbImage =>
  mapped(image, (rgb) => {
    for (let c = 0; c < 3; c++) rgb[c] /= white;
  });

/**
 * Percentiles of a channel's finite values, between the two nearest as NumPy's `percentile` does; [0, 0] where there
 * are none.
 */
export function percentiles(image: Raster, channel: number, low: number, high: number): [number, number] {
  const { width, height, channels, data } = image;
  const values = new Float32Array(width * height);
  let count = 0;
  for (let i = channel; i < data.length; i += channels) {
    if (Number.isFinite(data[i])) values[count++] = data[i];
  }
  if (count === 0) return [0, 0];
  const sorted = values.subarray(0, count).sort();
  const at = (percent: number): number => {
    const place = (percent / 100) * (count - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * (sorted[Math.min(below + 1, count - 1)] - sorted[below]);
  };
  return [at(low), at(high)];
}
