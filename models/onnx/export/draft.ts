/*
 * What a file is made of before anything in it has a name.
 */

/** An attribute: a plain number is an int. */
export type AttributeValue = number | { readonly float: number } | { readonly text: string } | readonly number[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A value that nodes give and read. */
export class Ref {
  /** What it is to be called; only the name of a parameter or of a tensor is known before all is written. */
  name: string | undefined;
  /** The same elements in other orders of axes, and under other shapes. */
  readonly forms = new Map<string, Ref>();

  constructor(
    /** Lengths of its dimensions as the file has them, with the batch of the graph that is written. */
    readonly dims: readonly number[],
    /** The node that gives it; absent of inputs and initialisers. */
    readonly node?: NodeDraft,
  ) {}
}

export interface NodeDraft {
  readonly op: string;
  /** Undefined where one is left out. */
  readonly inputs: readonly (Ref | undefined)[];
  readonly attributes: Attributes;
  /** What it is to be called, if that is known. */
  name?: string;
}

/** Numbers that the file holds. */
export interface InitialiserDraft {
  readonly ref: Ref;
  readonly data: Float32Array | BigInt64Array;
}

/** A tensor of the engine in the file: dimension i of its value is dimension order[i] of the tensor. */
export interface Placed {
  readonly kind: 'placed';
  /** The tensor's. */
  readonly shape: readonly number[];
  readonly order: readonly number[];
  readonly ref: Ref;
  /**
   * What it was before it got this shape. It should have been transposed first and was not: a matrix that it is
   * multiplied with exchanges its rows instead.
   */
  readonly pending?: Placed;
}

/** A tensor whose numbers are known: a parameter, or a constant, which may be one number everywhere. */
export interface Known {
  readonly kind: 'known';
  readonly shape: readonly number[];
  readonly data: number | Float32Array | Uint32Array;
  /** Of a parameter. */
  readonly name?: string;
}

export type Written = Placed | Known;
