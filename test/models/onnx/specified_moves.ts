import type { OnnxType } from '../../../models/onnx/value.ts';
import type { Operand, OperatorCase } from './operator_case.ts';

/*
 * More of what the operator specification allows: of ops that move elements, reduce and compare with targets.
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
const whole = (shape: readonly number[], ...data: readonly number[]): Operand => ({ shape, data, type: 'int64' });
const axes = (...data: readonly number[]): Operand => ({ shape: [data.length], data, type: 'int64', known: true });
const number = (value: number, type: OnnxType = 'float'): Operand => ({ shape: [], data: [value], type, known: true });
const FLOATS: readonly OnnxType[] = ['float', 'float', 'float', 'float'];
const INT: More = { outputs: ['int64'], opset: 15 };
const BOX = [20, 10, 5];

export const MORE_MOVES: readonly OperatorCase[] = [
  ...[0, 1, 2, -1, -2, -3].map((axis) => of('Concat', [[2, 2, 2], [2, 2, 2]], { axis })), // biome-ignore format: one line
  ...[[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].map((perm) => of('Transpose', [[2, 3, 4]], { perm })), // biome-ignore format: one line
  of('Split', [[6]], { axis: 0 }, { outputs: FLOATS.slice(1), opset: 13 }),
  of('Split', [[7]], { num_outputs: 4 }, { outputs: FLOATS, opset: 18 }),
  of('Split', [[2, 6]], { axis: 1, num_outputs: 2 }, { outputs: FLOATS.slice(2), opset: 18 }),
  of('Slice', [BOX, axes(0, 0), axes(3, 10), axes(0, 1), axes(1, 1)], {}, { opset: 10 }),
  of('Slice', [BOX, axes(20, 10, 4), axes(0, 0, 1), axes(0, 1, 2), axes(-1, -3, -2)]),
  of('Slice', [BOX, axes(0, 0, 3), axes(20, 10, 4), axes(0, -2, -1)]),
  of('Slice', [BOX, axes(0), axes(-1), axes(1)]),
  of('Slice', [BOX, axes(1), axes(1000), axes(1)]),
  of('Expand', [[], axes(2, 3)]),
  of('Expand', [[3, 1], axes(2, 1, 6)]),
  of('Tile', [[2, 3, 4, 5], axes(7, 6, 4, 2)]),
  of('Gather', [[5, 4, 3, 2], whole([3], 0, 1, 3)]),
  of('Gather', [[5, 4, 3, 2], whole([3], 0, 1, 3)], { axis: 1 }),
  of('Gather', [[3, 3], whole([1, 2], 0, 2)], { axis: 1 }),
  of('Gather', [[10], whole([3], 0, -9, -10)]),
  of('Gather', [[4, 3], whole([], -2)]),
  of('GatherElements', [[2, 2], whole([2, 2], 0, 0, 1, 0)], { axis: 1 }),
  of('GatherElements', [[3, 3], whole([2, 3], 1, 2, 0, 2, 0, 0)]),
  of('GatherElements', [[3, 3], whole([2, 3], -1, -2, 0, -2, 0, 0)], { axis: -2 }),
  of('GatherElements', [[2, 3, 4], { ...whole([2, 2, 4]), range: [0, 3], data: undefined } as Operand], { axis: 1 }),
  ...[3, 4, -1, -2, -3, -4].map((axis) => of('Flatten', [[2, 3, 4, 5]], { axis })),
  of('Reshape', [[2, 3, 4], axes(-1, 2, 3, 4)], {}, { opset: 14 }),
  of('Reshape', [[2, 3, 4], axes(2, 0, 1, -1)], {}, { opset: 14 }),
  of('Reshape', [[1], axes()], {}, { opset: 14 }),
  of('Unsqueeze', [[3, 4, 5], axes(5, 4, 2)]),
  of('Unsqueeze', [[], axes(0)]),
  ...[{}, { start: 1 }, { start: -1 }, { end: -1 }, { start: -10, end: 2 }, { start: 1, end: 10 }].map((part) =>
    of('Shape', [[3, 4, 5]], part as Attributes, INT),
  ),
  of('Size', [[3, 4, 5]], {}, INT),
  of('ConstantOfShape', [axes(4, 3, 2)], { value: { shape: [1], data: [1] } }),
  of('ConstantOfShape', [axes()], { value: { shape: [1], data: [3], type: 'int32' } }, { outputs: ['int32'] }),
  of('Range', [number(1), number(5), number(2)]),
  of(
    'Range',
    [10, 6, -3].map((n) => number(n, 'int32')),
    {},
    { outputs: ['int32'] },
  ),
];

const REDUCTIONS = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'];
const POSITIVE: Operand = { shape: [3, 2, 2], range: [0.1, 3] };
const of18: More = { opset: 18 };

export const MORE_REDUCTIONS: readonly OperatorCase[] = [
  ...REDUCTIONS.map((name) => `Reduce${name}`).flatMap((op) => [
    of(op, [POSITIVE, axes()], {}, of18),
    of(op, [POSITIVE, axes(1)], { keepdims: 1 }, of18),
    of(op, [POSITIVE, axes(-2)], { keepdims: 0 }, of18),
    of(op, [POSITIVE], { keepdims: 0 }, of18),
    of(op, [POSITIVE, axes()], { noop_with_empty_axes: 1 }, of18),
  ]),
  ...['ReduceMax', 'ReduceMin'].map((op) =>
    of(op, [{ shape: [4, 2], type: 'bool', range: [0, 2] }, axes(1)], {}, { opset: 20, outputs: ['bool'] }),
  ),
  ...['ReduceSum', 'ReduceMean'].map((op) =>
    of(op, [{ shape: [4, 3], type: 'int32', range: [0, 24] }, axes(1)], {}, { opset: 18, outputs: ['int32'] }),
  ),
  of('ReduceSum', [[]], {}, { opset: 13 }),
  ...['Softmax', 'LogSoftmax'].flatMap((op) => [
    of(op, [{ shape: [2, 4], data: [0, 1, 2, 3, 10000, 10001, 10002, 10003] }]),
    ...[0, 1, -1, -2].map((axis) => of(op, [[3, 4, 5]], { axis }, { tolerance: 1e-5 })),
  ]),
  ...[
    ...[[1], [5], [1, 5], [3, 5], [3, 1], []].map((c) => of('Gemm', [[3, 4], [4, 5], c], {}, { opset: 13 })), // biome-ignore format: one line
    of('Gemm', [[3, 4], { shape: [4, 5], known: true }, { shape: [1], known: true }]),
    of('MatMul', [[4], [4]]), // biome-ignore format: one line
    of('MatMul', [[3, 1, 2, 4], [2, 4, 3]]), // biome-ignore format: one line
    of('MatMul', [[2, 3, 4], { shape: [4], known: true }]),
    of('MatMul', [[4], { shape: [4, 3], known: true }]),
  ],
];

/** Scores [N, C, ...] against classes [N, ...]. */
function losses(op: string, more: More = {}): OperatorCase[] {
  const against = (scores: readonly number[], attributes: Attributes, weighted: boolean, classes?: readonly number[]) =>
    of(
      op,
      [
        scores,
        { shape: scores.filter((_, i) => i !== 1), type: 'int64', range: [0, scores[1]], data: classes },
        ...(weighted ? [{ shape: [scores[1]], range: [0.1, 2] } as Operand] : []),
      ],
      attributes,
      { opset: 13, tolerance: 1e-5, ...more },
    );
  return [
    against([3, 5], {}, false),
    against([3, 5, 2], {}, false),
    ...['mean', 'sum', 'none'].flatMap((reduction) =>
      [false, true].flatMap((weighted) => [
        against([3, 5, 4, 3], { reduction }, weighted),
        against([3, 5, 4, 3], { reduction, ignore_index: 1 }, weighted),
        against([3, 5, 2], { reduction, ignore_index: -1 }, weighted, [0, 1, -1, 4, 3, 2]),
        against([3, 5, 2], { reduction, ignore_index: 10 }, weighted, [0, 1, 10, 4, 3, 2]),
        against([2, 3, 2, 2, 2], { reduction }, weighted),
      ]),
    ),
  ];
}

export const LOSSES: readonly OperatorCase[] = [
  ...losses('NegativeLogLikelihoodLoss'),
  ...losses('SoftmaxCrossEntropyLoss'),
  ...losses('SoftmaxCrossEntropyLoss', { outputs: ['float', 'float'] }).slice(0, 4),
];
