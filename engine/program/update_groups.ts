import { parameterOf, type Parameter } from '../device/parameter.ts';
import { copiedFrom } from '../../kernels/copy/copy.ts';
import type { BufferRef, OpDef } from '../op.ts';
import { placeWithin, type Lowered, type LoweredStep, type VirtualBuffer } from './lower.ts';

/*
 * A network has hundreds of small parameters, and a launch of its own for each costs the processor and the GPU more
 * than the work in it. Those that lie side by side in a pool, and whose moments do, are changed by one launch, if their
 * gradients lie as they do: so the gradients are laid out like the parameters. Every number is computed as before, to
 * the last bit.
 */

/**
 * Copies of parts of a temporary become views of it, where a binding may begin at each of those parts: one that could
 * not would leave the others without a place of their own.
 */
export function viewCopies(lowered: Lowered, alignment: number): Lowered {
  const buffers = [...lowered.buffers];
  const writes = writesOf(lowered.steps);
  /** Where the copy would begin in x, in bytes; undefined where it is none, NaN where it cannot be a view. */
  const beginningOf = ({ launch, buffers: { x, out } }: LoweredStep): number | undefined => {
    const first = copiedFrom(launch);
    if (first === undefined) return undefined;
    const [from, to] = [buffers[x], buffers[out]];
    const begin = first * (from.dtype === 'f16' ? 2 : 4);
    const mayBeView =
      begin % alignment === 0 &&
      // The smallest binding has more bytes than a number.
      begin + to.bytes <= from.bytes &&
      from.dtype === to.dtype &&
      [from, to].every(({ ref, kind }) => kind === 'temporary' && writes.get(ref) === 1);
    return mayBeView ? begin : NaN;
  };
  const copied = new Set(
    lowered.steps.filter((step) => Number.isNaN(beginningOf(step))).map(({ buffers: { x } }) => x),
  );
  const steps = lowered.steps.filter((step) => {
    const { x, out } = step.buffers;
    const offset = beginningOf(step);
    if (offset === undefined || copied.has(x)) return true;
    buffers[out] = { ...buffers[out], within: { ref: x, offset } };
    return false;
  });
  return { ...lowered, steps, buffers };
}

/** How many steps write a buffer. */
function writesOf(steps: readonly LoweredStep[]): Map<BufferRef, number> {
  const writes = new Map<BufferRef, number>();
  for (const { launch, buffers } of steps) {
    for (const { name, kind } of launch.kernel.bindings)
      if (kind === 'read_write') writes.set(buffers[name], (writes.get(buffers[name]) ?? 0) + 1);
  }
  return writes;
}

/** An update, such as a step of Adam, of a parameter that lies in a pool. */
interface Update {
  readonly index: number;
  readonly step: LoweredStep;
  readonly states: readonly Parameter[];
  /** Bytes to the next of its pool. */
  readonly bytes: number;
  /** The memory of what it is updated from, such as its gradient, and where that begins in it. */
  readonly gradient: { readonly root: BufferRef; readonly offset: number };
}

/** The names of what an op changes. */
const statesOf = ({ inputs, mutates }: OpDef): string[] => mutates.map((i) => inputs[i]);

/** The name of what it changes them by. */
const gradientOf = ({ inputs, mutates }: OpDef): string => inputs[mutates.length];

/** Updates of parameters that are neighbours become one. @param most bytes that can be bound */
export function groupUpdates(lowered: Lowered, alignment: number, most: number): Lowered {
  const buffers = [...lowered.buffers];
  const updates = lowered.steps.flatMap((step, index) => updateOf(buffers, step, index));
  const dropped = new Set<number>();
  const taken = new Set<BufferRef>();
  const joined = new Map<number, LoweredStep>();
  for (const run of runsOf(updates, most)) {
    for (const group of fitting(run, lowered.steps, buffers, alignment, taken)) {
      const [first] = group;
      const { op, inputs } = first.step.tensor;
      const last = group.reduce((a, b) => (b.index > a.index ? b : a));
      const bytes = group.reduce((n, update) => n + update.bytes, 0);
      const add = (buffer: Omit<VirtualBuffer, 'ref' | 'bytes' | 'dtype'>): BufferRef => {
        const ref = buffers.length as BufferRef;
        buffers.push({ ...buffer, ref, bytes, dtype: 'f32' });
        return ref;
      };
      const g = add({ kind: 'temporary' });
      let offset = 0;
      for (const { gradient, bytes: stride } of group) {
        if (gradient.root !== g)
          buffers[gradient.root] = { ...buffers[gradient.root], within: { ref: g, offset: offset - gradient.offset } };
        offset += stride;
      }
      const whole = Object.fromEntries(
        statesOf(op).map((name) => {
          const ref = first.step.buffers[name];
          return [name, add({ kind: 'parameter', tensor: buffers[ref].tensor, within: { ref, offset: 0 } })];
        }),
      );
      for (const { index } of group) dropped.add(index);
      joined.set(last.index, {
        ...last.step,
        launch: op.grouped!.launch(group.map(neighbourOf), inputs.length === op.inputs.length),
        buffers: { ...first.step.buffers, ...whole, [gradientOf(op)]: g },
      });
    }
  }
  const steps = lowered.steps.flatMap((step, i) => joined.get(i) ?? (dropped.has(i) ? [] : [step]));
  return { ...lowered, steps, buffers };
}

