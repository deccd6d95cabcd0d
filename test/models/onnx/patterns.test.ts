import { describe, expect, it } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import { topologicalOrder, type Tensor } from '../../../engine/tensor.ts';
import { importOnnx } from '../../../models/onnx/import_onnx.ts';
import { randomArray } from '../../random.ts';
import { buildModel, type NodePlan } from './build.ts';
import { onnxruntime, type Given } from './onnxruntime.ts';
import { inFloat64, parametersOf } from './operator_case.ts';

const number = (...data: readonly number[]): Given => ({ shape: [], data });
const NUMBERS: Readonly<Record<string, Given>> = {
  half: number(0.5),
  one: number(1),
  two: number(2),
  three: number(3),
  six: number(6),
  sixth: number(1 / 6),
  zero: number(0),
  root2: number(Math.SQRT2),
  rootHalf: number(Math.SQRT1_2),
  c1: number(0.044715),
  c2: number(Math.sqrt(2 / Math.PI)),
  epsilon: number(1e-3),
  gamma: { shape: [6], data: randomArray(6, 5) },
  beta: { shape: [6], data: randomArray(6, 6) },
};

/** Nodes from lines such as `a = Mul x y`; the last gives y. */
const nodesOf = (lines: readonly string[], attributes: Readonly<Record<string, NodePlan['attributes']>> = {}) =>
  lines.map((line): NodePlan => {
    const [output, , op, ...inputs] = line.split(' ');
    return { op, inputs, outputs: [output], attributes: attributes[op] };
  });

const RELU6 = ['a = Add x three', 'c = Clip a zero six'];
const TANH = ['p = Pow x three', 'm = Mul p c1', 's = Add m x', 't = Mul c2 s', 'u = Tanh t', 'v = Add u one'];
const LAYER_NORM = ['m = ReduceMean x', 'd = Sub x m', 'q = Pow d two', 'v = ReduceMean q', 'e = Add v epsilon'];

const stagesOf = (outputs: readonly Tensor[]): string[] =>
  topologicalOrder(outputs).flatMap((t) =>
    ((t.attrs as { stages?: readonly { op: string }[] }).stages ?? []).map(({ op }) => op),
  );

describe('patterns', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['silu', ['s = Sigmoid x', 'y = Mul x s'], ['silu']],
    ['silu', ['s = Sigmoid x', 'y = Mul s x'], ['silu']],
    ['hard swish', [...RELU6, 'm = Mul x c', 'y = Div m six'], ['hard_swish']],
    ['hard swish', [...RELU6, 'm = Mul c x', 'y = Mul m sixth'], ['hard_swish']],
    ['hard swish', [...RELU6, 'm = Div c six', 'y = Mul x m'], ['hard_swish']],
    ['hard swish', ['h = HardSigmoid x', 'y = Mul x h'], ['hard_swish']],
    ['mish', ['p = Softplus x', 't = Tanh p', 'y = Mul x t'], ['softplus', 'tanh', 'mul']],
    ['gelu', ['d = Div x root2', 'e = Erf d', 'a = Add e one', 'm = Mul x a', 'y = Mul m half'], ['gelu']],
    ['gelu', ['d = Mul x rootHalf', 'e = Erf d', 'a = Add e one', 'm = Mul a half', 'y = Mul m x'], ['gelu']],
    ['gelu', ['h = Mul x half', 'd = Div x root2', 'e = Erf d', 'a = Add one e', 'y = Mul h a'], ['gelu']],
    ['gelu by tanh', [...TANH, 'h = Mul x half', 'y = Mul h v'], ['square', 'mul', 'add', 'mul', 'sigmoid', 'mul']],
    ['hard sigmoid', [...RELU6, 'y = Div c six'], ['mul', 'add', 'relu', 'min']],
  ])('are %s: %j', async (_, lines, stages) => {
    const attributes = { HardSigmoid: { alpha: 1 / 6, beta: { float: 0.5 } } };
    const model = buildModel({
      nodes: nodesOf(lines, attributes),
      inputs: { x: { shape: [5, 6] } },
      outputs: ['y'],
      initialisers: NUMBERS,
    });
    const x = { shape: [5, 6], data: randomArray(30, 1, -5, 5) };
    const imported = importOnnx(model);
    expect(stagesOf(imported.apply([input('x', [5, 6])], parametersOf(imported).context))).toEqual(stages);
    const [ours] = inFloat64(model, { x });
    const { data } = (await onnxruntime(model, { x }))['y'];
    data.forEach((v, i) => expect(Math.abs(ours.data[i] - v)).toBeLessThan(5e-6));
  });

  it('are a layer norm of eight nodes, whose vectors are weights', async () => {
    const lines = [...LAYER_NORM, 'r = Sqrt e', 'n = Div d r', 'g = Mul n gamma', 'y = Add g beta'];
    const model = buildModel({
      nodes: nodesOf(lines, { ReduceMean: { axes: [-1] } }),
      inputs: { x: { shape: [5, 6] } },
      outputs: ['y'],
      initialisers: NUMBERS,
    });
    const imported = importOnnx(model);
    expect(imported.specs.map(({ name, shape }) => [name, shape])).toEqual([
      ['gamma', [6]],
      ['beta', [6]],
    ]);
    const x = { shape: [5, 6], data: randomArray(30, 1, -5, 5) };
    const [ours] = inFloat64(model, { x });
    const { data } = (await onnxruntime(model, { x }))['y'];
    data.forEach((v, i) => expect(Math.abs(ours.data[i] - v)).toBeLessThan(5e-6));
  });

  it('are left alone where a part of them is read elsewhere', () => {
    const model = buildModel({
      nodes: nodesOf(['s = Sigmoid x', 'y = Mul x s']),
      inputs: { x: { shape: [5, 6] } },
      outputs: ['y', 's'],
    });
    const imported = importOnnx(model);
    const outputs = imported.apply([input('x', [5, 6])], parametersOf(imported).context);
    expect(stagesOf(outputs)).toEqual(['sigmoid', 'mul']);
  });
});
