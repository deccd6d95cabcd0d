import type { OperatorCase } from './operator_case.ts';

const X = [2, 4, 5, 6];
const known = (shape: readonly number[], range?: readonly [number, number]) => ({ shape, known: true, range });
const ints = (...data: readonly number[]) => ({ shape: [data.length], data, type: 'int64' as const, known: true });

const conv = (
  x: readonly number[],
  w: readonly number[],
  attributes: OperatorCase['attributes'] = {},
  bias = false,
): OperatorCase => ({ op: 'Conv', inputs: [x, known(w), ...(bias ? [known([w[0]])] : [])], attributes });

export const CONVOLUTIONS: readonly OperatorCase[] = [
  conv(X, [3, 4, 3, 3]),
  conv(X, [3, 4, 3, 2], { pads: [1, 0, 2, 1], strides: [2, 1] }, true),
  conv(X, [6, 2, 2, 3], { group: 2, dilations: [2, 1] }, true),
  conv(X, [4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }, true),
  conv(X, [8, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }),
  conv(X, [3, 4, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  conv(X, [3, 4, 2, 4], { auto_pad: 'SAME_LOWER', strides: [2, 3] }),
  conv(X, [3, 4, 3, 3], { auto_pad: 'VALID', kernel_shape: [3, 3] }),
  conv(X, [3, 4, 1, 1]),
  conv([2, 3, 9], [4, 3, 3], { pads: [1, 2], strides: [2] }, true),
  conv([2, 3, 9], [3, 1, 3], { group: 3, dilations: [2] }),
  { op: 'Conv', title: 'computed weights', inputs: [X, [3, 4, 3, 3], [3]] },
  { op: 'Conv', title: 'computed depthwise weights', inputs: [X, [4, 1, 3, 3]], attributes: { group: 4 } },
];

const scatter = (
  x: readonly number[],
  w: readonly number[],
  attributes: OperatorCase['attributes'] = {},
  bias?: number,
): OperatorCase => ({
  op: 'ConvTranspose',
  inputs: [x, known(w), ...(bias ? [known([bias])] : [])],
  attributes,
});

export const TRANSPOSED_CONVOLUTIONS: readonly OperatorCase[] = [
  scatter(X, [4, 3, 3, 3]),
  scatter(X, [4, 3, 2, 2], { strides: [2, 2] }, 3),
  scatter(X, [4, 3, 3, 2], { strides: [2, 3], pads: [1, 0, 0, 1], output_padding: [1, 0] }, 3),
  scatter(X, [4, 3, 3, 3], { dilations: [2, 1] }),
  scatter(X, [4, 3, 3, 3], { group: 2, pads: [1, 1, 1, 1] }, 6),
  scatter(X, [4, 1, 3, 3], { group: 4 }),
  scatter(X, [4, 3, 3, 3], { strides: [2, 2], output_shape: [10, 12] }),
  scatter(X, [4, 3, 3, 3], { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  scatter(X, [4, 3, 3, 3], { strides: [2, 2], auto_pad: 'SAME_LOWER' }),
  scatter([2, 3, 7], [3, 2, 3], { strides: [2] }, 2),
  { op: 'ConvTranspose', title: 'computed weights', inputs: [X, [4, 3, 3, 3]] },
];

const pool = (op: string, attributes: OperatorCase['attributes'], x: readonly number[] = X, opset?: number) => ({
  op,
  inputs: [x],
  attributes,
  opset,
});

export const POOLS: readonly OperatorCase[] = [
  ...['MaxPool', 'AveragePool'].flatMap((op) => [
    pool(op, { kernel_shape: [2, 2] }),
    pool(op, { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
    pool(op, { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' }),
    pool(op, { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_LOWER' }),
    pool(op, { kernel_shape: [3], strides: [2], pads: [1, 1] }, [2, 3, 9]),
    pool(op, { kernel_shape: [2, 2], strides: [2, 2] }, X, 7),
  ]),
  pool('AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
  ...['MaxPool', 'AveragePool'].flatMap((op) => [
    pool(op, { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }, X, 19),
    pool(op, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }, X, 19),
    pool(op, { kernel_shape: [2, 2], dilations: [2, 3] }, X, 19),
  ]),
  pool(
    'AveragePool',
    { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [1, 1, 1, 1], count_include_pad: 1 },
    X,
    19,
  ),
  pool('GlobalMaxPool', {}),
  pool('GlobalMaxPool', {}, [2, 3, 7]),
  pool('GlobalAveragePool', {}),
  pool('GlobalAveragePool', {}, [2, 3, 7]),
];

const one = (op: string, attributes?: OperatorCase['attributes'], more: Partial<OperatorCase> = {}): OperatorCase => ({
  op,
  inputs: [{ shape: [3, 4, 5], range: [-3, 3] }],
  attributes,
  ...more,
});
const positive = { inputs: [{ shape: [3, 4, 5], range: [0.1, 4] as const }] };
const two = (
  op: string,
  a: readonly number[],
  b: readonly number[],
  more: Partial<OperatorCase> = {},
): OperatorCase => ({
  op,
  inputs: [
    { shape: a, range: [-3, 3] },
    { shape: b, range: [0.5, 3] },
  ],
  ...more,
});
const flag = (shape: readonly number[]) => ({ shape, type: 'bool' as const, range: [0, 2] as const });
const whole = (shape: readonly number[], range: readonly [number, number] = [-20, 20]) => ({
  shape,
  type: 'int32' as const,
  range,
});
const BOOL = { outputs: ['bool'] as const };

export const POINTWISE: readonly OperatorCase[] = [
  ...['Abs', 'Ceil', 'Elu', 'Erf', 'Exp', 'Floor', 'HardSigmoid', 'HardSwish', 'Identity', 'LeakyRelu', 'Neg'].map(
    (op) => one(op),
  ),
  ...['Relu', 'Round', 'Selu', 'Sigmoid', 'Sign', 'Softplus', 'Softsign', 'Tanh', 'ThresholdedRelu'].map((op) =>
    one(op),
  ),
  ...['Log', 'Reciprocal', 'Sqrt'].map((op) => one(op, {}, positive)),
  one('Celu', { alpha: { float: 2 } }),
  one('Elu', { alpha: { float: 2 } }),
  one('Selu', { alpha: { float: 2 }, gamma: { float: 3 } }),
  one('LeakyRelu', { alpha: { float: 0.25 } }),
  one('HardSigmoid', { alpha: { float: 0.5 }, beta: { float: 0.6 } }),
  one('ThresholdedRelu', { alpha: { float: 1.5 } }),
  one('Shrink', { lambd: { float: 1.5 }, bias: { float: 0.5 } }),
  one('Gelu', {}, { opset: 20 }),
  one('Gelu', { approximate: 'tanh' }, { opset: 20, tolerance: 1e-5 }),
  one('Mish', {}, { opset: 18 }),
  one('Clip', { min: { float: -1 }, max: { float: 2 } }, { opset: 6 + 1 }),
  one('Clip', { min: { float: 0 }, max: { float: 2 } }, { opset: 10 }),
  {
    op: 'Clip',
    inputs: [
      { shape: [3, 4], range: [-3, 3] },
      { ...known([]), data: [-1] },
      { ...known([]), data: [2] },
    ],
  },
  { op: 'Clip', inputs: [{ shape: [3, 4], range: [-3, 3] }, undefined, { ...known([]), data: [2] }] },
  { op: 'IsNaN', inputs: [{ shape: [4], data: [1, NaN, Infinity, -2] }], ...BOOL },
  { op: 'IsInf', inputs: [{ shape: [4], data: [1, NaN, Infinity, -Infinity] }], ...BOOL },
  {
    op: 'IsInf',
    inputs: [{ shape: [4], data: [1, NaN, Infinity, -Infinity] }],
    attributes: { detect_negative: 0 },
    ...BOOL,
  },
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Mean', 'Sum'].flatMap((op) => [
    two(op, [2, 3, 4], [2, 3, 4], op === 'Pow' ? { inputs: [{ shape: [2, 3, 4], range: [0.2, 2] }, [2, 3, 4]] } : {}),
    ...(op === 'Pow' ? [] : [two(op, [2, 3, 4], [3, 1]), two(op, [4], [2, 3, 1])]),
  ]),
  { op: 'Add', inputs: [[2, 3, 4], { ...known([]), data: [2] }] },
  { op: 'Sub', inputs: [{ ...known([]), data: [2] }, [2, 3, 4]] },
  {
    op: 'Div',
    inputs: [
      { ...known([]), data: [2] },
      { shape: [2, 3, 4], range: [1, 2] },
    ],
  },
  { op: 'Pow', inputs: [{ ...known([]), data: [2] }, [2, 3, 4]] },
  { op: 'Pow', inputs: [[2, 3, 4], { ...known([]), data: [2] }] },
  { op: 'Mul', title: 'weights along an axis', inputs: [[2, 3, 4], known([3, 1])] },
  { op: 'Max', inputs: [[2, 3], [3], [2, 1]] },
  { op: 'Div', title: 'whole numbers', inputs: [whole([40]), whole([40], [1, 7])], outputs: ['int32'] },
  { op: 'Mod', title: 'whole numbers', inputs: [whole([40]), whole([40], [1, 7])], outputs: ['int32'] },
  {
    op: 'Mod',
    inputs: [
      { shape: [20], range: [-9, 9] },
      { shape: [20], range: [1, 3] },
    ],
    attributes: { fmod: 1 },
    tolerance: 1e-5,
  },
  { op: 'PRelu', inputs: [{ shape: [2, 3, 4], range: [-3, 3] }, known([3, 1])] },
  { op: 'PRelu', inputs: [{ shape: [2, 3, 4], range: [-3, 3] }, [4]] },
  ...['And', 'Or', 'Xor'].map((op): OperatorCase => ({ op, inputs: [flag([3, 4]), flag([4])], ...BOOL })),
  { op: 'Not', inputs: [flag([3, 4])], ...BOOL },
  ...['Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'].map(
    (op): OperatorCase => ({ op, inputs: [[3, 4], [4]], ...BOOL }),
  ),
  { op: 'Equal', inputs: [whole([3, 4], [0, 3]), whole([4], [0, 3])], ...BOOL },
  { op: 'Where', inputs: [flag([3, 1]), [2, 3, 4], [4]] },
  {
    op: 'Cast',
    title: 'float to int32',
    inputs: [{ shape: [30], range: [-9, 9] }],
    attributes: { to: 6 },
    outputs: ['int32'],
  },
  {
    op: 'Cast',
    title: 'float to bool',
    inputs: [{ shape: [4], data: [0, 0.3, -1, 2] }],
    attributes: { to: 9 },
    ...BOOL,
  },
  { op: 'Cast', title: 'bool to float', inputs: [flag([6])], attributes: { to: 1 } },
];

export const MOVES: readonly OperatorCase[] = [
  { op: 'Transpose', inputs: [[2, 3, 4]] },
  { op: 'Transpose', inputs: [[2, 3, 4, 5]], attributes: { perm: [0, 2, 3, 1] } },
  { op: 'Reshape', inputs: [[2, 3, 4], ints(0, -1)] },
  { op: 'Reshape', inputs: [[2, 3, 4], ints(4, 6)] },
  { op: 'Flatten', inputs: [[2, 3, 4]] },
  { op: 'Flatten', inputs: [[2, 3, 4]], attributes: { axis: 2 } },
  { op: 'Flatten', inputs: [[2, 3, 4]], attributes: { axis: 0 } },
  { op: 'Squeeze', inputs: [[1, 3, 1, 2], ints(0, -2)] },
  { op: 'Squeeze', inputs: [[1, 3, 1, 2]] },
  { op: 'Squeeze', opset: 11, inputs: [[1, 3, 1, 2]], attributes: { axes: [2] } },
  { op: 'Unsqueeze', inputs: [[3, 2], ints(0, -1)] },
  { op: 'Unsqueeze', opset: 11, inputs: [[3, 2]], attributes: { axes: [1, 3] } },
  {
    op: 'Concat',
    inputs: [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    attributes: { axis: 1 },
  },
  { op: 'Concat', inputs: [[2, 3], known([1, 3])], attributes: { axis: -2 } },
  { op: 'Split', opset: 11, inputs: [[2, 6]], attributes: { axis: 1, split: [1, 5] }, outputs: ['float', 'float'] },
  { op: 'Split', inputs: [[2, 6], ints(4, 2)], attributes: { axis: -1 }, outputs: ['float', 'float'] },
  { op: 'Split', inputs: [[6, 2]], outputs: ['float', 'float', 'float'] },
  { op: 'Split', opset: 18, inputs: [[7, 2]], attributes: { num_outputs: 3 }, outputs: ['float', 'float', 'float'] },
  { op: 'Slice', opset: 9, inputs: [[5, 6]], attributes: { starts: [1, 0], ends: [-1, 1000], axes: [0, 1] } },
  { op: 'Slice', inputs: [[5, 6], ints(-1, 4), ints(-100, 1), ints(0, 1), ints(-2, -1)] },
  { op: 'Slice', inputs: [[5, 6], ints(1), ints(2 ** 62)] },
  { op: 'Pad', opset: 10, inputs: [[2, 3]], attributes: { pads: [1, 0, 0, 2], value: { float: 1.5 } } },
  { op: 'Pad', inputs: [[2, 3], ints(1, 0, 0, 2), { ...known([]), data: [0.5] }] },
  { op: 'Pad', title: 'cuts', inputs: [[4, 5], ints(-1, 1, 2, -2)] },
  { op: 'Pad', opset: 18, inputs: [[2, 3], ints(1, 2), undefined, ints(1)] },
  { op: 'Expand', inputs: [[3, 1], ints(2, 1, 4)] },
  { op: 'Tile', inputs: [[2, 3], ints(2, 3)] },
  { op: 'Gather', inputs: [[4, 3], { shape: [], data: [-2], type: 'int64', known: true }] },
  { op: 'Gather', inputs: [[4, 3], ints(1, 2)], attributes: { axis: 1 } },
  { op: 'Gather', inputs: [[4, 3], ints(3, 0, 0, -1)] },
  { op: 'Gather', inputs: [[4, 3], { shape: [2, 2], data: [3, 0, 1, 1], type: 'int64', known: true }] },
  { op: 'Gather', title: 'computed indices', inputs: [[4, 3], { shape: [2, 2], data: [3, 0, -1, 1], type: 'int64' }] },
  { op: 'Pad', inputs: [X, ints(0, 0, 2, 1, 0, 0, 3, 2)], attributes: { mode: 'reflect' } },
  { op: 'Pad', inputs: [X, ints(0, 1, 2, 1, 0, 0, 3, 2)], attributes: { mode: 'edge' } },
  { op: 'DepthToSpace', inputs: [[2, 8, 3, 4]], attributes: { blocksize: 2 } },
  { op: 'DepthToSpace', inputs: [[2, 8, 3, 4]], attributes: { blocksize: 2, mode: 'CRD' } },
  { op: 'SpaceToDepth', inputs: [[2, 2, 6, 4]], attributes: { blocksize: 2 } },
];

const GEMMS: readonly NonNullable<OperatorCase['attributes']>[] = [
  {},
  { transB: 1 },
  { transA: 1 },
  { transA: 1, transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } },
];

export const PRODUCTS: readonly OperatorCase[] = [
  {
    op: 'MatMul',
    inputs: [
      [3, 4],
      [4, 5],
    ],
  },
  { op: 'MatMul', inputs: [[2, 3, 4], known([4, 5])] },
  { op: 'MatMul', inputs: [[4], [4, 5]] },
  { op: 'MatMul', inputs: [[3, 4], [4]] },
  {
    op: 'MatMul',
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
  },
  {
    op: 'MatMul',
    inputs: [
      [2, 1, 3, 4],
      [3, 4, 5],
    ],
  },
  { op: 'MatMul', inputs: [[2, 3, 4], [4]] },
  { op: 'MatMul', inputs: [[4], [2, 4, 5]] },
  ...GEMMS.flatMap((attributes): OperatorCase[] => {
    const a = attributes['transA'] ? [4, 3] : [3, 4];
    const b = attributes['transB'] ? [5, 4] : [4, 5];
    return [
      { op: 'Gemm', inputs: [a, known(b), known([5])], attributes },
      { op: 'Gemm', inputs: [a, b, [3, 1]], attributes },
      { op: 'Gemm', inputs: [a, known(b)], attributes },
    ];
  }),
];

export const REDUCTIONS: readonly OperatorCase[] = [
  ...['ReduceMean', 'ReduceSum'].flatMap((op): OperatorCase[] => [
    { op, opset: 11, inputs: [X], attributes: { axes: [1, -1] } },
    { op, opset: 11, inputs: [X], attributes: { axes: [2, 3], keepdims: 0 } },
    { op, opset: 11, inputs: [X] },
    { op, opset: 18, inputs: [X, ints(0, 2)], attributes: { keepdims: 0 } },
    { op, opset: 18, inputs: [X], attributes: { noop_with_empty_axes: 1 } },
  ]),
  ...['L1', 'L2', 'LogSumExp', 'Max', 'Min', 'Prod', 'SumSquare'].flatMap((name): OperatorCase[] => [
    { op: `Reduce${name}`, opset: 11, inputs: [X], attributes: { axes: [1, -1] } },
    { op: `Reduce${name}`, opset: 18, inputs: [[3, 4], ints(0)], attributes: { keepdims: 0 } },
    { op: `Reduce${name}`, opset: 11, inputs: [[3, 4]] },
  ]),
  { op: 'ReduceLogSum', opset: 11, inputs: [{ shape: [3, 4], range: [0.1, 2] }], attributes: { axes: [1] } },
  ...['ArgMax', 'ArgMin'].flatMap((op): OperatorCase[] => [
    { op, inputs: [X], attributes: { axis: 1 }, outputs: ['int64'] },
    { op, inputs: [X], attributes: { axis: -1, keepdims: 0 }, outputs: ['int64'] },
    {
      op,
      inputs: [{ shape: [6], data: [1, 3, 3, 1, 1, 3] }],
      attributes: { select_last_index: 1 },
      outputs: ['int64'],
    },
  ]),
  ...['Softmax', 'LogSoftmax'].flatMap((op): OperatorCase[] => [
    { op, inputs: [[2, 3, 4]] },
    { op, inputs: [[2, 3, 4]], attributes: { axis: 1 } },
    { op, opset: 11, inputs: [[2, 3, 4]] },
    { op, opset: 11, inputs: [[2, 3, 4]], attributes: { axis: 2 } },
    { op, opset: 11, inputs: [[2, 3, 4]], attributes: { axis: 0 } },
  ]),
];

const batchNorms = [7, 9, 14, 15].flatMap((opset): OperatorCase[] => [
  {
    op: 'BatchNormalization',
    opset,
    inputs: [X, known([4]), known([4]), known([4]), known([4], [0.5, 2])],
    attributes: { epsilon: { float: 1e-3 } },
  },
  { op: 'BatchNormalization', opset, inputs: [[3, 4], known([4]), known([4]), known([4]), known([4], [0.5, 2])] },
  { op: 'BatchNormalization', opset, inputs: [[3, 4, 5], [4], known([4]), [4], { shape: [4], range: [0.5, 2] }] },
]);

export const NORMS: readonly OperatorCase[] = [
  ...batchNorms,
  { op: 'LayerNormalization', inputs: [[2, 3, 4], known([4]), known([4])] },
  { op: 'LayerNormalization', inputs: [[2, 3, 4], known([3, 4]), [3, 4]], attributes: { axis: 1 } },
  { op: 'LayerNormalization', inputs: [[2, 3, 4], known([4])], attributes: { epsilon: { float: 0.1 } } },
  { op: 'InstanceNormalization', inputs: [X, known([4]), known([4])], tolerance: 1e-5 },
  { op: 'LRN', inputs: [{ shape: X, range: [-9, 9] }], attributes: { size: 3, alpha: { float: 0.1 } } },
  { op: 'LRN', inputs: [X], attributes: { size: 5, alpha: { float: 0.5 }, beta: { float: 0.5 }, bias: { float: 2 } } },
  { op: 'GroupNormalization', opset: 18, inputs: [X, known([2]), known([2])], attributes: { num_groups: 2 } },
  { op: 'GroupNormalization', opset: 21, inputs: [X, known([4]), known([4])], attributes: { num_groups: 2 } },
];

const IMAGE = [1, 2, 4, 5];
const none = { shape: [0], data: [], known: true };
const scales = (...data: readonly number[]) => ({ shape: [data.length], data, known: true });
const resize = (
  attributes: OperatorCase['attributes'],
  how: { scales?: readonly number[]; sizes?: readonly number[] },
  opset = 13,
  x: readonly number[] = IMAGE,
): OperatorCase => ({
  op: 'Resize',
  opset,
  inputs: how.scales ? [x, none, scales(...how.scales)] : [x, none, none, ints(...how.sizes!)],
  attributes,
});
const LARGER = { scales: [1, 1, 2, 1.5] };
// By factors onnxruntime aligns the corners of whole pixels; the operator's specification takes fractions too.
const TWICE = { sizes: [1, 2, 8, 10] };
const SMALLER = { sizes: [1, 2, 3, 2] };

export const RESIZES: readonly OperatorCase[] = [
  ...['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].flatMap((coordinate_transformation_mode) =>
    [coordinate_transformation_mode === 'align_corners' ? TWICE : LARGER, SMALLER].flatMap((how) => [
      resize({ mode: 'linear', coordinate_transformation_mode }, how),
      resize({ mode: 'cubic', coordinate_transformation_mode }, how),
      ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].map((nearest_mode) =>
        resize({ mode: 'nearest', coordinate_transformation_mode, nearest_mode }, how),
      ),
    ]),
  ),
  resize({ mode: 'cubic', cubic_coeff_a: { float: -0.5 }, exclude_outside: 1 }, SMALLER),
  resize({ mode: 'linear', antialias: 1 }, SMALLER, 18),
  resize({ mode: 'cubic', antialias: 1 }, SMALLER, 18),
  resize({ mode: 'nearest', axes: [2, 3] }, { scales: [2, 2] }, 18),
  resize({ mode: 'nearest', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }, { sizes: [8, 9] }, 18),
  resize({ mode: 'nearest', axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' }, { sizes: [8, 9] }, 18),
  resize({ mode: 'linear' }, { scales: [1, 1, 2] }, 13, [1, 2, 5]),
  resize({ mode: 'linear' }, { sizes: [6, 4] }, 13, [3, 5]),
  { op: 'Resize', opset: 10, inputs: [IMAGE, scales(1, 1, 2, 2)] },
  { op: 'Resize', opset: 10, inputs: [IMAGE, scales(1, 1, 0.6, 0.6)] },
  { op: 'Resize', opset: 10, inputs: [IMAGE, scales(1, 1, 2, 3)], attributes: { mode: 'linear' } },
  { op: 'Upsample', opset: 9, inputs: [IMAGE, scales(1, 1, 2, 3)] },
  { op: 'Upsample', opset: 9, inputs: [IMAGE, scales(1, 1, 2, 2)], attributes: { mode: 'linear' } },
  { op: 'Upsample', opset: 7, inputs: [IMAGE], attributes: { scales: { floats: [1, 1, 2, 2] } } },
];
