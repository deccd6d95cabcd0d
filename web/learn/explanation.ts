import { offsetOf } from '../../engine/explain/terms.ts';
import { backwards } from './explain_backwards.ts';
import { forwards } from './explain_forwards.ts';
import { parameterGradient } from './explain_parameter.ts';
import { receptiveFields, type Field } from './fields.ts';
import type { LineName } from './kernel_lines.ts';
import { at, parameter } from './layer_sums.ts';
import type { Role } from './network.ts';
import type { Target, View } from './view.ts';

/**
 * A number of the network that one can point at: an element of a layer's output, of its cotangent, or of one of its
 * parameters.
 */
export interface Selection {
  readonly layer: number;
  readonly part: 'y' | 'dy' | Role;
  readonly at: readonly number[];
}

/** One summand: its factors by their names in the formula, and their product. */
export interface Summand {
  readonly factors: readonly { readonly name: string; readonly value: number }[];
  readonly product: number;
}

/** How a number comes about. */
export interface Explanation {
  /** The formula in letters, and the same with the numbers of this element filled in. */
  readonly formula: string;
  readonly filled: string;
  /** What is added up; empty where the formula with its numbers says all. */
  readonly summands: readonly Summand[];
  /** What the formula gives, in float64 from the operands as the GPU has them. */
  readonly computed: number;
  /** What the GPU has. */
  readonly value: number;
  readonly line: LineName;
  /** What it is made from: outlined in the maps. */
  readonly fields: readonly Field[];
  readonly note?: string;
  /** Where several layers hand something back: which, and how each comes by it. */
  readonly paths?: readonly { readonly user: number; readonly behind: Behind }[];
}

/** An explanation as the direction that makes it gives it. */
export type Behind = Omit<Explanation, 'value' | 'fields'> & { readonly fields?: readonly (Field | undefined)[] };

/** What Selection names, as the worker's check wants it. */
export function targetOf({ layers }: View, { layer, part, at: index }: Selection): Target {
  if (part === 'y' || part === 'dy') return { layer, offset: offsetOf(layers[layer].y.shape, index) };
  return { layer, role: part, offset: offsetOf(parameter(layers[layer], part).shape, index) };
}

/**
 * How the selected number comes about: for an output forwards; for a cotangent, or a parameter's gradient, on the way
 * back.
 */
export function explain(view: View, selection: Selection): Explanation {
  const { layer, part, at: index } = selection;
  const { y, dy, parameters } = view.layers[layer];
  const value =
    part === 'y'
      ? at(y, index)
      : part === 'dy'
        ? at(dy, index)
        : at(parameters.find(({ role }) => role === part)!.gradient!, index);
  const behind =
    part === 'y'
      ? forwards(view, layer, index)
      : part === 'dy'
        ? backwards(view, layer, index)
        : parameterGradient(view, layer, part, index);
  const fields =
    part === 'y' ? receptiveFields(view, layer, index) : (behind.fields ?? []).filter((field) => field !== undefined);
  return { ...behind, value, fields };
}
