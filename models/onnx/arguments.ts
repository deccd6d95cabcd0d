import type { OnnxNode } from './graph.ts';
import type { Constant, Value } from './value.ts';

/*
 * What ops are told, by an attribute in old opsets and by an input in new ones: axes, ranges, sizes. Inputs of this
 * kind must be known before anything runs, because shapes are.
 */

export type Inputs = readonly (Value | undefined)[];

/** Input i, which the op cannot do without. */
export const needed = <V>(node: OnnxNode, inputs: readonly (V | undefined)[], i: number): V =>
  inputs[i] ?? node.fail(`its input ${i} is missing; the file is damaged`);

/** Input i as a constant, or undefined where it is left out. */
export function known(node: OnnxNode, inputs: Inputs, i: number): Constant | undefined {
  const value = inputs[i];
  if (value === undefined || value.kind === 'constant') return value;
  return node.fail(
    `its input ${node.inputs[i]} is computed from the images, and shapes must be known before; give its value by the option \`values\`, if it is an input of the graph`,
  );
}

export const knownNumbers = (node: OnnxNode, inputs: Inputs, i: number): number[] | undefined => {
  const constant = known(node, inputs, i);
  return constant && [...constant.data];
};

/** One number from input i, or from the attribute of this name in old opsets. */
export function knownNumber(node: OnnxNode, inputs: Inputs, i: number, attribute?: string): number | undefined {
  const constant = known(node, inputs, i);
  if (constant && constant.data.length !== 1) node.fail(`its input ${i} must be one number`);
  return constant ? constant.data[0] : attribute === undefined ? undefined : node.float(attribute);
}

/** An axis counted from 0. */
export function axisOf(node: OnnxNode, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) node.fail(`there is no axis ${axis} of ${rank}`);
  return axis < 0 ? axis + rank : axis;
}

/** The axes of input i or of the attribute `axes`, counted from 0; undefined where neither is there. */
export function axesOf(node: OnnxNode, inputs: Inputs, i: number, rank: number): number[] | undefined {
  const axes = (node.ints('axes') ?? knownNumbers(node, inputs, i))?.map((axis) => axisOf(node, axis, rank));
  if (axes && new Set(axes).size !== axes.length) node.fail(`its axes ${axes.join(', ')} name one twice`);
  return axes;
}

/** A range of each axis: from where, how many, in which steps. */
export interface Ranges {
  readonly starts: number[];
  readonly counts: number[];
  readonly steps: number[];
}

/** What a Slice takes of a shape: attributes before opset 10, inputs since. */
export function sliceRanges(node: OnnxNode, inputs: Inputs, shape: readonly number[]): Ranges {
  const starts = node.ints('starts') ?? knownNumbers(node, inputs, 1) ?? node.fail('it has no starts');
  const ends = node.ints('ends') ?? knownNumbers(node, inputs, 2) ?? node.fail('it has no ends');
  const axes = axesOf(node, inputs, 3, shape.length) ?? starts.map((_, k) => k);
  const steps = knownNumbers(node, inputs, 4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length) || axes.length > shape.length)
    node.fail('starts, ends, axes and steps are not of one length');
  const ranges: Ranges = { starts: shape.map(() => 0), counts: [...shape], steps: shape.map(() => 1) };
  axes.forEach((axis, k) => {
    const [length, step] = [shape[axis], steps[k]];
    if (!Number.isInteger(step) || step === 0) node.fail(`its step must be a whole number other than 0, not ${step}`);
    // As in Python: from the end where negative, cut to what is there.
    const place = (n: number, least: number, most: number) => Math.min(Math.max(n < 0 ? n + length : n, least), most);
    const [from, to] =
      step > 0
        ? [place(starts[k], 0, length), place(ends[k], 0, length)]
        : [place(starts[k], 0, length - 1), place(ends[k], -1, length - 1)];
    ranges.starts[axis] = from;
    ranges.counts[axis] = Math.max(0, Math.ceil((to - from) / step));
    ranges.steps[axis] = step;
  });
  return ranges;
}

/** The shape that a Reshape asks for: 0 keeps a length, -1 takes what is left. */
export function reshapeTarget(node: OnnxNode, inputs: Inputs, shape: readonly number[]): number[] {
  const wanted = node.ints('shape') ?? knownNumbers(node, inputs, 1) ?? node.fail('it has no shape');
  const keepsZero = node.int('allowzero', 0) === 0;
  const target = wanted.map((n, i) => (n === 0 && keepsZero ? (shape[i] ?? node.fail(`there is no axis ${i}`)) : n));
  const size = shape.reduce((a, b) => a * b, 1);
  const rest = target.reduce((a, b) => (b === -1 ? a : a * b), 1);
  const full = target.map((n) => (n === -1 ? (rest === 0 ? 0 : size / rest) : n));
  const whole = full.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!whole || target.filter((n) => n === -1).length > 1 || full.reduce((a, b) => a * b, 1) !== size)
    node.fail(`[${shape.join(', ')}] cannot be given the shape [${wanted.join(', ')}]`);
  return full;
}

/** The lengths of a Split's parts. */
export function splitSizes(node: OnnxNode, inputs: Inputs, length: number): number[] {
  const parts = node.outputs.length;
  const told = node.ints('split') ?? knownNumbers(node, inputs, 1);
  const share = Math.ceil(length / node.int('num_outputs', parts));
  const sizes = told ?? node.outputs.map((_, k) => Math.min(share, length - k * share));
  if (sizes.length !== parts || sizes.some((n) => !(n >= 0)) || sizes.reduce((a, b) => a + b, 0) !== length)
    node.fail(`${length} do not divide into ${sizes.join(' + ')}`);
  return sizes;
}

/** What two shapes broadcast to, as in NumPy. */
export function commonShape(node: OnnxNode, ...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  const padded = shapes.map((s) => [...Array<number>(rank - s.length).fill(1), ...s]);
  return Array.from({ length: rank }, (_, i) => {
    const lengths = padded.map((s) => s[i]).filter((n) => n !== 1);
    if (new Set(lengths).size > 1)
      node.fail(`the shapes ${shapes.map((s) => `[${s.join(', ')}]`).join(' and ')} do not broadcast`);
    return lengths[0] ?? 1;
  });
}
