import { describe, expect, it } from 'vitest';
import { batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { relu, silu } from '../../engine/ops/pointwise.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { classInput, gradCam, gradCamPlusPlus, guidedBackprop, layerCam, oneHot } from '../../models/grad_cam.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import * as plain from '../reference/layers.ts';
import { adaptersBound, relativeL2 } from '../tolerance.ts';

/*
 * Explanations against plain loops that share nothing with the graph, on networks without global pooling: there the
 * gradient differs from place to place, as it does at any inner layer.
 */

const [H, W, C, K] = [5, 6, 3, 3];
/**
 * To first order the errors of a chain's sums add up: two convolutions and the matrix forwards, the same backwards, and
 * a map's sums over places and channels.
 */
const CLOSE = adaptersBound([9 * C, 9 * 4, H * W * 6, K, 9 * 6, 9 * 4, H * W, 6]) / 2;

/** A layer twice: as the engine's op and as plain loops. */
interface Pair {
  readonly op: (x: Tensor) => Tensor;
  readonly layer: plain.Layer;
}

const ACTIVATIONS = {
  relu: { op: relu, layer: plain.relu },
  silu: { op: silu, layer: plain.silu },
} as const;

/** Makes layers whose weights are drawn and fed by name. */
class Maker {
  readonly feeds: Record<string, Float32Array> = {};

  private leaf(shape: readonly number[], low: number, high: number): { tensor: Tensor; values: Float32Array } {
    const name = `w${Object.keys(this.feeds).length}`;
    const tensor = input(name, shape);
    const values = randomArray(tensor.size, 40 + Object.keys(this.feeds).length, low, high);
    this.feeds[name] = values;
    return { tensor, values };
  }

  conv(from: number, to: number): Pair {
    const { tensor, values } = this.leaf([3, 3, from, to], -0.4, 0.5);
    return { op: (x) => conv2d(x, tensor, { padding: 1 }), layer: plain.conv(values, 3, to) };
  }

  /** Batch norm with its activation fused: one op here, two layers in plain loops. */
  norm(channels: number, activation: 'relu' | 'silu', epsilon = 1e-3): Pair {
    const stats = this.leaf([2, channels], 0.2, 0.6);
    const [gamma, beta] = [this.leaf([channels], 0.5, 1.5), this.leaf([channels], -0.3, 0.3)];
    const [mean, variance] = [stats.values.subarray(0, channels), stats.values.subarray(channels)];
    const scaled = plain.norm(gamma.values, beta.values, mean, variance, epsilon);
    const { layer: bend } = ACTIVATIONS[activation];
    return {
      op: (x) => batchNormInference(x, stats.tensor, gamma.tensor, beta.tensor, { epsilon, activation }),
      layer: {
        activates: true,
        forward: (x) => bend.forward(scaled.forward(x)),
        backward: (x, dy) => scaled.backward(x, bend.backward(scaled.forward(x), dy)),
      },
    };
  }

  dense(from: number, to: number): Pair {
    const { tensor, values } = this.leaf([from, to], -0.3, 0.3);
    return { op: (x) => matmul(reshape(x, [x.shape[0], from]), tensor), layer: plain.dense(values, to) };
  }
}

const NETWORKS: Record<string, (m: Maker) => Pair[]> = {
  ReLU: (m) => [m.conv(C, 4), ACTIVATIONS.relu, m.conv(4, 6), ACTIVATIONS.relu, m.dense(H * W * 6, K)],
  SiLU: (m) => [m.conv(C, 4), ACTIVATIONS.silu, m.conv(4, 6), ACTIVATIONS.silu, m.dense(H * W * 6, K)],
  'ReLU of ReLU': (m) => [
    m.conv(C, 4),
    ACTIVATIONS.relu,
    ACTIVATIONS.relu,
    m.conv(4, 6),
    ACTIVATIONS.relu,
    m.dense(H * W * 6, K),
  ],
  'ReLU after SiLU': (m) => [
    m.conv(C, 4),
    ACTIVATIONS.silu,
    ACTIVATIONS.relu,
    m.conv(4, 6),
    ACTIVATIONS.silu,
    ACTIVATIONS.relu,
    m.dense(H * W * 6, K),
  ],
  'SiLU after ReLU': (m) => [
    m.conv(C, 4),
    ACTIVATIONS.relu,
    ACTIVATIONS.silu,
    m.conv(4, 6),
    ACTIVATIONS.relu,
    m.dense(H * W * 6, K),
  ],
  'batch norm with ReLU': (m) => [
    m.conv(C, 4),
    m.norm(4, 'relu'),
    m.conv(4, 6),
    m.norm(6, 'relu'),
    m.dense(H * W * 6, K),
  ],
  'batch norm with SiLU, then ReLU': (m) => [
    m.conv(C, 4),
    m.norm(4, 'silu'),
    m.conv(4, 6),
    m.norm(6, 'silu'),
    ACTIVATIONS.relu,
    m.dense(H * W * 6, K),
  ],
};

/** The network on one image: as a graph with the tensor after each layer, and in plain loops. */
function build(make: (m: Maker) => Pair[], picked = 1) {
  const maker = new Maker();
  const pairs = make(maker);
  const x = input('x', [1, H, W, C]);
  const tensors = [x];
  for (const { op } of pairs) tensors.push(op(tensors[tensors.length - 1]));
  const logits = tensors[tensors.length - 1];
  const image = randomArray(x.size, 7, -1, 1);
  const layers = pairs.map(({ layer }) => layer);
  const seen = plain.forwards(layers, { h: H, w: W, c: C, values: Float64Array.from(image) });
  const seed = Float64Array.from({ length: K }, (_, k) => (k === picked ? 1 : 0));
  return {
    tensors,
    logits,
    classes: classInput(logits),
    feeds: { ...maker.feeds, x: image, explained_class: oneHot([picked], K) },
    seen,
    cotangent: (down: number, guided = false) => plain.backwards(layers, seen, seed, down, guided),
  };
}

/** Float64 against float64: only the order of the additions differs. */
const EXACT = 1e-12;
type Evaluate = (outputs: readonly Tensor[], feeds: Record<string, Float32Array>) => Promise<ArrayLike<number>[]>;

const inFloat64: Evaluate = (outputs, feeds) => {
  const values = evaluateGraph(outputs, new Map(Object.entries(feeds)));
  return Promise.resolve(outputs.map((t) => values.get(t)!));
};

async function holdMaps(title: string, run: Evaluate, close: number): Promise<void> {
  const { tensors, logits, classes, feeds, seen, cotangent } = build(NETWORKS[title]);
  const inner = tensors.slice(1, -1);
  const maps = inner.flatMap((t) => [
    gradCam(logits, classes, t),
    gradCamPlusPlus(logits, classes, t),
    layerCam(logits, classes, t),
  ]);
  const got = await run(maps, feeds);
  let drawn = 0;
  inner.forEach((_, i) => {
    const g = cotangent(i + 1);
    const want = [plain.gradCam, plain.gradCamPlusPlus, plain.layerCam].map((of) => of(seen[i + 1], g));
    want.forEach((map, method) => {
      const place = `${['Grad-CAM', 'Grad-CAM++', 'Layer-CAM'][method]} after layer ${i + 1}`;
      expect(maps[3 * i + method].shape, place).toEqual([1, H, W]);
      if (!map.some((v) => v > 0)) return expect([...(got[3 * i + method] as Float32Array)], place).toEqual([...map]);
      drawn++;
      expect(relativeL2(got[3 * i + method], map), place).toBeLessThan(close);
    });
  });
  expect(drawn, 'maps of zeros would prove nothing').toBeGreaterThan(inner.length);
}

async function holdGuided(title: string, run: Evaluate, close: number): Promise<void> {
  const { tensors, logits, classes, feeds, cotangent } = build(NETWORKS[title]);
  const [got] = await run([guidedBackprop(logits, classes, tensors[0])], feeds);
  const [guided, unguided] = [cotangent(0, true), cotangent(0)];
  expect(relativeL2(unguided, guided)).toBeGreaterThan(0.1);
  expect(relativeL2(got, guided)).toBeLessThan(close);
}

describe('explanations in float64', () => {
  it.each(Object.keys(NETWORKS))('%s: Grad-CAM, Grad-CAM++ and Layer-CAM of every inner layer', (title) =>
    holdMaps(title, inFloat64, EXACT),
  );
  it.each(Object.keys(NETWORKS))('%s: guided backpropagation, which is not the plain gradient', (title) =>
    holdGuided(title, inFloat64, EXACT),
  );

  it('Grad-CAM++ of activations whose sum is negative is its formula, and at the pole a place counts nothing', async () => {
    // One channel of the sum S = -2.
    const [a, m] = [input('a', [1, 2, 2, 1]), input('m', [4, 1])];
    const logits = matmul(reshape(a, [1, 4]), m);
    const map = gradCamPlusPlus(logits, classInput(logits), a);
    const values = Float32Array.of(1, -4, 0.25, 0.75);
    const of = async (...g: number[]) =>
      Array.from(
        (await inFloat64([map], { a: values, m: Float32Array.from(g), explained_class: oneHot([0], 1) }))[0],
        (v) => v + 0,
      );
    // The first place's 2 + S·g is 1, its weight 0.5; the second is at the pole, the others are flat.
    expect(await of(0.5, 1, 0, 0)).toEqual([0.5, 0, 0.125, 0.375]);
    expect(await of(1, 1, 1, 1)).toEqual([0, 0, 0, 0]);
    // 3 / (2 - 6) = -0.75: beyond the pole the weight is negative, and the map shows where the activation is.
    expect(await of(3, -1, 0, 0)).toEqual([0, 3, 0, 0]);
    expect(await of(0, 0, 0, 0)).toEqual([0, 0, 0, 0]);
    expect(await of(-1, -2, -3, -1)).toEqual([0, 0, 0, 0]);
  });
});

describeAdapters('explanations on the GPU', (device) => {
  const run: Evaluate = (outputs, feeds) => evaluate(device(), outputs, feeds);
  const titles = ['ReLU', 'SiLU', 'ReLU of ReLU', 'batch norm with SiLU, then ReLU'];
  it.each(titles)('%s: Grad-CAM, Grad-CAM++ and Layer-CAM of every inner layer', (title) =>
    holdMaps(title, run, CLOSE),
  );
  it.each(titles)('%s: guided backpropagation', (title) => holdGuided(title, run, CLOSE));

  it('Grad-CAM++ counts nothing at the pole and does not depend on how small the gradient is', async () => {
    const [a, m] = [input('a', [1, 1, 2, 1]), input('m', [2, 1])];
    const logits = matmul(reshape(a, [1, 2]), m);
    const map = gradCamPlusPlus(logits, classInput(logits), a);
    const of = async (values: number[], g: number[]) =>
      (await run([map], { a: Float32Array.from(values), m: Float32Array.from(g), explained_class: oneHot([0], 1) }))[0];
    // S·g of -2, and within a rounding of it.
    expect([...Array.from(await of([1, -3], [1, 1]))]).toEqual([0, 0]);
    expect([...Array.from(await of([1, -3], [1 + 2 ** -23, 0]))]).toEqual([0, 0]);
    // The square and the cube of 1e-20 and 1e-30 are below float32's range; the weight is g / (2 + S·g), 0.5e-20 a
    // place.
    expect(relativeL2(await of([1, 2], [1e-20, 1e-20]), [1e-20, 2e-20])).toBeLessThan(1e-6);
  });
});
