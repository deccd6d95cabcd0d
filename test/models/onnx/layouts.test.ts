import { describe, expect, it } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import { topologicalOrder } from '../../../engine/tensor.ts';
import { applySegments } from '../../../models/network.ts';
import { reshapedOrder } from '../../../models/onnx/layout.ts';
import { loadOnnx, type LoadedOnnx } from '../../../models/onnx/load_onnx.ts';
import { randomArray } from '../../random.ts';
import { evaluateGraph } from '../../reference/interpreter.ts';
import { buildModel, type ModelPlan, type NodePlan } from './build.ts';
import { onnxruntime, type Given } from './onnxruntime.ts';
import { parametersOf } from './operator_case.ts';

const weights = (shapes: Readonly<Record<string, readonly number[]>>): Record<string, Given> =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const range = name.endsWith('var') ? ([0.5, 2] as const) : ([-0.5, 0.5] as const);
      return [name, { shape, data: randomArray(size, i + 1, ...range) }];
    }),
  );
const ints = (...data: readonly number[]): Given => ({ shape: [data.length], data, type: 'int64' });
const node = (op: string, inputs: string, output: string, attributes?: NodePlan['attributes']): NodePlan => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});
const batchNorm = (x: string, name: string, y: string) =>
  node('BatchNormalization', `${x} ${name}.weight ${name}.bias ${name}.running_mean ${name}.running_var`, y);
const normShapes = (name: string, channels: number) =>
  Object.fromEntries(['weight', 'bias', 'running_mean', 'running_var'].map((each) => [`${name}.${each}`, [channels]]));
const SAME = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const IMAGES = { x: { shape: ['N', 3, 'H', 'W'] } } as const;

const VGG: ModelPlan = {
  nodes: [
    node('Conv', 'x w0 b0', 'c0', SAME),
    node('Relu', 'c0', 'r0'),
    node('MaxPool', 'r0', 'p0', { kernel_shape: [2, 2], strides: [2, 2] }),
    node('Conv', 'p0 w1 b1', 'c1', SAME),
    node('Relu', 'c1', 'r1'),
    node('Flatten', 'r1', 'f'),
    node('Dropout', 'f', 'd'),
    node('Gemm', 'd fc0 fb0', 'g0', { transB: 1 }),
    node('Relu', 'g0', 'r2'),
    node('Gemm', 'r2 fc1 fb1', 'y', { transB: 1 }),
  ],
  inputs: IMAGES,
  outputs: ['y'],
  initialisers: weights({
    w0: [4, 3, 3, 3],
    b0: [4],
    w1: [6, 4, 3, 3],
    b1: [6],
    fc0: [10, 6 * 4 * 3],
    fb0: [10],
    fc1: [5, 10],
    fb1: [5],
  }),
};

const RESNET: ModelPlan = {
  nodes: [
    node('Conv', 'x conv.weight', 'c0', { ...SAME, strides: [2, 2] }),
    batchNorm('c0', 'bn1', 'n0'),
    node('Relu', 'n0', 'r0'),
    node('Conv', 'r0 a.weight', 'c1', SAME),
    batchNorm('c1', 'bn2', 'n1'),
    node('Add', 'n1 r0', 's'),
    node('Relu', 's', 'r1'),
    node('GlobalAveragePool', 'r1', 'g'),
    // As older exports of PyTorch write x.view(x.size(0), -1).
    node('Shape', 'g', 'shape'),
    node('Gather', 'shape zero', 'batch', { axis: 0 }),
    node('Unsqueeze', 'batch axis', 'batch1'),
    node('Concat', 'batch1 rest', 'target', { axis: 0 }),
    node('Reshape', 'g target', 'f'),
    node('Gemm', 'f fc.weight fc.bias', 'logits', { transB: 1 }),
    node('Softmax', 'logits', 'y'),
  ],
  inputs: IMAGES,
  outputs: ['y'],
  initialisers: {
    ...weights({
      'conv.weight': [4, 3, 3, 3],
      'a.weight': [4, 4, 3, 3],
      ...normShapes('bn1', 4),
      ...normShapes('bn2', 4),
      'fc.weight': [5, 4],
      'fc.bias': [5],
    }),
    zero: { shape: [], data: [0], type: 'int64' },
    axis: ints(0),
    rest: ints(-1),
  },
};