const neighbourOf = ({ bytes, step: { tensor } }: Update) => ({
  size: tensor.size,
  stride: bytes / 4,
  attrs: tensor.attrs,
});

function updateOf(buffers: readonly VirtualBuffer[], step: LoweredStep, index: number): Update[] {
  const { op } = step.tensor;
  if (!op.grouped) return [];
  const states = statesOf(op).map((name) => parameterOf(buffers[step.buffers[name]].tensor!)!);
  const gradient = placeWithin(buffers, step.buffers[gradientOf(op)]);
  const { kind, dtype } = buffers[gradient.root];
  return states.every(({ pool }) => pool) && kind === 'temporary' && dtype === 'f32'
    ? [{ index, step, states, bytes: states[0].bytes, gradient }]
    : [];
}

/** Updates by one op of neighbours in all its pools, by the same numbers, in the order in which they lie. */
function runsOf(updates: readonly Update[], most: number): Update[][] {
  const alike = ({ states, step: { tensor, buffers } }: Update) => {
    const { op, attrs } = tensor;
    const further = op.inputs.slice(op.mutates.length + 1).map((name) => buffers[name]);
    return {
      place: [op, ...states.map(({ pool }) => pool)],
      numbers: JSON.stringify([op.grouped!.shared?.(attrs) ?? attrs, further]),
    };
  };
  const groups: { key: ReturnType<typeof alike>; updates: Update[] }[] = [];
  for (const update of updates) {
    const key = alike(update);
    const group = groups.find(
      (g) => g.key.numbers === key.numbers && g.key.place.every((each, i) => each === key.place[i]),
    );
    if (group) group.updates.push(update);
    else groups.push({ key, updates: [update] });
  }
  const runs: Update[][] = [];
  for (const group of groups) {
    let bytes = 0;
    let before: Update | undefined;
    for (const update of group.updates.sort((a, b) => a.states[0].offset - b.states[0].offset)) {
      const follows =
        before !== undefined &&
        update.states.every(({ offset }, i) => offset === before!.states[i].offset + before!.bytes);
      const run = runs[runs.length - 1];
      const { most: count = Infinity } = update.step.tensor.op.grouped!;
      if (follows && bytes + update.bytes <= most && run.length < count) run.push(update);
      else {
        runs.push([update]);
        bytes = 0;
      }
      bytes += update.bytes;
      before = update;
    }
  }
  return runs;
}

/**
 * What of a run can be one launch: its gradients' memory can be laid out like the parameters, and no step writes one of
 * them while it binds another, which WebGPU forbids within one buffer.
 * @param taken memory that has its place, to which is added
 */
function fitting(
  run: readonly Update[],
  steps: readonly LoweredStep[],
  buffers: readonly VirtualBuffer[],
  alignment: number,
  taken: Set<BufferRef>,
): Update[][] {
  const clashes = new Set<BufferRef>();
  const roots = new Set(run.map(({ gradient }) => gradient.root));
  for (const { launch, buffers: bound } of steps) {
    const inRun = launch.kernel.bindings
      .flatMap(({ name, kind }) => (kind === 'uniform' ? [] : [{ kind, root: placeWithin(buffers, bound[name]).root }]))
      .filter(({ root }) => roots.has(root));
    if (new Set(inRun.map(({ root }) => root)).size > 1)
      for (const { kind, root } of inRun) if (kind === 'read_write') clashes.add(root);
  }

  const groups: Update[][] = [];
  let group: Update[] = [];
  /**
   * Where the memory of the last gradient begins and ends, from the beginning of the group; another may begin where it
   * ends.
   */
  let last: { root: BufferRef; begin: number; end: number } | undefined;
  let offset = 0;
  const close = () => {
    // Memory that reaches beyond the group holds what is no gradient of it.
    if (last && last.end > offset) group = group.filter(({ gradient }) => gradient.root !== last!.root);
    if (group.length > 1) groups.push(group);
    [group, last, offset] = [[], undefined, 0];
  };
  for (const update of run) {
    const { root, offset: inside } = update.gradient;
    const continues = last?.root === root && last.begin === offset - inside;
    // A gradient that two parameters share has one place only.
    const mayBegin = inside === 0 && !clashes.has(root) && !taken.has(root);
    if (!continues && (!mayBegin || (last && last.end > offset))) close();
    if (!continues && !mayBegin) continue;
    if (!continues)
      last = { root, begin: offset, end: offset + Math.ceil(buffers[root].bytes / alignment) * alignment };
    taken.add(root);
    group.push(update);
    offset += update.bytes;
  }
  close();
  return groups;
}
