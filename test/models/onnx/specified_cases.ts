import type { OnnxType } from '../../../models/onnx/value.ts';
import type { Operand, OperatorCase } from './operator_case.ts';

/*
 * What the operator specification allows besides: limits, weights and fills that are inputs of the graph, outputs
 * beside the first, whole numbers, NaN. In every opset from which on it is allowed.
 */

type Attributes = NonNullable<OperatorCase['attributes']>;
type More = Partial<OperatorCase>;

const of = (
  op: string,
  inputs: OperatorCase['inputs'],
  attributes: Attributes = {},
  more: More = {},
): OperatorCase => ({
  op,
  inputs,
  attributes,
  ...more,
});
const X = [2, 4, 5, 6];
const num = (value: number, type: OnnxType = 'float', known = false): Operand => ({
  shape: [],
  data: [value],
  type,
  known,
});
const list = (...data: readonly number[]): Operand => ({ shape: [data.length], data });
const typed = (type: OnnxType, shape: readonly number[], range: readonly [number, number] = [0, 24]): Operand => ({
  shape,
  type,
  range,
});
const whole = (type: OnnxType, ...data: readonly number[]): Operand => ({ shape: [data.length], data, type });
const axes = (...data: readonly number[]): Operand => ({ shape: [data.length], data, type: 'int64', known: true });
const BOOL: More = { outputs: ['bool'] };
const flags = (shape: readonly number[]): Operand => typed('bool', shape, [0, 2]);
const WIDE: Operand = { shape: [3, 4], range: [-3, 3] };

export const LIMITS: readonly OperatorCase[] = [
  of('Clip', [WIDE, num(-1), num(2)]),
  of('Clip', [WIDE, num(2), num(1)], {}, { title: 'the larger limit first' }),
  of('Clip', [WIDE, num(-1)]),
  of('Clip', [WIDE, undefined, num(1)]),
  of('Clip', [WIDE]),
  of('Clip', [list(1, NaN, -5, Infinity, -Infinity), num(-1), num(2)]),
  of('Pad', [[1, 3, 4, 5], axes(0, 0, 1, 3, 0, 0, 2, 4), num(1.2)], {}, { opset: 18 }),
  of('Pad', [[1, 3, 4, 5], axes(0, 3, 0, 4), num(2), axes(-3, -1)], {}, { opset: 18 }),
  of('Pad', [[1, 3, 4, 5], axes(0, 0, 1, 1, 0, 0, 1, 1), num(2)], { mode: 'edge' }, { opset: 18 }),
  of('Pad', [[1, 3, 4, 5], axes(0, 0, 1, 1, 0, 0, 1, 1)], { mode: 'wrap' }, { opset: 19 }),
];

const training = (x: readonly number[], attributes: Attributes, opset: number): OperatorCase =>
  of(
    'BatchNormalization',
    [x, [x[1]], [x[1]], [x[1]], { shape: [x[1]], range: [0.5, 2] }],
    { training_mode: 1, ...attributes },
    { opset, outputs: ['float', 'float', 'float'] },
  );
const layer = (x: readonly number[], axis: number, more: Attributes = {}): OperatorCase =>
  of(
    'LayerNormalization',
    [x, x.slice(axis), x.slice(axis)],
    { axis, ...more },
    { outputs: ['float', 'float', 'float'] },
  );