/** A network as TensorFlow's exporter writes it: images NHWC, transposed before and after each convolution. */
const FROM_NHWC: ModelPlan = {
  nodes: [
    node('Transpose', 'x', 't0', { perm: [0, 3, 1, 2] }),
    node('Conv', 't0 w0', 'c0', SAME),
    node('Transpose', 'c0', 't1', { perm: [0, 2, 3, 1] }),
    node('Add', 't1 b0', 'a0'),
    node('Relu', 'a0', 'r0'),
    node('Transpose', 'r0', 't2', { perm: [0, 3, 1, 2] }),
    node('Conv', 't2 w1', 'c1', SAME),
    node('Transpose', 'c1', 't3', { perm: [0, 2, 3, 1] }),
    node('ReduceMean', 't3', 'm', { axes: [1, 2], keepdims: 0 }),
    node('MatMul', 'm fc', 'y'),
  ],
  inputs: { x: { shape: ['N', 'H', 'W', 3] } },
  outputs: ['y'],
  initialisers: weights({ w0: [4, 3, 3, 3], b0: [4], w1: [6, 4, 3, 3], fc: [6, 5] }),
};

/** Layer norm of channels behind a transposition, a dense layer for each pixel, and back: ConvNeXt's block. */
const CONVNEXT: ModelPlan = {
  nodes: [
    node('Conv', 'x w0', 'c0', SAME),
    node('Conv', 'c0 dw', 'd', { ...SAME, group: 4 }),
    node('Transpose', 'd', 't', { perm: [0, 2, 3, 1] }),
    node('LayerNormalization', 't g b', 'n', { axis: -1 }),
    node('MatMul', 'n w1', 'm1'),
    node('Add', 'm1 b1', 'a1'),
    node('Sigmoid', 'a1', 's'),
    node('MatMul', 's w2', 'm2'),
    node('Transpose', 'm2', 't2', { perm: [0, 3, 1, 2] }),
    node('Mul', 'scale t2', 'l'),
    node('Add', 'l c0', 'r'),
    node('GlobalAveragePool', 'r', 'p'),
    node('Flatten', 'p', 'f'),
    node('Gemm', 'f fc', 'y'),
  ],
  inputs: IMAGES,
  outputs: ['y'],
  initialisers: weights({
    w0: [4, 3, 3, 3],
    dw: [4, 1, 3, 3],
    g: [4],
    b: [4],
    w1: [4, 8],
    b1: [8],
    w2: [8, 4],
    scale: [4, 1, 1],
    fc: [4, 5],
  }),
};

const SIDES = [8, 6] as const;

/** The network's logits for images in float64, and the names of the ops that make them. */
function logitsOf(loaded: LoadedOnnx, data: ArrayLike<number>, batch: number) {
  const { network } = loaded;
  const { context, leaves } = parametersOf({ ...loaded, specs: network.specs });
  const x = input('images', [batch, ...SIDES, 3]);
  const y = applySegments(network.segments, x, context);
  const values = evaluateGraph([y], new Map<string, ArrayLike<number>>([...leaves, ['images', data]]));
  return { logits: values.get(y)!, ops: topologicalOrder([y]).map(({ op }) => op.name), shape: y.shape };
}

const softmax = (row: readonly number[]): number[] => {
  const powers = row.map((v) => Math.exp(v - Math.max(...row)));
  return powers.map((v) => v / powers.reduce((a, b) => a + b, 0));
};

