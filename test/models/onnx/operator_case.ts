import { expect } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import type { ForwardContext } from '../../../models/network.ts';
import { importOnnx, type ImportedOnnx, type ImportOnnxOptions } from '../../../models/onnx/import_onnx.ts';
import type { OnnxType } from '../../../models/onnx/value.ts';
import { randomArray } from '../../random.ts';
import { evaluateGraph } from '../../reference/interpreter.ts';
import { buildModel, type Attribute, type NodePlan } from './build.ts';
import { onnxruntime, type Given } from './onnxruntime.ts';

/** Random numbers of this shape from -1 to 1, or within a range, or given ones; `known` ones are initialisers. */
export type Operand =
  | readonly number[]
  | (Partial<Given> & {
      readonly shape: readonly number[];
      readonly known?: boolean;
      readonly range?: readonly [number, number];
    });

export interface OperatorCase {
  /** Besides the op, what is special. */
  readonly title?: string;
  readonly op: string;
  readonly opset?: number;
  /** By the order of the op's inputs; undefined where one is left out. */
  readonly inputs: readonly (Operand | undefined)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Types of the outputs; one float when absent. */
  readonly outputs?: readonly OnnxType[];
  /** Of the largest number, where f32 is not enough for the usual one. */
  readonly tolerance?: number;
}

export const titleOf = ({ op, opset = 17, title, inputs, attributes = {} }: OperatorCase): string =>
  `${op}-${opset} ${title ?? ''} ${JSON.stringify(inputs.map((i) => (i && 'shape' in i ? i.shape : i)))} ${JSON.stringify(attributes)}`;

const given = (operand: Operand, seed: number): Given => {
  const plan: Exclude<Operand, readonly number[]> = 'shape' in operand ? operand : { shape: operand };
  const { shape, data, type, range = [-1, 1] } = plan;
  const size = shape.reduce((a, b) => a * b, 1);
  const drawn = Array.from(randomArray(size, seed, ...range), (v) =>
    type && type !== 'float' && type !== 'double' ? Math.floor(v) : v,
  );
  return { shape, data: data ?? drawn, type };
};

const isKnown = (operand: Operand | undefined): boolean =>
  operand !== undefined && 'shape' in operand && operand.known === true;

/** The leaves of a graph's parameters, and their values. */
export function parametersOf({ specs, weights }: Pick<ImportedOnnx, 'specs' | 'weights'>): {
  context: ForwardContext;
  leaves: Map<string, ArrayLike<number>>;
} {
  const leaves = new Map<string, ArrayLike<number>>(weights);
  for (const { name, kind } of specs) {
    if (kind !== 'mean') continue;
    const stem = name.replace(/mean$/, '');
    leaves.set(`${stem}stats`, [...weights.get(name)!, ...weights.get(`${stem}var`)!]);
  }
  const tensor = (name: string) => {
    const spec = specs.find((each) => each.name === name);
    return input(name, spec?.shape ?? [2, leaves.get(name)!.length / 2]);
  };
  return { context: { parameters: { tensor }, batchNorm: 'running' }, leaves };
}

/** Computes a model in float64, by the references. */
export function inFloat64(
  model: Uint8Array,
  feeds: Readonly<Record<string, Given>>,
  options: ImportOnnxOptions = {},
): { shape: readonly number[]; data: Float64Array }[] {
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));
  const imported = importOnnx(model, { ...options, shapes });
  const { context, leaves } = parametersOf(imported);
  const tensors = imported.inputs.map(({ name, shape }) => input(name, shape));
  for (const { name } of imported.inputs) leaves.set(name, feeds[name].data);
  const outputs = imported.apply(tensors, context);
  const values = evaluateGraph(outputs, leaves);
  outputs.forEach((t, i) => expect(t.shape, 'the shape that was told').toEqual(imported.outputs[i].shape));
  return outputs.map((t) => ({ shape: t.shape, data: values.get(t)! }));
}

/** The model of one node, and what it is fed. */
export function planOf({ op, opset = 17, inputs, attributes, outputs = ['float'] }: OperatorCase) {
  const operands = inputs.map((operand, i) => operand && given(operand, i + 1));
  const named = (i: number) => `in${i}`;
  const of = (wanted: boolean) =>
    Object.fromEntries(
      operands.flatMap((g, i) => (g && isKnown(inputs[i]) === wanted ? [[named(i), g] as const] : [])),
    );
  const node: NodePlan = {
    op,
    inputs: operands.map((g, i) => (g ? named(i) : '')),
    outputs: outputs.map((_, k) => `out${k}`),
    attributes,
  };
  const model = buildModel({
    nodes: [node],
    inputs: of(false),
    outputs: outputs.map((type, k) => [`out${k}`, type] as const),
    initialisers: of(true),
    opset,
  });
  return { model, feeds: of(false) };
}

/** Holds an op against onnxruntime, which computes in f32. */
export async function checkCase(plan: OperatorCase): Promise<void> {
  const { outputs = ['float'], tolerance = 2e-6 } = plan;
  const { model, feeds } = planOf(plan);
  const theirs = await onnxruntime(model, feeds);
  const ours = inFloat64(model, feeds);
  outputs.forEach((_, k) => {
    const { shape, data } = theirs[`out${k}`];
    expect(ours[k].shape).toEqual([...shape]);
    const scale = Math.max(1, ...data.filter(Number.isFinite).map(Math.abs));
    data.forEach((v, i) => {
      if (Number.isFinite(v))
        expect(Math.abs(ours[k].data[i] - v), `${ours[k].data[i]} for ${v} at ${i}`).toBeLessThanOrEqual(
          tolerance * scale,
        );
      else expect(ours[k].data[i], `at ${i}`).toBe(v);
    });
  });
}