export const NORMS_IN_FULL: readonly OperatorCase[] = [
  training(X, { epsilon: { float: 0.01 } }, 15),
  training([3, 4], { momentum: { float: 0.3 } }, 14),
  ...[0, 1, 2, 3, -1, -2, -3, -4].map((axis) => layer(X, axis)),
  layer([2, 3, 5], 2, { epsilon: { float: 0.1 } }),
  of('LayerNormalization', [X, [6]], {}, { outputs: ['float', 'float'] }),
  of('InstanceNormalization', [[2, 3, 7], [3], [3]], {}, { tolerance: 1e-5 }),
  of('InstanceNormalization', [X, [4], [4]], { epsilon: { float: 0.1 } }, { opset: 22, tolerance: 1e-5 }),
  of('GroupNormalization', [X, [4], [4]], { num_groups: 2, epsilon: { float: 0.01 } }, { opset: 21 }),
  of('GroupNormalization', [X, [2], [2]], { num_groups: 2 }, { opset: 18 }),
  of('GroupNormalization', [[2, 6, 5], [6], [6]], { num_groups: 3 }, { opset: 21 }),
  of('MeanVarianceNormalization', [X], {}, { opset: 13 }),
  of('MeanVarianceNormalization', [X], { axes: [1, 2] }, { opset: 13 }),
  of('LpNormalization', [[3, 4]], { axis: 0, p: 1 }),
  of('LpNormalization', [{ shape: [2, 2], data: [3, -4, 0, 0] }]),
  of('Dropout', [[3, 4]]),
  of('Dropout', [[3, 4], num(0.3)], {}, { outputs: ['float', 'bool'] }),
  of('Dropout', [[3, 4], undefined, num(0, 'bool')], {}, { outputs: ['float', 'bool'] }),
  of('Dropout', [[3, 4], num(0, 'float', true), num(1, 'bool', true)], {}, { outputs: ['float', 'bool'] }),
  of('Dropout', [[3, 4]], { ratio: { float: 0.2 } }, { opset: 11 }),
];

const VOLUME = [1, 2, 5, 6, 4];
const pools = (x: readonly number[], attributes: Attributes, opset = 19): OperatorCase[] =>
  ['MaxPool', 'AveragePool'].map((op) => of(op, [x], attributes, { opset }));
const BOX = { kernel_shape: [3, 2, 2], strides: [2, 1, 2], pads: [1, 0, 1, 1, 1, 0] };

