import { Tensor } from '../tensor.ts';
import { withInputs } from './rewrite.ts';

/**
 * What is computed a second time, when the gradients need it, rather than held from the forward pass on: nothing; what
 * an op makes in one pass over memory from tensors that are held anyway (an activation from what batch norm read, say);
 * or all but the ends of blocks, between which the forward pass runs again (Chen et al. 2016, "Training deep nets with
 * sublinear memory cost").
 */
export type Recompute = 'none' | 'cheap' | 'blocks';

/** The levels as a user asks for them: by what is wanted, memory, and not by what is done. */
export const MEMORY_LEVELS = { full: 'none', low: 'cheap', lowest: 'blocks' } as const satisfies Record<
  string,
  Recompute
>;
export type MemoryLevel = keyof typeof MEMORY_LEVELS;

/** Tensors of fewer numbers are always held: statistics, gates, what belongs to a sample and not to its pixels. */
const SMALL = 16_384;

/** A reshaped tensor is the memory of the one it was made from. */
const source = (t: Tensor): Tensor => (t.op.view ? source(t.inputs[0]) : t);

/**
 * Rewrites a graph to hold less at once. Its early part ends where most is alive: in a training step that is the
 * forward pass. What is made there and not held is made again just before its first late reader, by the same op from
 * the same numbers, so that every result keeps its bits.
 */
export function recompute(
  order: readonly Tensor[],
  roots: ReadonlySet<Tensor>,
  level: Recompute,
  became: Map<Tensor, Tensor>,
): readonly Tensor[] {
  if (level === 'none') return order;
  const timeline = new Timeline(order, roots);
  return timeline.remake(level === 'cheap' ? holdAllButCheap(timeline) : holdEndsOfBlocks(timeline), became);
}

/** Who reads what, when, and where most is alive. Times are positions in the order. */
class Timeline {
  /** The tensors of the early part. */
  readonly early: readonly Tensor[];
  /** Those of size that late tensors read: what a program holds that computes nothing again. */
  readonly crossing: readonly Tensor[];
  private readonly at: ReadonlyMap<Tensor, number>;
  private readonly readers = new Map<Tensor, number[]>();

  constructor(
    private readonly order: readonly Tensor[],
    private readonly roots: ReadonlySet<Tensor>,
  ) {
    this.at = new Map(order.map((t, i) => [t, i]));
    order.forEach((t, i) => {
      for (const input of t.inputs)
        if (!t.op.view) this.readers.set(source(input), [...(this.readers.get(source(input)) ?? []), i]);
    });
    this.early = order.slice(0, this.peak(order).at + 1);
    this.crossing = this.early.filter(
      (t) => !t.op.view && !this.stays(t) && (this.readers.get(t)?.at(-1) ?? 0) >= this.early.length,
    );
  }

  /** Has memory for the program's life, or is too small to gain anything by. */
  stays(t: Tensor): boolean {
    return t.inputs.length === 0 || t.op.mutates.length > 0 || t.size < SMALL || this.roots.has(t);
  }

  /** The most numbers that are alive at once in an order, and where: each tensor from its making to its last reader. */
  peak(order: readonly Tensor[]): { at: number; size: number } {
    const last = new Map<Tensor, number>();
    order.forEach((t, i) => {
      for (const input of t.inputs) last.set(source(input), i);
    });
    const change = new Float64Array(order.length + 1);
    order.forEach((t, i) => {
      if (t.op.view || this.stays(t)) return;
      change[i] += t.size;
      change[(last.get(t) ?? i) + 1] -= t.size;
    });
    let [alive, at, size] = [0, 0, 0];
    for (let i = 0; i < order.length; i++) {
      alive += change[i];
      if (alive > size) [at, size] = [i, alive];
    }
    return { at, size };
  }

  /**
   * Whether nothing else of size is alive, for the early part's own readers, when this early tensor has been made: all
   * flows through it.
   */
  isNarrow(t: Tensor): boolean {
    const now = this.at.get(t)!;
    const isRead = (other: Tensor) => this.readers.get(other)?.some((i) => i > now && i < this.early.length);
    return (
      !t.op.view &&
      !this.stays(t) &&
      this.early.slice(0, now).every((other) => other.op.view || this.stays(other) || !isRead(other))
    );
  }

  /** The order in which early tensors that are neither `held` nor stay are made again for their late readers. */
  remake(held: ReadonlySet<Tensor>, became: Map<Tensor, Tensor>): Tensor[] {
    const order: Tensor[] = [...this.early];
    const now = new Map<Tensor, Tensor>();
    const isEarly = new Set(this.early);
    const forLate = (t: Tensor): Tensor => {
      const known = now.get(t);
      if (known) return known;
      if (!isEarly.has(t) || (!t.op.view && (held.has(t) || this.stays(t)))) return t;
      const inputs = t.inputs.map(forLate);
      // A view of what is still there is there too.
      if (t.op.view && inputs[0] === t.inputs[0]) return t;
      const again = new Tensor(t.op, inputs, t.attrs, t.shape, t.dtype).named(
        ...t.names.map((name) => `${name} again`),
      );
      order.push(again);
      now.set(t, again);
      return again;
    };
    for (const t of this.order.slice(this.early.length)) {
      const next = withInputs(t, t.inputs.map(forLate));
      order.push(next);
      if (next === t) continue;
      now.set(t, next);
      became.set(t, next);
    }
    return order;
  }
}

/**
 * What is held when the results of cheap ops are not, as far as they are made from what is held anyway or from less.
 */
function holdAllButCheap(timeline: Timeline): ReadonlySet<Tensor> {
  const held = new Set(timeline.crossing);
  const dropped = new Set<Tensor>();
  for (const t of timeline.crossing) {
    if (!t.op.cheap) continue;
    const wanted = t.inputs
      .map(source)
      .filter((input) => !timeline.stays(input) && !held.has(input) && !dropped.has(input));
    if (wanted.reduce((n, input) => n + input.size, 0) >= t.size) continue;
    for (const input of wanted) held.add(input);
    held.delete(t);
    dropped.add(t);
  }
  return held;
}

/** What is held when blocks are computed again: their ends, chosen so that the least is alive at once. */
function holdEndsOfBlocks(timeline: Timeline): ReadonlySet<Tensor> {
  const narrow = new Set(timeline.early.filter((t) => timeline.isNarrow(t)));
  const crossing = new Set(timeline.crossing);
  let best: ReadonlySet<Tensor> = crossing;
  let least = timeline.peak(timeline.remake(best, new Map())).size;
  // A block ends as soon as it would hold more than a limit: tried from two blocks down to the finest.
  const total = timeline.crossing.reduce((n, t) => n + t.size, 0);
  for (let limit = total / 2; limit > total / 100; limit /= 1.25) {
    const held = endsOfBlocks(timeline.early, narrow, crossing, limit);
    const { size } = timeline.peak(timeline.remake(held, new Map()));
    if (size < least) [best, least] = [held, size];
  }
  return best;
}

function endsOfBlocks(
  early: readonly Tensor[],
  narrow: ReadonlySet<Tensor>,
  crossing: ReadonlySet<Tensor>,
  limit: number,
): ReadonlySet<Tensor> {
  const ends = new Set<Tensor>();
  let block: Tensor[] = [];
  let size = 0;
  for (const t of early) {
    if (crossing.has(t)) {
      block.push(t);
      size += t.size;
    }
    if (narrow.has(t) && size > limit) {
      ends.add(t);
      [block, size] = [[], 0];
    }
  }
  // The last block is not dropped: its gradients follow at once.
  return new Set([...ends, ...block]);
}
