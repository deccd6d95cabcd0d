import type { RgbImage } from '../vision/data/rgb_image.ts';
import { PURPOSE, Random, randomBits, randomKey } from './random.ts';
import { cropResize } from '../vision/view/resample.ts';
import type { Disc, Sersic, SyntheticGalaxy } from './synthetic_galaxy.ts';

/** Surface brightness in three bands, in standard deviations of the sky; [y][x][r, g, b]. */
interface Canvas {
  readonly size: number;
  readonly light: Float32Array;
}

/** Standard deviation of the sky in each band. */
const SKY = [1.3, 0.85, 1.15];
/** Brightness at which a source's own photon noise equals the sky's. */
const GAIN = 40;
/** Lupton et al. (2004), eq. 2: f(I) = asinh(alpha Q I) / Q. */
const ALPHA = 0.055;
const Q = 5;

/** Draws a galaxy as a survey's colour cutout of `size` x `size` pixels. The same arguments give the same bytes. */
export function renderGalaxy(galaxy: SyntheticGalaxy, seed: number, index: number, size: number): RgbImage {
  const canvas: Canvas = { size: galaxy.grid, light: new Float32Array(galaxy.grid ** 2 * 3) };
  addSersic(canvas, galaxy.bulge, 0, 0);
  if (galaxy.disc) {
    addDisc(canvas, galaxy.disc);
    addKnots(canvas, galaxy.disc, new Random(seed, index, PURPOSE.knots));
  }
  for (const { x, y, light } of galaxy.companions) addSersic(canvas, light, x, y);
  for (const { x, y, flux, rgb } of galaxy.stars) addPoint(canvas, x, y, flux, rgb);
  blur(canvas, galaxy.seeing);
  addNoise(canvas, randomKey(seed, index, PURPOSE.noise));
  return cropResize(stretch(canvas), { crop: 1, size });
}

/** Relative light in r, g, b of a colour index in 0..1. */
function bands(colour: number): [number, number, number] {
  return [0.88 + 0.47 * colour, 0.9 + 0.1 * colour, 1.2 - 0.68 * colour];
}

/** I(r) = I_e exp(-b ((r / r_e)^(1/n) - 1)), b = 2n - 1/3 + 4/(405 n) (Ciotti & Bertin 1999), around (x0, y0). */
function addSersic({ size, light }: Canvas, s: Sersic, x0: number, y0: number): void {
  const b = 2 * s.index - 1 / 3 + 4 / (405 * s.index);
  const reach = Math.min(size, s.radius * 7);
  const steps = 512;
  // Tabulated over sqrt(r), which is fine where the profile is steep.
  const table = Float32Array.from({ length: steps + 2 }, (_, i) => {
    const r = Math.max(0.35, (i / steps) ** 2 * reach);
    return s.brightness * Math.exp(-b * ((r / s.radius) ** (1 / s.index) - 1));
  });
  const edge = table[steps];
  const [cos, sin] = [Math.cos(s.angle), Math.sin(s.angle)];
  const [red, green, blue] = bands(s.colour);
  const centre = (size - 1) / 2;
  const from = (c: number) => Math.max(0, Math.ceil(centre + c - reach));
  const to = (c: number) => Math.min(size - 1, Math.floor(centre + c + reach));
  for (let y = from(y0); y <= to(y0); y++) {
    for (let x = from(x0); x <= to(x0); x++) {
      const [dx, dy] = [x - centre - x0, y - centre - y0];
      const u = dx * cos + dy * sin;
      const v = (dy * cos - dx * sin) / s.axisRatio;
      const at = Math.sqrt(Math.sqrt(u * u + v * v) / reach) * steps;
      if (at >= steps) continue;
      const i = at | 0;
      const value = table[i] + (at - i) * (table[i + 1] - table[i]) - edge;
      const p = (y * size + x) * 3;
      light[p] += value * red;
      light[p + 1] += value * green;
      light[p + 2] += value * blue;
    }
  }
}

/** An exponential disc with logarithmic arms, a bar and a dust lane. Arms are bluer than the disc, a bar is redder. */
function addDisc({ size, light }: Canvas, d: Disc): void {
  const [cos, sin] = [Math.cos(d.angle), Math.sin(d.angle)];
  const base = bands(d.colour);
  const armBands = bands(Math.max(0, d.colour - 0.25));
  const barBands = bands(Math.min(1, d.colour + 0.35));
  const centre = (size - 1) / 2;
  const reach = d.scale * 6;
  const edgeOn = Math.max(0, 1 - d.axisRatio / 0.3);
  const [barCos, barSin] = d.bar ? [Math.cos(d.bar.angle), Math.sin(d.bar.angle)] : [1, 0];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [dx, dy] = [x - centre, y - centre];
      const u = dx * cos + dy * sin;
      const flat = dy * cos - dx * sin;
      const v = flat / d.axisRatio;
      const r = Math.sqrt(u * u + v * v);
      if (r > reach) continue;
      const t = r / d.scale;
      // Discs end: the profile steepens beyond four scale lengths.
      let value = d.brightness * Math.exp(-t - (t > 4 ? (t - 4) * 1.5 : 0));
      if (d.dust > 0 && edgeOn > 0) {
        const lane = (flat - 0.03 * d.scale) / (0.13 * d.scale);
        value *= 1 - d.dust * edgeOn * Math.exp(-lane * lane - t * t * 0.1);
      }
      let inArm = 0;
      if (d.arms) {
        const { count, pitch, contrast, phase, sharpness, wobble } = d.arms;
        const winding = Math.log(Math.max(t, 0.05)) / Math.tan(pitch);
        const theta = Math.atan2(v, u);
        // Real arms bend and fade along their way: two slow waves around the disc, unlike for every galaxy.
        const bend = wobble * Math.sin(2.3 * t + 3 * phase + theta);
        const fade = 1 - wobble * (1 + Math.sin(5 * theta - 3.1 * t + 7 * phase)) * 0.5;
        const crest = fade * Math.exp(sharpness * (Math.cos(count * (theta - winding) + phase + bend) - 1));
        const begins = t < 0.4 ? 0 : t > 1 ? 1 : (t - 0.4) / 0.6;
        const strength = contrast * begins;
        inArm = (strength * 3.4 * crest) / (1 - strength + strength * 3.4 * crest);
        value *= 1 - strength + strength * 3.4 * crest;
      }
      let bar = 0;
      if (d.bar) {
        const a = (u * barCos + v * barSin) / (d.bar.length * d.scale);
        const b = (v * barCos - u * barSin) / (0.28 * d.bar.length * d.scale);
        bar = d.bar.strength * d.brightness * 0.7 * Math.exp(-((a * a + b * b) ** 1.5));
      }
      const p = (y * size + x) * 3;
      for (let c = 0; c < 3; c++)
        light[p + c] += value * (base[c] + inArm * (armBands[c] - base[c])) + bar * barBands[c];
    }
  }
}