export const MORE_WINDOWS: readonly OperatorCase[] = [
  ...pools(VOLUME, { kernel_shape: [2, 2, 2] }),
  ...pools(VOLUME, BOX),
  ...pools([1, 2, 7, 6, 4], { kernel_shape: [3, 2, 2], strides: [2, 2, 2], ceil_mode: 1, dilations: [2, 1, 1] }),
  ...pools([1, 1, 4, 4], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  ...pools([1, 1, 2, 2], { kernel_shape: [1, 1], strides: [2, 2], ceil_mode: 1 }),
  ...pools([1, 3, 9, 8], { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' }),
  ...pools([1, 3, 13, 14], { kernel_shape: [5, 5], strides: [3, 3] }),
  ...pools([1, 3, 13, 14], { kernel_shape: [3, 3], pads: [2, 2, 2, 2] }),
  ...pools([1, 1, 5, 5], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' }, 22),
  ...pools([1, 2, 9, 9], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'VALID', ceil_mode: 1 }),
  of('AveragePool', [VOLUME], { ...BOX, count_include_pad: 1 }, { opset: 19 }),
  of('AveragePool', [[1, 1, 4, 4]], {
    ...{ kernel_shape: [3, 3], strides: [3, 3], pads: [1, 1, 1, 1] },
    ...{ ceil_mode: 1, count_include_pad: 1 },
  }),
  of('MaxPool', [typed('uint8', [1, 1, 5, 5])], { kernel_shape: [5, 5], pads: [2, 2, 2, 2] }, { outputs: ['uint8'] }),
  of('GlobalAveragePool', [VOLUME]),
  of('GlobalMaxPool', [VOLUME]),
  of('ConvTranspose', [
    [1, 1, 3],
    [1, 2, 3],
  ]),
  ...(
    [
      { output_shape: [10, 8] },
      { output_padding: [1, 1] },
      { output_shape: [10, 8], kernel_shape: [3, 3], output_padding: [1, 1] },
      { pads: [1, 2, 1, 2] },
      { auto_pad: 'SAME_LOWER' },
      { auto_pad: 'VALID' },
    ] as Attributes[]
  ).map((attributes) => of('ConvTranspose', [[1, 1, 3, 3], [1, 2, 3, 3]], { strides: [3, 2], ...attributes })), // biome-ignore format: one line
  of('ConvTranspose', [[1, 4, 3, 3], [4, 3, 3, 3]], { group: 2, strides: [2, 2] }), // biome-ignore format: one line
  of('ConvTranspose', [[1, 1, 5], [1, 2, 3]], { strides: [2], output_shape: [10] }), // biome-ignore format: one line
  of('ConvTranspose', [[1, 4, 5], [4, 1, 3]], { group: 4 }), // biome-ignore format: one line
  of('Conv', [[1, 4, 5, 5], [6, 2, 3, 3]], { group: 2 }), // biome-ignore format: one line
  of('Conv', [[2, 4, 9], [8, 1, 3], [8]], { group: 4, auto_pad: 'SAME_UPPER' }), // biome-ignore format: one line
];

const ARITHMETIC = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'];
const WHOLE: readonly OnnxType[] = ['int32', 'int64'];
const remainders = (type: OnnxType): OperatorCase[] =>
  [0, 1].map((fmod) =>
    of('Mod', [whole(type, -4, 7, 5, 4, -7, 8), whole(type, 2, -3, 8, -2, 3, 5)], { fmod }, { outputs: [type] }),
  );
const powers: readonly (readonly [OnnxType, OnnxType])[] = [
  ...WHOLE.flatMap((type) => [['float', type] as const, [type, 'float'] as const, [type, type] as const]),
];
const casts: readonly (readonly [OnnxType, OnnxType, number])[] = [
  ['float', 'int32', 6],
  ['float', 'int64', 7],
  ['float', 'double', 11],
  ['double', 'float', 1],
  ['int32', 'bool', 9],
  ['int64', 'int32', 6],
  ['bool', 'float', 1],
];

export const TYPES: readonly OperatorCase[] = [
  ...[...WHOLE, 'double' as const].flatMap((type) =>
    ARITHMETIC.map((op) =>
      of(op, [typed(type, [3, 4], [-20, 20]), typed(type, [3, 4], [1, 9])], {}, { outputs: [type] }),
    ),
  ),
  ...WHOLE.flatMap(remainders),
  of('Mod', [typed('int64', [3, 2, 5], [0, 30]), num(7, 'int64')], {}, { outputs: ['int64'] }),
  ...powers.map(([a, b]) => of('Pow', [whole(a, 1, 2, 3), whole(b, 4, 5, 6)], {}, { opset: 15, outputs: [a] })),
  ...['Abs', 'Neg', 'Sign'].map((op) => of(op, [typed('int32', [9], [-9, 9])], {}, { outputs: ['int32'] })),
  ...['Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Equal'].flatMap((op) => [
    of(op, [typed('int32', [3, 4], [0, 3]), typed('int32', [4], [0, 3])], {}, BOOL),
    of(op, [list(1, NaN, 2, Infinity), list(1, NaN, 3, Infinity)], {}, { ...BOOL, opset: 19 }),
  ]),
  of('Equal', [flags([3, 4]), flags([4])], {}, BOOL),
  ...['And', 'Or', 'Xor'].flatMap((op) => [
    of(op, [flags([3, 4, 5]), flags([4, 5])], {}, BOOL),
    of(op, [flags([1, 4, 1, 6]), flags([3, 1, 5, 6])], {}, BOOL),
  ]),
  of('Where', [flags([2, 2]), typed('int64', [2, 2]), typed('int64', [2, 2])], {}, { outputs: ['int64'] }),
  of('Where', [flags([4]), list(NaN, 1, Infinity, 2), list(1, NaN, 2, -Infinity)]),
  ...['Max', 'Min', 'Sum', 'Mean'].map((op) => of(op, [[3]])),
  of('Mean', [[3], [2, 3], [2, 1]]),
  of('Max', [list(1, NaN, 3), list(NaN, 2, 4)]),
  ...casts.map(([a, b, to]) =>
    of('Cast', [typed(a, [20], a === 'bool' ? [0, 2] : [-30, 30])], { to }, { outputs: [b] }),
  ),
  of('CastLike', [[6], typed('int32', [1])], {}, { outputs: ['int32'] }),
  of('CastLike', [num(2.7, 'float', true), typed('int32', [1])], {}, { outputs: ['int32'] }),
  of('Round', [list(0.1, 0.5, 1.2, 1.5, 2.3, 2.5, -1.1, -1.5, -2.5)]),
  of('Sign', [list(-2, -0, 0, 3, NaN)]),
  of('PRelu', [[3, 4, 5], [3, 4, 5]]), // biome-ignore format: one line
  of('PRelu', [[2, 3, 4, 5], { shape: [3, 1, 1], known: true }], {}, { opset: 7 }),
  ...[2.5, -0.5].map((alpha) => of('LeakyRelu', [list(-1, 0, 1)], { alpha: { float: alpha } })),
];
