import { buildModel, type NodePlan } from '../models/onnx/build.ts';
import { noise } from '../vision/data/archive_files.ts';

const node = (op: string, inputs: string, output: string, attributes?: NodePlan['attributes']): NodePlan => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});
const floats = (...shape: readonly number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: [...noise(size, size)].map((byte) => byte / 255) };
};
const ints = (...data: readonly number[]) => ({ shape: [data.length], data, type: 'int64' as const });

/** Small models that between them use what takes arguments: windows, shapes, axes, ranges, sizes. */
export const onnxFiles = (): Uint8Array[] => [
  buildModel({
    nodes: [
      node('Conv', 'x w b', 'c', { pads: [1, 1, 1, 1], strides: [2, 2], dilations: [1, 1], group: 1 }),
      node('BatchNormalization', 'c b b b b', 'n', { epsilon: { float: 1e-3 } }),
      node('Relu', 'n', 'r'),
      node('MaxPool', 'r', 'p', { kernel_shape: [2, 2], strides: [1, 1] }),
      node('Shape', 'p', 's'),
      node('Gather', 's first', 'batch', { axis: 0 }),
      node('Concat', 'batch rest', 't', { axis: 0 }),
      node('Reshape', 'p t', 'f'),
      node('Gemm', 'f v', 'y', { transB: 1, alpha: { float: 0.5 } }),
    ],
    inputs: { x: { shape: ['N', 3, 'H', 'W'] } },
    outputs: ['y'],
    initialisers: { w: floats(4, 3, 3, 3), b: floats(4), first: ints(0), rest: ints(-1), v: floats(2, 36) },
  }),
  buildModel({
    nodes: [
      node('Slice', 'x starts ends axes steps', 's'),
      node('Pad', 's pads', 'p', { mode: 'reflect' }),
      node('Transpose', 'p', 't', { perm: [0, 2, 3, 1] }),
      node('Softmax', 't', 'm', { axis: 2 }),
      node('ReduceMean', 'm', 'r', { axes: [1], keepdims: 0 }),
      node('Unsqueeze', 'r axes', 'u'),
      node('Expand', 'u shape', 'e'),
      node('Clip', 'e low', 'y'),
    ],
    inputs: { x: { shape: [1, 2, 6, 6] } },
    outputs: ['y'],
    initialisers: {
      starts: ints(1),
      ends: ints(-1),
      axes: ints(2),
      steps: ints(2),
      pads: ints(0, 0, 1, 1, 0, 0, 1, 1),
      shape: ints(2, 1, 1, 1),
      low: { shape: [], data: [0.1] },
    },
  }),
  buildModel({
    nodes: [
      node('Range', 'zero four one', 'i'),
      node('ConstantOfShape', 'side', 'k', { value: { shape: [1], data: [2] } }),
      node('Tile', 'k times', 'j'),
      node('Gather', 'x i', 'g', { axis: 1 }),
      node('Mul', 'g j', 'm'),
      node('Upsample', 'm scales', 'y', { mode: 'linear' }),
    ],
    inputs: { x: { shape: [1, 4, 4, 4] } },
    outputs: ['y'],
    initialisers: {
      zero: { shape: [], data: [0], type: 'int64' },
      one: { shape: [], data: [1], type: 'int64' },
      four: { shape: [], data: [4], type: 'int64' },
      side: ints(2, 4),
      times: ints(2, 1),
      scales: { shape: [4], data: [1, 1, 2, 2] },
    },
    opset: 9,
  }),
];