/** Star-forming knots on the crests of the arms. */
function addKnots(canvas: Canvas, d: Disc, random: Random): void {
  if (!d.arms) return;
  const { count, pitch, phase } = d.arms;
  for (let k = 0; k < d.knots; k++) {
    const t = random.uniform(0.8, 3.6);
    const arm = Math.floor(random.uniform(0, count));
    const theta = Math.log(t) / Math.tan(pitch) + (2 * Math.PI * arm - phase) / count + random.normal(0, 0.12);
    const [u, v] = [t * d.scale * Math.cos(theta), t * d.scale * Math.sin(theta) * d.axisRatio];
    const [cos, sin] = [Math.cos(d.angle), Math.sin(d.angle)];
    const flux = d.brightness * Math.exp(-t) * random.uniform(1, 9);
    const pink = random.uniform(0.6, 1.1);
    addPoint(canvas, u * cos - v * sin, u * sin + v * cos, flux, [pink, 0.85, 1.35]);
  }
}

/** A point source of total `flux`, shared out to the four nearest pixels; the seeing spreads it. */
function addPoint({ size, light }: Canvas, x: number, y: number, flux: number, rgb: readonly number[]): void {
  const [px, py] = [x + (size - 1) / 2, y + (size - 1) / 2];
  const [ix, iy] = [Math.floor(px), Math.floor(py)];
  for (let k = 0; k < 4; k++) {
    const [cx, cy] = [ix + (k & 1), iy + (k >> 1)];
    if (cx < 0 || cy < 0 || cx >= size || cy >= size) continue;
    const share = flux * (1 - Math.abs(px - cx)) * (1 - Math.abs(py - cy));
    for (let c = 0; c < 3; c++) light[(cy * size + cx) * 3 + c] += share * rgb[c];
  }
}

/** Convolves with a Gaussian of standard deviation `sigma` pixels, rows then columns; beyond the edge is dark sky. */
function blur({ size, light }: Canvas, sigma: number): void {
  const radius = Math.ceil(2.5 * sigma);
  const weights = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  weights.forEach((w, i) => (weights[i] = w / sum));
  const stride = size * 3;
  const rows = new Float32Array(light.length);
  for (let y = 0; y < size; y++) {
    for (let o = -radius; o <= radius; o++) {
      const w = weights[o + radius];
      const shift = o * 3;
      const end = y * stride + Math.min(stride, stride - shift);
      for (let i = y * stride + Math.max(0, -shift); i < end; i++) rows[i] += w * light[i + shift];
    }
  }
  light.fill(0);
  for (let o = -radius; o <= radius; o++) {
    const w = weights[o + radius];
    const shift = o * stride;
    const end = Math.min(light.length, light.length - shift);
    for (let i = Math.max(0, -shift); i < end; i++) light[i] += w * rows[i + shift];
  }
}

/** 1,024 normal numbers; a pixel's noise is three of them, chosen by its random bits. */
const NORMAL = (() => {
  const random = new Random(0, 0, 0);
  return Float32Array.from({ length: 1024 }, () => random.normal());
})();

/** Noise of the sky and of the sources' own photons. */
function addNoise({ light }: Canvas, key: number): void {
  for (let p = 0, i = 0; i < light.length; p++, i += 3) {
    const bits = randomBits(key, p);
    for (let c = 0; c < 3; c++) {
      light[i + c] += SKY[c] * Math.sqrt(1 + light[i + c] / GAIN) * NORMAL[(bits >>> (10 * c)) & 1023];
    }
  }
}

/**
 * To 8 bits, so that the sum of the bands follows asinh and their ratios, the colour, are kept (Lupton et al. 2004).
 */
function stretch({ size, light }: Canvas): RgbImage {
  const data = new Uint8Array(light.length);
  for (let i = 0; i < light.length; i += 3) {
    const mean = Math.max(1e-3, (light[i] + light[i + 1] + light[i + 2]) / 3);
    let scale = Math.asinh(ALPHA * Q * mean) / (Q * mean);
    scale /= Math.max(1, scale * Math.max(light[i], light[i + 1], light[i + 2]));
    for (let c = 0; c < 3; c++) data[i + c] = Math.max(0, light[i + c] * scale) * 255 + 0.5;
  }
  return { width: size, height: size, data };
}
