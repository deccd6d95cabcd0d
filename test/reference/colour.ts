/** Colour jitter one operation after another on one pixel (r, g, b in 0..1), in float64, from the definitions. */
export interface Jitter {
  /** Radians about the grey axis. */
  readonly hue: number;
  readonly saturation: number;
  readonly contrast: number;
  readonly brightness: number;
}

export type Rgb = readonly [number, number, number];

/** A turn about (1, 1, 1)/√3, by splitting the colour into its grey part and what stands upright on it. */
function turn([r, g, b]: Rgb, angle: number): Rgb {
  const grey = (r + g + b) / 3;
  const upright = [r - grey, g - grey, b - grey];
  // The cross product of the axis with the upright part.
  const s = 1 / Math.sqrt(3);
  const cross = [s * (upright[2] - upright[1]), s * (upright[0] - upright[2]), s * (upright[1] - upright[0])];
  const at = (k: number) => grey + Math.cos(angle) * upright[k] + Math.sin(angle) * cross[k];
  return [at(0), at(1), at(2)];
}

/**
 * Hue, then saturation (mix with luma, ITU-R BT.601), then contrast (about mid-grey), then brightness (a factor on
 * all).
 */
export function jitter(pixel: Rgb, { hue, saturation, contrast, brightness }: Jitter): Rgb {
  const turned = turn(pixel, hue);
  const luma = 0.299 * turned[0] + 0.587 * turned[1] + 0.114 * turned[2];
  const apply = (v: number) => brightness * (0.5 + contrast * (luma + saturation * (v - luma) - 0.5));
  return [apply(turned[0]), apply(turned[1]), apply(turned[2])];
}
