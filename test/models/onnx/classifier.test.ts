import { describe, expect, it } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import { applySegments, belongsTo, segmentsBetween } from '../../../models/network.ts';
import { loadOnnx, type LoadedOnnx } from '../../../models/onnx/load_onnx.ts';
import { randomArray } from '../../random.ts';
import { evaluateGraph } from '../../reference/interpreter.ts';
import { buildModel, type NodePlan } from './build.ts';
import { nchw, worst } from './compare.ts';
import { onnxruntime } from './onnxruntime.ts';
import { parametersOf } from './operator_case.ts';

const SIDE = 6;
const IMAGES = [2, SIDE, SIDE, 3];
const given = (shape: readonly number[], seed: number) => ({
  shape,
  data: randomArray(
    shape.reduce((a, b) => a * b, 1),
    seed,
  ),
});
const WEIGHTS = {
  'conv.weight': given([5, 3, 3, 3], 1),
  // What torchvision calls the layers of a head, of which the last is replaced.
  'classifier.0.weight': given([7, 5, 1, 1], 2),
  'classifier.0.bias': given([7], 3),
  'classifier.3.weight': given([4, 7, 1, 1], 4),
  'classifier.3.bias': given([4], 5),
};

const node = (op: string, from: string, to: string, more: Partial<NodePlan> = {}): NodePlan => ({
  op,
  inputs: [from],
  outputs: [to],
  ...more,
});
const layer = (k: number, from: string, to: string, more: Partial<NodePlan> = {}) =>
  node('Conv', from, to, { inputs: [from, `classifier.${k}.weight`, `classifier.${k}.bias`], ...more });

