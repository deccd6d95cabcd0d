import { resamplePlanes } from '../../view/planes.ts';
import type { MaskedScores } from './masked_scores.ts';

/*
 * Explanations that ask the network again about the image with parts replaced. They need no gradient of a layer, or
 * more than one. What is replaced shows the mean colour, which is 0 once an image is normalised.
 */

/** A map [height, width] of numbers. */
export interface AskedMap {
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** What is asked about: the image [side, side, 3] as the network takes it, and the output to explain. */
export interface Question {
  readonly image: Float32Array;
  readonly explained: number;
}

const withoutImage = ({ image }: Question) => ({ image, base: new Float32Array(image.length) });

/** Cells of an occlusion map along a side; a patch covers twice a cell's side. */
const CELLS = 14;

/**
 * Occlusion (Zeiler & Fergus 2014, section 4.2): how far the score falls when a patch of the image is covered. A patch
 * has twice the side of a cell of the map and lies on its middle, cut off at the image's border.
 */
export async function occlusion(asked: MaskedScores, question: Question): Promise<AskedMap> {
  const { side } = asked;
  const cells = Math.min(CELLS, side);
  const cell = side / cells;
  const covers = (pixel: number, index: number) => Math.abs(pixel + 0.5 - (index + 0.5) * cell) < cell;
  const patch = (index: number): Float32Array => {
    const [row, column] = [Math.floor(index / cells), index % cells];
    const covered = (_: number, i: number) => covers(Math.floor(i / side), row) && covers(i % side, column);
    return new Float32Array(side * side).map((v, i) => (covered(v, i) ? 0 : 1));
  };
  const whole = new Float32Array(side * side).fill(1);
  const rows = await asked.scores(withoutImage(question), {
    count: 1 + cells * cells,
    at: (i) => (i === 0 ? whole : patch(i - 1)),
  });
  const [full, ...covered] = rows.map((row) => row[question.explained]);
  return { values: Float32Array.from(covered, (score) => full - score), height: cells, width: cells };
}

/** Points on the way from the grey image to the image. */
const STEPS = 48;

/**
 * Integrated gradients (Sundararajan, Taly & Yan 2017, eq. 1): (x − x₀) times the mean of the score's gradient on the
 * straight way from the mean colour x₀ to the image x, at the middles of 48 equal steps. The values [side, side, 3] add
 * up to the difference of the two scores, but for the error of the steps.
 */
export async function integratedGradients(asked: MaskedScores, question: Question): Promise<AskedMap> {
  const { side } = asked;
  const at = (i: number) => new Float32Array(side * side).fill((i + 0.5) / STEPS);
  const slopes = await asked.slopes(withoutImage(question), { count: STEPS, at }, question.explained);
  const values = question.image.map((v, i) => (v * slopes[i]) / STEPS);
  return { values, height: side, width: side };
}

/** An activation of the image: [height, width, channels]. */
export interface Activation extends AskedMap {
  readonly channels: number;
}

/**
 * Score-CAM (Wang et al. 2020, eq. 6 to 8 and algorithm 1): each channel of an activation, enlarged and brought to
 * 0..1, masks the image; the softmax of the scores of these images weighs the channels, whose sum is cut off below 0.
 * A channel with one value everywhere masks nothing and has no weight.
 */
export async function scoreCam(asked: MaskedScores, question: Question, activation: Activation): Promise<AskedMap> {
  const { values, height, width, channels } = activation;
  const plane = (channel: number) =>
    Float32Array.from({ length: height * width }, (_, p) => values[p * channels + channel]);
  const alive = Array.from({ length: channels }, (_, c) => c).filter((c) => plane(c).some((v, _, all) => v !== all[0]));
  const rows = await asked.scores(withoutImage(question), {
    count: alive.length,
    at: (i) =>
      stretched(resamplePlanes({ data: plane(alive[i]), w: width, h: height, channels: 1 }, asked.side, asked.side)),
  });
  const scores = rows.map((row) => row[question.explained]);
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((a, b) => a + b, 0);
  const map = new Float64Array(height * width);
  alive.forEach((channel, i) => plane(channel).forEach((v, p) => (map[p] += (weights[i] / total) * v)));
  return { values: Float32Array.from(map, (v) => Math.max(0, v)), height, width };
}

/** The values brought to 0..1; zeros where all are equal. */
function stretched(values: Float32Array): Float32Array {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  return values.map((v) => (high > low ? (v - low) / (high - low) : 0));
}
