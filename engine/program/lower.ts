import type { Choice, Choices } from '../../kernels/kernel.ts';
import { parameterOf } from '../device/parameter.ts';
import { constantArray } from '../ops/leaves.ts';
import type { BufferRef, Capabilities, PartialStatistics, Step } from '../op.ts';
import type { Tensor, StorageType } from '../tensor.ts';
import { choose, type Tuning } from '../tuning.ts';
import { UserError } from '../user_error.ts';
import type { Graph } from './graph.ts';

/** A buffer of the program before planning. */
export interface VirtualBuffer {
  readonly ref: BufferRef;
  readonly bytes: number;
  readonly dtype: StorageType;
  /** The tensor it holds; undefined for an op's scratch. */
  readonly tensor?: Tensor;
  /**
   * Memory of its own for the program's whole life: inputs, outputs, and everything under `keep: 'all'`. Parameters
   * have theirs already, and what is constant is copied there once.
   */
  readonly kind: 'temporary' | 'kept' | 'input' | 'constant' | 'parameter';
  /**
   * It has no memory of its own: it begins so many bytes after the beginning of another buffer, of its kind. See
   * update_groups.ts.
   */
  readonly within?: { readonly ref: BufferRef; readonly offset: number };
}

/** A step and the tensor it belongs to. */
export interface LoweredStep extends Step {
  readonly tensor: Tensor;
}

/** A tensor whose kernels could be launched in several ways, and the one that was taken. */
export interface ChoicePoint {
  readonly tensor: Tensor;
  readonly choices: Choices;
  readonly choice: Choice;
}

export interface Lowered {
  readonly steps: readonly LoweredStep[];
  readonly choicePoints: readonly ChoicePoint[];
  readonly buffers: readonly VirtualBuffer[];
  /** Where a tensor's value lies. */
  bufferOf(tensor: Tensor): BufferRef;
}

/** Bytes of so many numbers: a binding's are a multiple of 4. */
export const bytesOf = (size: number, dtype: StorageType): number =>
  Math.max(16, Math.ceil((size * (dtype === 'f16' ? 2 : 4)) / 4) * 4);

/** The buffer that has the memory, and how many bytes after its beginning this one begins. */
export function placeWithin(buffers: readonly VirtualBuffer[], ref: BufferRef): { root: BufferRef; offset: number } {
  const { within } = buffers[ref];
  if (!within) return { root: ref, offset: 0 };
  const outer = placeWithin(buffers, within.ref);
  return { root: outer.root, offset: outer.offset + within.offset };
}

/** Turns the tensors of a graph into steps, in order, each update as soon as nobody reads what it overwrites. */
export function lower(
  graph: Graph,
  kept: ReadonlySet<Tensor>,
  keepAll: boolean,
  capabilities: Capabilities,
  tuning: Tuning,
): Lowered {
  const buffers: VirtualBuffer[] = [];
  const home = new Map<Tensor, BufferRef>();
  const allocate = (size: number, dtype: StorageType, kind: VirtualBuffer['kind'], tensor?: Tensor): BufferRef => {
    const ref = buffers.length as BufferRef;
    buffers.push({
      ref,
      bytes: kind === 'parameter' ? parameterOf(tensor!)!.bytes : bytesOf(size, dtype),
      dtype,
      kind,
      tensor,
    });
    return ref;
  };
  // A view lives where its source lives, so keeping a view keeps the source.
  const source = (t: Tensor): Tensor => (t.op.view || t.op.mutates.length > 0 ? source(t.inputs[0]) : t);
  const keptSources = new Set([...kept].map(source));
  const kindOf = (t: Tensor): VirtualBuffer['kind'] =>
    t.op.leaf ?? (constantArray(t) ? 'constant' : keepAll || keptSources.has(t) ? 'kept' : 'temporary');
  const bufferOf = (tensor: Tensor): BufferRef => {
    const t = source(tensor);
    let ref = home.get(t);
    if (ref === undefined) home.set(t, (ref = allocate(t.size, t.dtype, kindOf(t), t)));
    return ref;
  };

  const steps: LoweredStep[] = [];
  const choicePoints: ChoicePoint[] = [];
  const statistics = new Map<Tensor, PartialStatistics>();
  for (const tensor of schedule(graph.order, source)) {
    if (tensor.op.view || tensor.op.leaf) continue;
    const lowered = tensor.op.lower({
      inputs: tensor.inputs,
      attrs: tensor.attrs,
      output: tensor,
      capabilities,
      in: (i) => bufferOf(tensor.inputs[i]),
      out: () => bufferOf(tensor),
      temp: (elements) => allocate(elements, 'f32', 'temporary'),
      leave: (partial) => statistics.set(tensor, partial),
      left: (i) => statistics.get(tensor.inputs[i]),
      choose(choices) {
        const choice = choose(choices, tensor, tuning);
        choicePoints.push({ tensor, choices, choice });
        return choice;
      },
    });
    for (const step of lowered) steps.push({ ...step, tensor });
  }
  return { steps, choicePoints, buffers, bufferOf };
}

/**
 * The order of making, with every update moved to just after the last reader of what it overwrites; a reader may be an
 * update too.
 */
function schedule(order: readonly Tensor[], source: (t: Tensor) => Tensor): Tensor[] {
  const position = new Map(order.map((t, i) => [t, i]));
  const isUpdate = (t: Tensor) => t.op.mutates.length > 0;
  const readBy = (t: Tensor) => t.inputs.filter((_, i) => !t.op.mutates.includes(i)).map(source);
  const lastRead = new Map<Tensor, number>();
  const readers = new Map<Tensor, Tensor[]>();
  order.forEach((t, i) => {
    const update = t.inputs.find(isUpdate);
    if (update)
      throw new UserError(
        `compile: ${t} reads the update ${update}, whose place among the readers of the old value is open; read the parameter in a program of its own`,
      );
    if (!isUpdate(t)) for (const input of t.inputs) lastRead.set(source(input), i);
    else for (const input of readBy(t)) readers.set(input, [...(readers.get(input) ?? []), t]);
  });

  const ready = new Map<Tensor, number | 'open'>();
  const after = new Map<number, Tensor[]>();
  const place = (t: Tensor): number => {
    const known = ready.get(t);
    if (known === 'open')
      throw new UserError(
        `compile: ${t} of ${t.inputs[0]} reads a parameter that it overwrites, or that another update overwrites which reads what this one does; let one read a copy (mul by 1)`,
      );
    if (known !== undefined) return known;
    ready.set(t, 'open');
    const overwritten = t.op.mutates.map((i) => source(t.inputs[i]));
    const before = overwritten.flatMap((p) => readers.get(p) ?? []).map(place);
    const at = Math.max(
      ...before,
      ...t.inputs.map((input) => position.get(input)!),
      ...overwritten.map((p) => lastRead.get(p) ?? 0),
    );
    ready.set(t, at);
    after.set(at, [...(after.get(at) ?? []), t]);
    return at;
  };
  for (const t of order) if (isUpdate(t)) place(t);
  return order.flatMap((t, i) => [...(isUpdate(t) ? [] : [t]), ...(after.get(i) ?? [])]);
}
