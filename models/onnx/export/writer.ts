import { sizeOf, stridesOf } from '../fold_arrays.ts';
import { physical, reshapedOrder } from '../layout.ts';
import { isPlain, plainOrder } from '../value.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { UserError } from '../../../engine/user_error.ts';
import {
  Ref,
  type Attributes,
  type InitialiserDraft,
  type Known,
  type NodeDraft,
  type Placed,
  type Written,
} from './draft.ts';

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** Collects the nodes and numbers of a file while a graph is gone through. */
export class GraphWriter {
  readonly nodes: { readonly draft: NodeDraft; readonly output: Ref }[] = [];
  readonly initialisers: InitialiserDraft[] = [];
  private readonly written = new Map<Tensor, Written>();
  private readonly numbers = new Map<string, Ref>();
  private readonly filed = new WeakMap<object, Map<string, Ref>>();
  private sizeOfBatch: Ref | undefined;

  constructor(
    /** The batch of the graph that is written; lengths that are multiples of it grow with the batch. */
    readonly batch: number,
    /** The graph's input, whose first dimension is the batch. */
    readonly input: Ref,
    /** How many tensors read each. */
    private readonly readers: ReadonlyMap<Tensor, number>,
  ) {}

  /** Calls what a node gives as the tensor is called: the node by its last name, its value by its first. */
  nameAs({ names }: Tensor, ref: Ref): void {
    if (names.length === 0 || !ref.node || ref.name !== undefined) return;
    ref.node.name = names[names.length - 1];
    ref.name = names[0];
  }

  /** @throws UserError: nothing like this can be written */
  refuse(t: Tensor, what: string): never {
    throw new UserError(`exportOnnx: ${t} cannot be written, since ONNX has nothing here for ${what}`);
  }

  /** Whether nothing but one tensor reads this one, and nobody knows it by a name. */
  isInner(t: Tensor): boolean {
    return this.readers.get(t) === 1 && t.names.length === 0;
  }

  set(t: Tensor, value: Written): void {
    this.written.set(t, value);
  }

  /** What this tensor is in the file. */
  of(t: Tensor): Written {
    return this.written.get(t)!;
  }

  /** A node of one output with these dimensions. */
  node(
    op: string,
    inputs: readonly (Ref | undefined)[],
    dims: readonly number[],
    attributes: Attributes = {},
    name?: string,
  ): Ref {
    const draft: NodeDraft = { op, inputs, attributes, name };
    const output = new Ref(dims, draft);
    this.nodes.push({ draft, output });
    return output;
  }

  /** Numbers of f32: the same few are written once. */
  floats(data: Float32Array | readonly number[], dims: readonly number[], name?: string): Ref {
    return this.initialiser(data instanceof Float32Array ? data : Float32Array.from(data), dims, name);
  }

  /** Whole numbers: shapes, axes, indices. */
  ints(data: readonly number[] | Uint32Array, dims: readonly number[] = [data.length]): Ref {
    return this.initialiser(BigInt64Array.from(Array.from(data, BigInt)), dims);
  }

  scalar(value: number): Ref {
    return this.floats([value], []);
  }

  private initialiser(data: Float32Array | BigInt64Array, dims: readonly number[], name?: string): Ref {
    const key = name === undefined && data.length <= 16 ? `${data.constructor.name} ${dims} ${data}` : undefined;
    const made = key === undefined ? undefined : this.numbers.get(key);
    if (made) return made;
    const ref = new Ref(dims);
    ref.name = name;
    this.initialisers.push({ ref, data });
    if (key !== undefined) this.numbers.set(key, ref);
    return ref;
  }

  /** How often the batch is in this length; undefined of a length that does not grow with it. */
  batches(length: number): number | undefined {
    return length % this.batch === 0 ? length / this.batch : undefined;
  }

  grows = (length: number): boolean => this.batches(length) !== undefined;

  /** A shape as a value that the file computes: the batch is what the input has. */
  shapeValue(dims: readonly number[]): Ref {
    if (!dims.some(this.grows)) return this.ints(dims);
    this.sizeOfBatch ??= this.node('Shape', [this.input], [1], { start: 0, end: 1 });
    const parts = dims.map((n) => {
      const times = this.batches(n);
      if (times === undefined) return this.ints([n]);
      return times === 1 ? this.sizeOfBatch! : this.node('Mul', [this.sizeOfBatch!, this.ints([times])], [1]);
    });
    return parts.length === 1 ? parts[0] : this.node('Concat', parts, [dims.length], { axis: 0 });
  }

  /** The same elements under other dimensions. */
  reshape(ref: Ref, dims: readonly number[]): Ref {
    if (same(ref.dims, dims)) return ref;
    const before = ref.node;
    // Nobody asks for what two views give in between.
    if (ref.name === undefined && (before?.op === 'Reshape' || before?.op === 'Flatten'))
      return this.reshape(before.inputs[0]!, dims);
    const key = `as ${dims}`;
    const made = ref.forms.get(key) ?? this.newReshape(ref, dims);
    ref.forms.set(key, made);
    return made;
  }

