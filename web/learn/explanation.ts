import type { Field } from './fields.ts';
import type { LineName } from './kernel_lines.ts';
import type { Role } from './network.ts';

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
