import { decodeModel, encodeModel, EXTERNAL, type MessageInit } from '../../models/onnx/proto.ts';
import { buildModel, type ModelPlan, type NodePlan } from '../models/onnx/build.ts';
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

const images = (nodes: readonly NodePlan[], initialisers: ModelPlan['initialisers']): Uint8Array =>
  buildModel({ nodes, inputs: { x: { shape: ['N', 3, 8, 8] } }, outputs: ['y'], initialisers });

/** Classifiers of images: one whose last layer is a convolution, and one whose shapes are computed. */
export const onnxNetworks = (): Uint8Array[] => [
  images(
    [
      node('Conv', 'x w b', 'c', { pads: [1, 1, 1, 1], strides: [2, 2], group: 1 }),
      node('Resize', 'c none scales', 'large', { mode: 'linear', coordinate_transformation_mode: 'asymmetric' }),
      node('ConvTranspose', 'c up', 't', { strides: [2, 2], group: 2 }),
      node('Concat', 'large t', 'both', { axis: 1 }),
      node('Sigmoid', 'both', 's'),
      node('Mul', 'both s', 'm'),
      node('Conv', 'm head', 'maps', { kernel_shape: [1, 1] }),
      node('GlobalAveragePool', 'maps', 'means'),
      node('Flatten', 'means', 'logits', { axis: 1 }),
      node('Softmax', 'logits', 'y', { axis: 1 }),
    ],
    {
      w: floats(4, 3, 3, 3),
      b: floats(4),
      none: { shape: [0], data: [] },
      scales: { shape: [4], data: [1, 1, 2, 2] },
      up: floats(4, 1, 2, 2),
      head: floats(3, 6, 1, 1),
    },
  ),
  images(
    [
      node('Conv', 'x w', 'c', { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
      node('BatchNormalization', 'c b b b b', 'n', { epsilon: { float: 1e-3 } }),
      node('HardSwish', 'n', 'h'),
      { op: 'Split', inputs: ['h'], outputs: ['one', 'other'], attributes: { axis: 1 } },
      node('Add', 'one other', 'sum'),
      node('AveragePool', 'sum', 'p', { kernel_shape: [4, 4], ceil_mode: 1, count_include_pad: 1 }),
      node('Shape', 'p', 's'),
      node('Gather', 's zero', 'batch'),
      node('Unsqueeze', 'batch zeros', 'first'),
      node('Concat', 'first rest', 'target', { axis: 0 }),
      node('Reshape', 'p target', 'f'),
      node('MatMul', 'f v', 'product'),
      node('Add', 'product bias', 'y'),
    ],
    {
      w: floats(4, 3, 3, 3),
      b: floats(4),
      zero: { shape: [], data: [0], type: 'int64' },
      zeros: ints(0),
      rest: ints(-1),
      v: floats(2, 3),
      bias: floats(3),
    },
  ),
];

/** A file that keeps its numbers in another: in the one file that a case has, which is itself. */
export const onnxApart = (location: string): Uint8Array[] =>
  onnxNetworks().map((bytes) => {
    const { irVersion, opsetImport, graph } = decodeModel(bytes, 'sound');
    const initializer = graph!.initializer.map((tensor, i) => {
      const length = tensor.rawData.length;
      // Numbers that shapes are made of stay.
      if (length < 24) return tensor;
      const { name, dims, dataType } = tensor;
      const told = Object.entries({ location, offset: String(4 * i), length: String(length) });
      return {
        name,
        dims,
        dataType,
        dataLocation: EXTERNAL,
        externalData: told.map(([key, value]) => ({ key, value })),
      };
    });
    const { node: nodes, input, output } = graph!;
    const whole = { irVersion, opsetImport, graph: { name: 'apart', node: nodes, input, output, initializer } };
    return encodeModel(whole as unknown as MessageInit<'ModelProto'>);
  });
