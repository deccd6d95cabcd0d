import type { BufferRef, Capabilities, Step } from '../op.ts';
import { Tensor } from '../tensor.ts';
import type { Graph } from './graph.ts';

/** A buffer of the program before planning. */
export interface VirtualBuffer {
  readonly ref: BufferRef;
  readonly bytes: number;
  /** The tensor it holds; undefined for an op's scratch. */
  readonly tensor?: Tensor;
  /** Memory of its own for the program's whole life: inputs, outputs, and everything under `keep: 'all'`. Parameters have theirs already. */
  readonly kind: 'temporary' | 'kept' | 'input' | 'parameter';
}

/** A step and the tensor it belongs to. */
export interface LoweredStep extends Step {
  readonly tensor: Tensor;
}

export interface Lowered {
  readonly steps: readonly LoweredStep[];
  readonly buffers: readonly VirtualBuffer[];
  /** Where a tensor's value lies. */
  bufferOf(tensor: Tensor): BufferRef;
}

const bytesOf = (t: Tensor) => Math.max(16, t.size * 4);

/** Turns the tensors of a graph into steps, in order, each update as soon as nobody reads what it overwrites. */
export function lower(graph: Graph, kept: ReadonlySet<Tensor>, keepAll: boolean, capabilities: Capabilities): Lowered {
  const buffers: VirtualBuffer[] = [];
  const home = new Map<Tensor, BufferRef>();
  const allocate = (bytes: number, kind: VirtualBuffer['kind'], tensor?: Tensor): BufferRef => {
    const ref = buffers.length as BufferRef;
    buffers.push({ ref, bytes, kind, tensor });
    return ref;
  };
  // A view lives where its source lives, so keeping a view keeps the source.
  const source = (t: Tensor): Tensor => (t.op.view || t.op.mutates.length > 0 ? source(t.inputs[0]) : t);
  const keptSources = new Set([...kept].map(source));
  const kindOf = (t: Tensor): VirtualBuffer['kind'] =>
    t.op.name === 'parameter' ? 'parameter' : t.op.name === 'input' ? 'input' : keepAll || keptSources.has(t) ? 'kept' : 'temporary';
  const bufferOf = (tensor: Tensor): BufferRef => {
    const t = source(tensor);
    let ref = home.get(t);
    if (ref === undefined) home.set(t, (ref = allocate(bytesOf(t), kindOf(t), t)));
    return ref;
  };

  const steps: LoweredStep[] = [];
  for (const tensor of schedule(graph.order, source)) {
    if (tensor.op.view || tensor.op.name === 'parameter' || tensor.op.name === 'input') continue;
    const lowered = tensor.op.lower({
      inputs: tensor.inputs,
      attrs: tensor.attrs,
      output: tensor,
      capabilities,
      in: (i) => bufferOf(tensor.inputs[i]),
      out: () => bufferOf(tensor),
      temp: (elements) => allocate(Math.max(16, elements * 4), 'temporary'),
    });
    for (const step of lowered) steps.push({ ...step, tensor });
  }
  return { steps, buffers, bufferOf };
}

/** The order of making, with every update moved to just after the last reader of what it overwrites. */
function schedule(order: readonly Tensor[], source: (t: Tensor) => Tensor): Tensor[] {
  const position = new Map(order.map((t, i) => [t, i]));
  const lastRead = new Map<Tensor, number>();
  order.forEach((t, i) => {
    if (t.op.mutates.length > 0) return;
    for (const input of t.inputs) lastRead.set(source(input), i);
  });
  const after = new Map<number, Tensor[]>();
  for (const t of order) {
    if (t.op.mutates.length === 0) continue;
    const ready = Math.max(...t.inputs.map((input) => position.get(input)!), ...t.op.mutates.map((i) => lastRead.get(source(t.inputs[i])) ?? 0));
    after.set(ready, [...(after.get(ready) ?? []), t]);
  }
  return order.flatMap((t, i) => [...(t.op.mutates.length === 0 ? [t] : []), ...(after.get(i) ?? [])]);
}