describe('layouts', () => {
  it.each([
    ['VGG', VGG],
    ['ResNet', RESNET],
    ['a network of NHWC images', FROM_NHWC],
    ['ConvNeXt', CONVNEXT],
  ])('nothing is transposed in %s', async (name, plan) => {
    const model = buildModel(plan);
    const loaded = loadOnnx(model, { size: SIDES });
    for (const batch of [1, 3]) {
      const nhwc = randomArray(batch * SIDES[0] * SIDES[1] * 3, batch);
      const { logits, ops } = logitsOf(loaded, nhwc, batch);
      expect(ops).not.toContain('transpose');
      const pixels = SIDES[0] * SIDES[1];
      const nchw = Float32Array.from(nhwc, (_, i) => {
        const [sample, channel, pixel] = [Math.floor(i / (3 * pixels)), Math.floor(i / pixels) % 3, i % pixels];
        return nhwc[(sample * pixels + pixel) * 3 + channel];
      });
      const given: Given =
        plan === FROM_NHWC ? { shape: [batch, ...SIDES, 3], data: nhwc } : { shape: [batch, 3, ...SIDES], data: nchw };
      const theirs = (await onnxruntime(model, { x: given }))['y'].data;
      const ours = [...Array(batch).keys()].flatMap((n) => {
        const row = [...logits.subarray(n * 5, (n + 1) * 5)];
        return name === 'ResNet' ? softmax(row) : row;
      });
      ours.forEach((v, i) => expect(Math.abs(v - theirs[i])).toBeLessThan(1e-5));
    }
  });

  it('find the classifier, its features and the last image', () => {
    const vgg = loadOnnx(buildModel(VGG), { size: SIDES }).network;
    expect([vgg.lastConv, vgg.features]).toEqual(['r1', 'r2']);
    const resnet = loadOnnx(buildModel(RESNET), { size: SIDES });
    expect([resnet.network.lastConv, resnet.network.features]).toEqual(['r1', 'f']);
    expect(resnet.notes).toEqual(['the ONNX model: the Softmax at its end is left out; the network gives logits']);
    expect(resnet.network.specs.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'conv.weight filter',
      ...['gamma', 'beta', 'mean', 'var'].map((kind) => `bn1.${kind} ${kind}`),
      'a.weight filter',
      ...['gamma', 'beta', 'mean', 'var'].map((kind) => `bn2.${kind} ${kind}`),
      'fc.weight dense',
      'fc.bias bias',
    ]);
  });

  it('take another classifier behind flattened features', () => {
    const loaded = loadOnnx(
      buildModel({ ...VGG, nodes: VGG.nodes.slice(0, 7).concat(node('Gemm', 'd fc0 fb0', 'y', { transB: 1 })) }),
      {
        size: SIDES,
        classes: 7,
      },
    );
    expect(loaded.network.specs.slice(-2).map(({ name, shape }) => [name, shape])).toEqual([
      ['classifier.w', [72, 7]],
      ['classifier.b', [7]],
    ]);
    const own = new Map([
      ...loaded.weights,
      ['classifier.w', randomArray(72 * 7, 1)],
      ['classifier.b', randomArray(7, 2)],
    ]);
    expect(logitsOf({ ...loaded, weights: own }, randomArray(2 * 48 * 3, 1), 2).shape).toEqual([2, 7]);
  });

  it.each<[readonly number[], readonly number[], readonly number[], readonly number[] | undefined]>([
    [
      [2, 3, 4, 5],
      [0, 2, 3, 1],
      [2, 3, 20],
      [0, 2, 1],
    ],
    [[2, 3, 4, 5], [0, 2, 3, 1], [2, 60], undefined],
    [
      [2, 3, 1, 1],
      [0, 2, 3, 1],
      [2, 3],
      [0, 1],
    ],
    [
      [2, 6, 4, 5],
      [0, 2, 3, 1],
      [2, 2, 3, 4, 5],
      [0, 3, 4, 1, 2],
    ],
    [
      [2, 3],
      [0, 1],
      [2, 3, 1, 1],
      [0, 1, 2, 3],
    ],
    [
      [2, 3, 4],
      [2, 0, 1],
      [6, 4],
      [1, 0],
    ],
    [[1, 1], [0, 1], [1], [0]],
  ])('of %j in the order %j, as %j: %j', (shape, order, target, expected) =>
    expect(reshapedOrder(shape, order, target)).toEqual(expected),
  );
});
