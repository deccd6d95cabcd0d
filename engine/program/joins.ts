import { storedAsHalf, type Joint } from '../../kernels/kernel.ts';
import type { BufferRef } from '../op.ts';
import { placeWithin, type Lowered, type LoweredStep, type VirtualBuffer } from './lower.ts';

/** A step that may wait. */
interface Late {
  readonly index: number;
  readonly step: LoweredStep;
  readonly joint: Joint;
  /** The memory of its result, and where in it that begins, in bytes. */
  readonly root: BufferRef;
  readonly begin: number;
  readonly bytes: number;
}

/**
 * Sums, and small products, whose results lie in one memory, such as gradients that an optimizer changes together
 * (update_groups.ts), wait for one another: seven or three are made by one launch, at the place of the last of them.
 * What they are made of waits with them, so the more are joined, the more memory is taken.
 */
export function joinLate(lowered: Lowered): Lowered {
  const spans = spansOf(lowered);
  const buffers = [...lowered.buffers];
  const open = new Map<string, Late[]>();
  const joined = new Map<number, LoweredStep>();
  const dropped = new Set<number>();
  const close = (late: readonly Late[]) => {
    if (late.length < 2) return;
    for (const { index } of late) dropped.add(index);
    joined.set(late[late.length - 1].index, together(late, buffers));
  };
  lowered.steps.forEach((step, index) => {
    const own = lateOf(step, index, lowered, spans);
    if (!own) return;
    const key = `${own.root} ${own.joint.key}`;
    const waiting = open.get(key) ?? [];
    const isWanted = waiting.some(({ root, step: { buffers } }) =>
      [buffers['out'], root].some((ref) => spans.firstRead.get(ref)! <= index),
    );
    if (isWanted || waiting.length === own.joint.most) close(waiting.splice(0));
    waiting.push(own);
    open.set(key, waiting);
  });
  for (const late of open.values()) close(late);
  const steps = lowered.steps.flatMap((step, i) => joined.get(i) ?? (dropped.has(i) ? [] : [step]));
  return { ...lowered, steps, buffers };
}

interface Spans {
  /** The first step that reads a buffer, or a part of it; of one that has its own memory, that reads it as a whole. */
  readonly firstRead: ReadonlyMap<BufferRef, number>;
  /** The last step that writes to this memory. */
  readonly lastWritten: ReadonlyMap<BufferRef, number>;
}

function spansOf({ steps, buffers }: Lowered): Spans {
  const firstRead = new Map<BufferRef, number>();
  const lastWritten = new Map<BufferRef, number>();
  steps.forEach(({ launch, buffers: bound }, index) => {
    for (const { name, kind } of launch.kernel.bindings) {
      if (kind === 'uniform') continue;
      if (kind === 'read_write') {
        lastWritten.set(placeWithin(buffers, bound[name]).root, index);
        continue;
      }
      for (let ref: BufferRef | undefined = bound[name]; ref !== undefined; ref = buffers[ref].within?.ref)
        if (ref === bound[name] || buffers[ref].within) firstRead.set(ref, firstRead.get(ref) ?? index);
    }
  });
  return { firstRead, lastWritten };
}

/** The step, if it can be made together with others and what it reads is still there later. */
function lateOf(step: LoweredStep, index: number, { buffers }: Lowered, { lastWritten }: Spans): Late | undefined {
  const joint = step.launch.joint?.(step.launch);
  if (!joint) return undefined;
  const { out } = step.buffers;
  const { root, offset } = placeWithin(buffers, out);
  const { kind: memory, dtype, bytes, within } = buffers[out];
  const isPart = memory === 'temporary' && dtype === 'f32' && within?.ref === root && offset % (4 * joint.width) === 0;
  const stays = joint.inputs.every((name) => {
    const from = placeWithin(buffers, step.buffers[name]).root;
    return from !== root && (lastWritten.get(from) ?? -1) < index;
  });
  return isPart && stays ? { index, step, joint, root, begin: offset, bytes } : undefined;
}

/** One step for all of them. @param buffers to which is added the stretch that holds their results */
function together(late: readonly Late[], buffers: VirtualBuffer[]): LoweredStep {
  const [{ root, joint }] = late;
  const offset = Math.min(...late.map(({ begin }) => begin));
  const bytes = Math.max(...late.map(({ begin, bytes }) => begin + bytes)) - offset;
  const out = buffers.length as BufferRef;
  buffers.push({ ref: out, bytes, dtype: 'f32', kind: 'temporary', within: { ref: root, offset } });
  const launch = joint.together(
    late.map(({ step }) => step.launch),
    late.map(({ begin }) => (begin - offset) / 4),
  );
  // What is not there is not read; the first of its kind stands in its place.
  const bound = Object.fromEntries(
    joint.inputs.flatMap((name) =>
      Array.from({ length: joint.most }, (_, k) => [`${name}${k}`, (late[k] ?? late[0]).step.buffers[name]] as const),
    ),
  );
  const halves = launch.kernel.bindings.filter(({ name }) => name in bound && buffers[bound[name]].dtype === 'f16');
  return {
    tensor: late[late.length - 1].step.tensor,
    launch: storedAsHalf(launch, halves),
    buffers: { ...bound, out },
  };
}
