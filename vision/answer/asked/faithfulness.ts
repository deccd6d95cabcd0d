import { resamplePlanes } from '../../view/planes.ts';
import type { MaskedScores } from './masked_scores.ts';
import type { AskedMap } from './methods.ts';

/** How faithful a map is to what the network does: measures that need no person's opinion. */
export interface Faithfulness {
  /** Area under the confidence as the pixels of the map vanish, the brightest first: low is good. 0..1. */
  readonly deletion: number;
  /** Area under the confidence as they appear on a blurred image: high is good. 0..1. */
  readonly insertion: number;
  /** The share of the confidence that is lost where only what the map shows is seen: low is good. 0..1. */
  readonly drop: number;
  /** Whether the confidence is higher then. */
  readonly increased: boolean;
}

/** What a map is measured by: the image [side, side, 3] and what the confidence is of a row of scores, 0..1. */
export interface Measured {
  readonly image: Float32Array;
  confidence(scores: Float32Array): number;
}

/** Parts in which the pixels of an image vanish or appear. */
const PARTS = 32;

/**
 * Deletion and insertion (Petsiuk, Das & Saenko 2018, section 3.2, in 32 parts; what vanishes shows the mean colour,
 * what is to appear is blurred), average drop and increase in confidence (Chattopadhay et al. 2018, section 5.1).
 * @param saliency [side, side]: the larger, the more it speaks for the output
 */
export async function faithfulness(
  asked: MaskedScores,
  { image, confidence }: Measured,
  saliency: Float32Array,
): Promise<Faithfulness> {
  const n = saliency.length;
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => saliency[b] - saliency[a] || a - b);
  // The k-th pixel of the order belongs to the first parts for k < part · n / PARTS.
  const rank = new Float64Array(n);
  order.forEach((pixel, k) => (rank[pixel] = k));
  const brightest = (part: number, inside: number) =>
    new Float32Array(n).map((_, i) => (rank[i] < (part * n) / PARTS ? inside : 1 - inside));
  const curve = async (base: Float32Array, inside: number) => {
    const rows = await asked.scores({ image, base }, { count: PARTS + 1, at: (part) => brightest(part, inside) });
    return rows.map(confidence);
  };
  const grey = new Float32Array(image.length);
  const deletion = await curve(grey, 0);
  const insertion = await curve(blurred(image, asked.side), 1);
  const peak = saliency.reduce((a, b) => Math.max(a, b), 0);
  const shown = saliency.map((v) => (peak > 0 ? Math.max(0, v) / peak : 0));
  const [seen] = (await asked.scores({ image, base: grey }, { count: 1, at: () => shown })).map(confidence);
  const [whole] = deletion;
  return {
    deletion: areaUnder(deletion),
    insertion: areaUnder(insertion),
    drop: whole > 0 ? Math.max(0, whole - seen) / whole : 0,
    increased: seen > whole,
  };
}

/** The area under a curve over 0..1 whose points lie equally apart, by the trapezoidal rule. */
const areaUnder = (curve: readonly number[]): number =>
  curve.reduce((sum, v, i) => sum + (i === 0 || i === curve.length - 1 ? v / 2 : v), 0) / (curve.length - 1);

/** Widths of the Gaussian, as the authors have it for images of 224 pixels. */
const SIGMA = 5;
const REACH = 5;

/** An image [side, side, 3] behind a Gaussian of 5 pixels, cut off after 5 and at the border. */
export function blurred(image: Float32Array, side: number): Float32Array {
  const across = blurredAlong(image, side, 3, 1);
  return blurredAlong(across, side, 3 * side, side);
}

/** Blurs along an axis whose neighbours lie `step` numbers apart; the other axis' places are `other` pixels apart. */
function blurredAlong(image: Float32Array, side: number, step: number, per: number): Float32Array {
  const weights = Array.from({ length: REACH + 1 }, (_, k) => Math.exp(-(k * k) / (2 * SIGMA * SIGMA)));
  return image.map((_, i) => {
    const place = Math.floor(i / 3 / per) % side;
    let [sum, total] = [0, 0];
    for (let k = -Math.min(REACH, place); k <= Math.min(REACH, side - 1 - place); k++) {
      sum += weights[Math.abs(k)] * image[i + k * step];
      total += weights[Math.abs(k)];
    }
    return sum / total;
  });
}

/** A map as one number a pixel: enlarged, or the sum over the channels where each pixel has its own. */
export function saliencyOf({ values, height, width }: AskedMap, side: number): Float32Array {
  const channels = values.length / (height * width);
  const data =
    channels === 1
      ? values
      : Float32Array.from({ length: height * width }, (_, p) =>
          values.subarray(p * channels, (p + 1) * channels).reduce((a, b) => a + b, 0),
        );
  return resamplePlanes({ data, w: width, h: height, channels: 1 }, side, side);
}