  private newReshape(ref: Ref, dims: readonly number[]): Ref {
    const [rows, ...rest] = ref.dims;
    if (dims.length === 2 && rest.length > 1 && dims[0] === rows) return this.node('Flatten', [ref], dims, { axis: 1 });
    // 0 keeps a length, -1 is what is left.
    const told = dims.map((n, i) => (this.grows(n) ? (n === ref.dims[i] ? 0 : -1) : n));
    const shape = told.filter((n) => n === -1).length > 1 ? this.shapeValue(dims) : this.ints(told);
    return this.node('Reshape', [ref, shape], dims);
  }

  /** Dimension i is dimension perm[i] of `ref`. */
  transpose(ref: Ref, perm: readonly number[]): Ref {
    if (isPlain(perm)) return ref;
    const key = `transposed ${perm}`;
    const dims = perm.map((i) => ref.dims[i]);
    const made = ref.forms.get(key) ?? this.node('Transpose', [ref], dims, { perm });
    ref.forms.set(key, made);
    return made;
  }

  /** The tensor in this order of its dimensions. */
  arranged(value: Written, order: readonly number[] = plainOrder(value.shape.length)): Ref {
    if (value.kind === 'known') return this.filedIn(value, order, physical(value.shape, order));
    const { shape, order: from, ref } = this.settle(value);
    const long = (axes: readonly number[]) => axes.filter((axis) => shape[axis] !== 1);
    if (same(long(from), long(order))) return this.reshape(ref, physical(shape, order));
    return this.transpose(
      ref,
      order.map((axis) => from.indexOf(axis)),
    );
  }

  /** The value with its pending transposition done. */
  settle(value: Placed): Placed {
    const { pending, shape } = value;
    if (!pending) return value;
    return { kind: 'placed', shape, order: plainOrder(shape.length), ref: this.reshape(this.arranged(pending), shape) };
  }

  /** The tensor as a value that is no known number. */
  placed(value: Written): Placed {
    if (value.kind === 'placed') return this.settle(value);
    const order = plainOrder(value.shape.length);
    return { kind: 'placed', shape: value.shape, order, ref: this.arranged(value, order) };
  }

  /** Known numbers in this order of axes, under these dimensions. */
  filedIn(known: Known, order: readonly number[], dims: readonly number[]): Ref {
    const { data, name, shape } = known;
    if (typeof data === 'number') return this.repeated(this.scalar(data), dims);
    const forms = this.filed.get(data) ?? new Map<string, Ref>();
    this.filed.set(data, forms);
    const key = `${order} ${dims}`;
    const made = forms.get(key) ?? this.newFile(shape, data, order, dims, name);
    forms.set(key, made);
    return made;
  }

  private newFile(
    shape: readonly number[],
    data: Float32Array | Uint32Array,
    order: readonly number[],
    dims: readonly number[],
    name?: string,
  ): Ref {
    if (shape.some(this.grows))
      throw new UserError(`exportOnnx: a constant [${shape.join(', ')}] grows with the batch`);
    const moved = permuted(data, shape, order);
    return moved instanceof Uint32Array ? this.ints(moved, dims) : this.floats(moved, dims, name);
  }

  /** A value repeated along dimensions of length 1. */
  repeated(ref: Ref, dims: readonly number[]): Ref {
    return same(ref.dims, dims) ? ref : this.node('Expand', [ref, this.shapeValue(dims)], dims);
  }

  /** The value under another shape of the tensor. */
  reshaped(value: Written, target: readonly number[]): Written {
    if (value.kind === 'known') return { ...value, shape: target };
    const settled = this.settle(value);
    const { shape, order, ref } = settled;
    const found = reshapedOrder(shape, order, target);
    if (found) return { kind: 'placed', shape: target, order: found, ref: this.reshape(ref, physical(target, found)) };
    const plain = { kind: 'placed', shape: target, order: plainOrder(target.length) } as const;
    return { ...plain, ref: this.reshape(ref, target), pending: settled };
  }
}

/** The same numbers with their axes in another order. */
export function permuted<A extends Float32Array | Uint32Array>(
  data: A,
  shape: readonly number[],
  order: readonly number[],
): A {
  if (isPlain(order)) return data;
  const lengths = physical(shape, order);
  const steps = physical(stridesOf(shape), order);
  const out = data.slice() as A;
  const index = order.map(() => 0);
  for (let to = 0, from = 0; to < sizeOf(shape); to++) {
    out[to] = data[from];
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < lengths[axis]) break;
      from -= steps[axis] * lengths[axis];
      index[axis] = 0;
    }
  }
  return out;
}
