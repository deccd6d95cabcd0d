import type { Device } from '../device/device.ts';
import { Parameter } from '../device/parameter.ts';
import { grad } from '../autodiff.ts';
import { pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { input } from '../ops/leaves.ts';
import { outline } from '../program/outline.ts';
import { compile } from '../program/program.ts';
import { topologicalOrder, type Shape, type Tensor } from '../tensor.ts';
import {
  defaultsOf,
  isUpdate,
  wholeNumbers,
  type Explanation,
  type Operand,
  type Result,
  type Settings,
  type Value,
  type Values,
} from './explanation.ts';

/** The graph of an example: leaves, output, cotangent and gradients by their names; of an update the update alone. */
interface Example {
  readonly operands: readonly Operand[];
  readonly leaves: Readonly<Record<string, Tensor>>;
  readonly output: Tensor;
  /** Name of the output's cotangent. */
  readonly cotangent: string;
  readonly results: Readonly<Record<string, Tensor>>;
}

const gradients = ({ results }: Explanation): readonly Result[] => results.filter(({ of }) => of !== undefined);

function example(explanation: Explanation, settings: Settings, leafOf: (o: Operand) => Tensor, version?: 1): Example {
  const operands = explanation.operands(settings);
  const leaves = Object.fromEntries(operands.map((o) => [o.name, leafOf(o)]));
  const output = explanation.apply(leaves, settings, version);
  const cotangent = `d${explanation.results[0].name}`;
  if (isUpdate(explanation)) return { operands, leaves, output, cotangent, results: {} };
  const seed = input(cotangent, output.shape);
  const made = grad(
    output,
    gradients(explanation).map(({ of }) => leaves[of!]),
    seed,
  );
  const results = {
    [explanation.results[0].name]: output,
    ...Object.fromEntries(gradients(explanation).map(({ name }, i) => [name, made[i]])),
  };
  return { operands, leaves: { ...leaves, [cotangent]: seed }, output, cotangent, results };
}

/** Numbers for operands, and for the cotangent, instead of the example's own. */
export type Given = Readonly<Record<string, readonly number[]>>;

/**
 * An example computed on a device: operands, the output, a cotangent for it, the gradients; of an update the parameters
 * before and after.
 * @throws UserError where the settings do not fit the operands
 */
export async function work(
  device: Device,
  explanation: Explanation,
  settings: Settings,
  given: Given = {},
): Promise<Values> {
  const states = new Map<string, Parameter>();
  try {
    return await compute(device, explanation, settings, given, states);
  } finally {
    for (const parameter of states.values()) parameter[Symbol.dispose]();
  }
}

async function compute(
  device: Device,
  explanation: Explanation,
  settings: Settings,
  given: Given,
  states: Map<string, Parameter>,
): Promise<Values> {
  // What the adapter is given is f32, so that is what the example is told to be of.
  const dataOf = ({ name, data, dtype }: Operand) =>
    (dtype === 'u32' ? Uint32Array : Float32Array).from(given[name] ?? data);
  const made = example(explanation, settings, (o) => {
    if (!o.state) return input(o.name, o.shape, o.dtype);
    states.set(o.name, new Parameter(device, o.name, o.shape, Float32Array.from(dataOf(o))));
    return states.get(o.name)!.tensor;
  });
  const values: Record<string, Value> = Object.fromEntries(
    made.operands.map((o) => [o.name, { shape: o.shape, data: dataOf(o) }]),
  );
  const feeds = Object.fromEntries(made.operands.filter(({ state }) => !state).map((o) => [o.name, dataOf(o)]));
  if (isUpdate(explanation)) {
    using program = await compile(device, { updates: [made.output] });
    program.run(feeds);
    for (const { name, of } of explanation.results)
      values[name] = { shape: states.get(of!)!.shape, data: await states.get(of!)!.read() };
    return values;
  }
  const cotangent =
    given[made.cotangent]?.length === made.output.size
      ? given[made.cotangent]
      : (explanation.cotangent ?? wholeNumbers(made.output.shape, -1, 2, 11));
  feeds[made.cotangent] = Float32Array.from(cotangent);
  values[made.cotangent] = { shape: made.output.shape, data: feeds[made.cotangent] };
  using program = await compile(device, { outputs: Object.values(made.results) });
  program.run(feeds);
  for (const [name, t] of Object.entries(made.results)) values[name] = { shape: t.shape, data: await program.read(t) };
  return values;
}

/** One dispatch of a kernel. */
export interface LaunchedStep {
  /** The file of the kernel. */
  readonly file: string;
  readonly workgroups: readonly [number, number, number];
  /** Values of its overrides and rewritten constants, and the types of its aliases. */
  readonly specialised: Readonly<Record<string, number | string>>;
}

/** What runs for a result. */
export interface HowMade {
  readonly name: string;
  readonly shape: Shape;
  /**
   * The ops that make it, first to last; the op itself of an output, none where the cotangent is passed on as it is.
   */
  readonly ops: readonly string[];
  readonly steps: readonly LaunchedStep[];
  /** The naive kernels, where there are others. */
  readonly naive?: readonly LaunchedStep[];
  /** The line of the first version that `Result.line` is a part of, with its file. */
  readonly line?: { readonly file: string; readonly text: string };
}

const opName = (t: Tensor): string =>
  t.op === pointwiseOp ? (t.attrs as unknown as PointwiseAttributes).stages.map(({ op }) => op).join(', ') : t.op.name;
const isLeaf = (t: Tensor): boolean => t.op.leaf !== undefined;

/** How the op's results are made on this device: which ops and which kernels, launched how. Nothing is run. */
export function howMade(device: Device, explanation: Explanation, settings: Settings): HowMade[] {
  // A parameter without memory need not be disposed.
  const leafOf = (o: Operand) =>
    o.state ? new Parameter(device, o.name, o.shape).tensor : input(o.name, o.shape, o.dtype);
  const [inUse, first] = [example(explanation, settings, leafOf), example(explanation, settings, leafOf, 1)];
  return explanation.results.map(({ name, line }, i) => {
    const [now, naive] = [inUse, first].map((made) => stepsOf(device, made, isUpdate(explanation) ? undefined : name));
    const sameKernels =
      JSON.stringify(now.steps.map(({ file }) => file)) === JSON.stringify(naive.steps.map(({ file }) => file));
    const shape = isUpdate(explanation) ? inUse.leaves[explanation.results[i].of!].shape : inUse.results[name].shape;
    return {
      name,
      shape,
      ops: now.ops,
      steps: now.steps,
      ...(!sameKernels && { naive: naive.steps }),
      ...(line !== undefined && { line: lineIn(naive.sources, line) }),
    };
  });
}

/** The names of the ops in an example's graph, gradients included; of an update none but its own. */
export function opsOf(explanation: Explanation): string[] {
  if (isUpdate(explanation)) return [explanation.name];
  const { output, results } = example(explanation, defaultsOf(explanation), (o) => input(o.name, o.shape, o.dtype));
  return [
    ...new Set(
      topologicalOrder([output, ...Object.values(results)])
        .filter((t) => !isLeaf(t))
        .map(opName),
    ),
  ];
}

function stepsOf(device: Device, made: Example, result: string | undefined) {
  const root = result === undefined ? made.output : made.results[result];
  const before = new Set(root === made.output ? [] : topologicalOrder([made.output]));
  // Without fusion, so that each op is seen by itself.
  const { lowered, graph } = outline(device, {
    ...(result === undefined ? { updates: [root] } : { outputs: [root] }),
    keep: 'all',
  });
  const known = new Set([...before].map(graph.resolve));
  const launches = lowered.steps.filter(({ tensor }) => !known.has(tensor)).map(({ launch }) => launch);
  const sources = new Map(launches.map(({ kernel }) => [kernel.file, kernel.code]));
  return {
    ops: topologicalOrder([root])
      .filter((t) => !before.has(t) && !isLeaf(t))
      .map(opName),
    steps: launches.map(
      ({ kernel, workgroups, overrides, consts, aliases }): LaunchedStep => ({
        file: kernel.file,
        workgroups,
        specialised: { ...overrides, ...consts, ...aliases },
      }),
    ),
    sources,
  };
}

/** The one line that has this text. */
function lineIn(sources: ReadonlyMap<string, string>, piece: string): { file: string; text: string } {
  const found = [...sources].flatMap(([file, code]) =>
    code
      .split('\n')
      .filter((text) => text.includes(piece))
      .map((text) => ({ file, text: text.trim() })),
  );
  if (found.length !== 1) throw new Error(`${found.length} lines of ${[...sources.keys()].join(', ')} have: ${piece}`);
  return found[0];
}