const STEM = [
  { ...node('Conv', 'x', 'map'), inputs: ['x', 'conv.weight'], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  node('Relu', 'map', 'positive'),
];
/** Heads of published ones as their exporters write them. */
const HEADS: Readonly<Record<string, readonly NodePlan[]>> = {
  'Network in Network: a mean of each map': [
    layer(0, 'positive', 'wide'),
    layer(3, 'wide', 'maps'),
    node('GlobalAveragePool', 'maps', 'means'),
    node('Flatten', 'means', 'y'),
  ],
  'SqueezeNet: rectified before': [
    layer(0, 'positive', 'wide'),
    node('Dropout', 'wide', 'kept'),
    layer(3, 'kept', 'maps'),
    node('Relu', 'maps', 'rectified'),
    node('GlobalAveragePool', 'rectified', 'means'),
    node('Softmax', 'means', 'shares', { attributes: { axis: 1 } }),
    node('Flatten', 'shares', 'y'),
  ],
  'MobileNetV3: of one pixel': [
    node('ReduceMean', 'positive', 'pooled', { attributes: { axes: [2, 3] } }),
    layer(0, 'pooled', 'wide'),
    node('HardSwish', 'wide', 'active'),
    layer(3, 'active', 'maps'),
    node('Flatten', 'maps', 'y'),
  ],
  'of one pixel, as images [N, H, W, C] at the end': [
    node('GlobalAveragePool', 'positive', 'pooled'),
    layer(0, 'pooled', 'wide'),
    layer(3, 'wide', 'maps', { inputs: ['wide', 'classifier.3.weight'] }),
    { op: 'Add', inputs: ['maps', 'shift'], outputs: ['sum'] },
    node('Transpose', 'sum', 'y', { attributes: { perm: [0, 2, 3, 1] } }),
  ],
};

const model = (head: readonly NodePlan[]) =>
  buildModel({
    nodes: [...STEM, ...head],
    inputs: { x: { shape: ['N', 3, SIDE, SIDE] } },
    outputs: ['y'],
    initialisers: { ...WEIGHTS, shift: given([1, 4, 1, 1], 6) },
  });
const PIXELS = randomArray(2 * SIDE * SIDE * 3, 9);

/** The network's answers in float64, and a value on the way. */
function answers({ network, weights }: LoadedOnnx, more: Readonly<Record<string, readonly number[]>> = {}) {
  const { context, leaves } = parametersOf({ specs: network.specs, weights });
  for (const [name, values] of Object.entries(more)) leaves.set(name, values);
  const y = applySegments(network.segments, input('images', IMAGES), context);
  return { shape: y.shape, data: evaluateGraph([y], leaves.set('images', PIXELS)).get(y)! };
}

const theirs = async (head: readonly NodePlan[], value: string) => {
  const nodes = [...head, node('Identity', value, 'wanted')];
  const bytes = buildModel({
    nodes: [...STEM, ...nodes],
    inputs: { x: { shape: [2, 3, SIDE, SIDE] } },
    outputs: ['wanted'],
    initialisers: { ...WEIGHTS, shift: given([1, 4, 1, 1], 6) },
  });
  const feed = { shape: [2, 3, SIDE, SIDE], data: nchw(PIXELS, IMAGES) };
  return (await onnxruntime(bytes, { x: feed }))['wanted'];
};

describe.each(Object.entries(HEADS))('a last layer that is a convolution, %s', (title, head) => {
  it('gives the logits [N, K] that onnxruntime does', async () => {
    const loaded = loadOnnx(model(head));
    const { shape, data } = answers(loaded);
    expect(shape).toEqual([2, 4]);
    expect(loaded.network.config).toEqual({ classes: 4 });
    const logits = title.startsWith('Squeeze') ? 'means' : 'y';
    expect(worst(data, (await theirs(head, logits)).data)).toBeLessThan(1e-6);
    expect(loaded.notes).toEqual(logits === 'y' ? [] : [expect.stringMatching(/the Softmax at its end is left out/)]);
  });

  it('is replaced by a dense layer of the means over pixels of what it reads', async () => {
    const loaded = loadOnnx(model(head), { classes: 3 });
    const { network } = loaded;
    expect(network.specs.map(({ name }) => name)).toEqual([
      'conv.weight',
      'classifier.0.weight',
      'classifier.0.bias',
      'classifier.w',
      'classifier.b',
    ]);
    // Layers of the file whose names begin as the new one's are not part of it.
    const trained = segmentsBetween(network, network.features);
    expect(network.specs.map(({ name }) => name).filter(belongsTo(trained))).toEqual(['classifier.w', 'classifier.b']);
    const [w, b] = [randomArray(7 * 3, 11), [0.5, -1, 2]];
    const { shape, data } = answers(loaded, { 'classifier.w': [...w], 'classifier.b': b });
    expect(shape).toEqual([2, 3]);
    const read = head.find(({ op, inputs }) => op === 'Conv' && inputs[1] === 'classifier.3.weight')!.inputs[0];
    const { shape: maps, data: values } = await theirs(head, read);
    const pixels = maps[2] * maps[3];
    const wanted = [0, 1].flatMap((n) =>
      b.map((bias, k) => {
        let sum = bias;
        for (let c = 0; c < 7; c++)
          for (let p = 0; p < pixels; p++) sum += (values[(n * 7 + c) * pixels + p] / pixels) * w[c * 3 + k];
        return sum;
      }),
    );
    expect(worst(data, wanted)).toBeLessThan(1e-6);
  });
});

describe('a head behind which are sigmoids', () => {
  const flat = { 'fc.weight': given([5, 1], 7) };
  const bytes = buildModel({
    nodes: [
      ...STEM,
      node('ReduceMean', 'positive', 'pooled', { attributes: { axes: [2, 3], keepdims: 0 } }),
      { op: 'MatMul', inputs: ['pooled', 'fc.weight'], outputs: ['answer'] },
      node('Sigmoid', 'answer', 'y'),
    ],
    inputs: { x: { shape: [2, 3, SIDE, SIDE] } },
    outputs: ['y'],
    initialisers: { ...WEIGHTS, ...flat },
  });

  it('keeps them, but for new classes', () => {
    expect([...answers(loadOnnx(bytes)).data].every((v) => v > 0 && v < 1)).toBe(true);
    const { network, notes } = loadOnnx(bytes, { classes: 2 });
    expect(network.specs.map(({ name }) => name)).toEqual(['conv.weight', 'classifier.w', 'classifier.b']);
    expect(notes).toEqual([expect.stringMatching(/the Sigmoid at its end is left out/)]);
  });
});

it('a network that ends in maps is no classifier', () => {
  const head = [layer(0, 'positive', 'wide'), layer(3, 'wide', 'y')];
  expect(() => loadOnnx(model(head), { classes: 3 })).toThrow(/no 1 x 1 convolution/);
});
