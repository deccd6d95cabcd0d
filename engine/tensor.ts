import { remedy, show } from './check.ts';
import { UserError } from './user_error.ts';
import type { OpDef } from './op.ts';

/** Lengths of the dimensions, the slowest first; a scalar has none. */
export type Shape = readonly number[];
/** What a tensor's numbers are. */
export type DType = 'f32' | 'u32';
/** How numbers lie in a buffer: what a tensor computes as f32 may be stored as f16 (engine/program/precision.ts). */
export type StorageType = DType | 'f16';
/** What an op is told besides its inputs, by name. */
export type Attributes = Readonly<Record<string, unknown>>;

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/**
 * Throws a UserError unless it is a shape: a list of whole numbers from 1 on. No tensor is empty: of a batch without
 * samples there is nothing to compute, and drivers have died of buffers without bytes.
 * @param what begins the message
 */
export function checkShape(what: string, shape: Shape): void {
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 1))
    throw new UserError(`${what}: a shape is a list of whole numbers from 1 on, not ${show(shape)}`);
}

let nextId = 0;

/**
 * A description of a value: the op that makes it, from which inputs, with which attributes. Plain data: nothing is
 * computed and no memory is held until a program is compiled from it.
 */
export class Tensor {
  readonly id = nextId++;
  /** What it is called, in the order of naming: a network's last block is also the end of its stage. */
  readonly names: string[] = [];

  constructor(
    readonly op: OpDef,
    readonly inputs: readonly Tensor[],
    readonly attrs: Attributes,
    readonly shape: Shape,
    readonly dtype: DType = 'f32',
  ) {}

  get size(): number {
    return sizeOf(this.shape);
  }

  /** The latest name, for listings and errors. */
  get name(): string | undefined {
    return this.names[this.names.length - 1];
  }

  /** Gives the tensor a name for listings, errors and Grad-CAM, and returns it. */
  named(...names: readonly string[]): this {
    const wrong = names.find((name) => typeof name !== 'string');
    if (wrong !== undefined) throw new UserError(`named: a name must be text, not ${show(wrong)}`);
    this.names.push(...names);
    return this;
  }

  /** Name, op and shape, for listings and errors. */
  toString(): string {
    return `${this.name ?? `%${this.id}`}: ${this.op.name}${showShape(this.shape)}`;
  }
}

/** Throws a UserError unless all are tensors; `inputs` are what an op is given, by its own names for them. */
export function checkTensors(op: string, inputs: Readonly<Record<string, unknown>>): void {
  for (const [name, t] of Object.entries(inputs)) {
    if (t instanceof Tensor) continue;
    const hint = (t as { tensor?: unknown } | undefined)?.tensor instanceof Tensor ? '; give its tensor' : remedy(t);
    throw new UserError(`${op}: ${name} must be a tensor, and is ${show(t)}${hint}`);
  }
}

/** Throws a UserError unless the tensor holds what the op takes as its input of this name. */
export function checkDType(op: string, input: string, t: Tensor, wanted: DType): void {
  if (t.dtype !== wanted)
    throw new UserError(
      `${op}: it takes ${wanted}, and ${t.name ?? `its input ${input}`} is ${t.dtype} ${showShape(t.shape)}`,
    );
}

/** Throws a shape error that names the op and every input's shape. */
export function shapeError(op: string, problem: string, ...inputs: Tensor[]): never {
  throw new UserError(
    `${op}: ${problem}; given ${inputs.map((t) => `${t.name ? `${t.name} ` : ''}${showShape(t.shape)}`).join(', ')}`,
  );
}

/**
 * All tensors that the roots depend on, inputs before their users. Iterative: networks are deeper than the call stack
 * likes.
 */
export function topologicalOrder(roots: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const state = new Map<Tensor, 'open' | 'done'>();
  const stack = [...roots].reverse();
  while (stack.length > 0) {
    const t = stack[stack.length - 1];
    if (state.get(t) === 'done') stack.pop();
    else if (state.get(t) === 'open') {
      state.set(t, 'done');
      order.push(t);
      stack.pop();
    } else {
      state.set(t, 'open');
      for (let i = t.inputs.length - 1; i >= 0; i--) if (!state.has(t.inputs[i])) stack.push(t.inputs[i]);
    }
  }
  return order;
}
