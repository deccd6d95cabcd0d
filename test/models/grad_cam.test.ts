import { describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { relu } from '../../engine/ops/pointwise.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { classInput, findTensor, gradCam, gradCamPlusPlus, guidedBackprop, oneHot } from '../../models/grad_cam.ts';
import { applySegments } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { vgg } from '../../models/vgg.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { relativeL2 } from '../tolerance.ts';

const SIDE = 16;
const network = vgg('vgg_small', 3);
const weights = new Map(
  network.specs
    .filter(({ kind }) => kind === 'gamma' || kind === 'beta')
    .map(({ name, shape, kind }, i) => [
      name,
      randomArray(shape[0], i, kind === 'gamma' ? 0.6 : -0.3, kind === 'gamma' ? 1.4 : 0.3),
    ]),
);

/** A VGG on one image, and the values of its leaves in float64. */
function pose(device: Device) {
  const parameters = new ParameterSet(device, network.specs, weights, 4);
  const x = input('x', [1, SIDE, SIDE, 3]);
  const logits = applySegments(network.segments, x, { parameters, batchNorm: 'running' });
  const feeds = { x: randomArray(x.size, 9), explained_class: oneHot([2], 3) };
  return { parameters, x, logits, classes: classInput(logits), feeds };
}

async function leavesOf(
  parameters: ParameterSet,
  feeds: Record<string, Float32Array>,
): Promise<Map<string, ArrayLike<number>>> {
  const leaves = new Map<string, ArrayLike<number>>(Object.entries(feeds));
  for (const p of parameters.all) leaves.set(p.name, await p.read());
  return leaves;
}

/**
 * The gradient of logit 2 at an activation, by central differences in float64: the head is cut off the graph and moved
 * about.
 */
function slopes(
  logits: Tensor,
  activation: Tensor,
  leaves: ReadonlyMap<string, ArrayLike<number>>,
): { a: Float64Array; g: Float64Array } {
  const values = evaluateGraph([logits], leaves);
  const a = values.get(activation)!;
  const step = 1e-6;
  const score = (i: number, by: number) =>
    evaluateGraph(
      [logits],
      leaves,
      new Map([[activation, a.map((v, j) => (j === i ? v + by : v))], ...behind(activation, values)]),
    ).get(logits)![2];
  return { a, g: a.map((_, i) => (score(i, step) - score(i, -step)) / (2 * step)) };
}

/** What an activation was made from: given, so that it is not computed again. */
function behind(activation: Tensor, values: ReadonlyMap<Tensor, Float64Array>): [Tensor, Float64Array][] {
  const found = new Set<Tensor>();
  const stack = [...activation.inputs];
  for (let t = stack.pop(); t; t = stack.pop())
    if (!found.has(t)) {
      found.add(t);
      stack.push(...t.inputs);
    }
  return [...found].map((t) => [t, values.get(t)!]);
}

describeAdapters('explanations of a network', (device) => {
  it('Grad-CAM and Grad-CAM++ are their formulas on slopes measured by differences', async () => {
    const { parameters, logits, classes, feeds } = pose(device());
    using _ = parameters;
    const activation = findTensor(logits, 'block4');
    const [, height, width, channels] = activation.shape;
    const maps = [gradCam(logits, classes, activation), gradCamPlusPlus(logits, classes, activation)];
    expect(maps.map(({ shape }) => shape)).toEqual([
      [1, height, width],
      [1, height, width],
    ]);
    const got = await evaluate(device(), maps, feeds);
    const { a, g } = slopes(logits, activation, await leavesOf(parameters, feeds));
    const at = (p: number, c: number) => p * channels + c;
    const places = Array.from({ length: height * width }, (_, p) => p);
    const all = Array.from({ length: channels }, (_, c) => c);
    const map = (weight: (c: number) => number) => {
      const w = all.map(weight);
      return places.map((p) =>
        Math.max(
          0,
          all.reduce((sum, c) => sum + w[c] * a[at(p, c)], 0),
        ),
      );
    };
    const plain = map((c) => places.reduce((sum, p) => sum + g[at(p, c)], 0) / places.length);
    const plusPlus = map((c) => {
      const area = places.reduce((sum, p) => sum + a[at(p, c)] * g[at(p, c)] ** 3, 0);
      return places.reduce((sum, p) => {
        const slope = g[at(p, c)];
        return slope > 0 ? sum + (slope ** 2 / (2 * slope ** 2 + area)) * slope : sum;
      }, 0);
    });
    expect(Math.max(...plain), 'a map of zeros would prove nothing').toBeGreaterThan(0);
    expect(relativeL2(got[0], plain)).toBeLessThan(1e-4);
    expect(relativeL2(got[1], plusPlus)).toBeLessThan(1e-4);
  });

  it('any named layer can be explained, each image for itself and each class apart', async () => {
    const { parameters, logits } = pose(device());
    using _ = parameters;
    const x2 = input('x', [2, SIDE, SIDE, 3]);
    const both = applySegments(network.segments, x2, { parameters, batchNorm: 'running' });
    const images = randomArray(x2.size, 12);
    for (const layer of ['block1', 'block2', 'block3']) {
      const [maps] = await evaluate(device(), [gradCam(both, classInput(both), findTensor(both, layer))], {
        x: images,
        explained_class: oneHot([0, 2], 3),
      });
      for (const [n, k] of [0, 2].entries()) {
        const [single] = await evaluate(device(), [gradCam(logits, classInput(logits), findTensor(logits, layer))], {
          x: images.slice(n * SIDE * SIDE * 3, (n + 1) * SIDE * SIDE * 3),
          explained_class: oneHot([k], 3),
        });
        expect(
          relativeL2(maps.subarray(n * single.length, (n + 1) * single.length), single),
          `${layer}, image ${n}`,
        ).toBeLessThan(1e-4);
      }
    }
  });

  it('guided backprop cuts negative cotangents at every activation, worked out by hand', async () => {
    // x = (1, 2); h = relu(A·x) with A's columns (1, 1), (1, -1), (2, 1): h = (3, 0, 4);
    // s = relu(h·B), B's columns (1, 5, -1), (2, 1, 1).
    const [x, a, b, c] = [input('x', [1, 2]), input('a', [2, 3]), input('b', [3, 2]), input('c', [2, 2])];
    const h = relu(matmul(x, a));
    const logits = matmul(relu(matmul(h, b)), c);
    const feeds = {
      x: Float32Array.of(1, 2),
      a: Float32Array.of(1, 1, 2, 1, -1, 1),
      b: Float32Array.of(1, 2, 5, 1, -1, 1),
      c: Float32Array.of(7, 3, 1, -2),
      explained_class: oneHot([0], 2),
    };
    // Before the second relu: (3 − 4, 6 + 4) = (−1, 10): only the second lives. Its weight in class 0 is 1:
    // dh = (2, 1, 1), of which h's own relu lets through (2, 0, 1). dx = 2·(1, 1) + 1·(2, 1) = (4, 3).
    const [got] = await evaluate(device(), [guidedBackprop(logits, classInput(logits), x)], feeds);
    expect([...got]).toEqual([4, 3]);
    // For class 1 the weight is −2: cut off at the last relu, where the plain gradient would be negative.
    const [other] = await evaluate(device(), [guidedBackprop(logits, classInput(logits), x)], {
      ...feeds,
      explained_class: oneHot([1], 2),
    });
    expect([...other]).toEqual([0, 0]);
  });

  it('guided backprop of a network with fused activations follows the same rule in float64', async () => {
    const { parameters, x, logits, classes, feeds } = pose(device());
    using _ = parameters;
    const guided = guidedBackprop(logits, classes, x);
    const [got] = await evaluate(device(), [guided], feeds);
    const want = evaluateGraph([guided], await leavesOf(parameters, feeds)).get(guided)!;
    expect(relativeL2(got, want)).toBeLessThan(1e-4);
  });
});

describe('a layer', () => {
  it('that is not there is answered with those that are', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const { parameters, logits } = pose(device);
    using _ = parameters;
    expect(() => findTensor(logits, 'block9')).toThrow(UserError);
    expect(() => findTensor(logits, 'block9')).toThrow(
      /no layer block9.*block1, block2, block3, block4, pool, classifier/,
    );
    expect(findTensor(logits, 'block3').shape).toEqual([1, SIDE / 4, SIDE / 4, 64]);
    expect([...oneHot([1, 0], 3)]).toEqual([0, 1, 0, 1, 0, 0]);
  });
});
