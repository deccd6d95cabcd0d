import type { BufferRef } from '../op.ts';
import { placeWithin, type Lowered, type LoweredStep } from './lower.ts';

/**
 * What is little beside its launch is made by the launch whose result it reads, where a kernel does both: if all else
 * that it reads is there by then.
 */
export function joinFollowers(lowered: Lowered, software: boolean): Lowered {
  const { buffers } = lowered;
  const steps: LoweredStep[] = [];
  /** Where the last step stands that writes to a memory. */
  const written = new Map<BufferRef, number>();
  const writerOf = (ref: BufferRef): number => written.get(placeWithin(buffers, ref).root) ?? -1;
  const mark = ({ launch, buffers: bound }: LoweredStep, at: number): void => {
    for (const { name, kind } of launch.kernel.bindings)
      if (kind === 'read_write') written.set(placeWithin(buffers, bound[name]).root, at);
  };
  /** Whether one begins where the other does, in one memory. */
  const begins = (...refs: readonly BufferRef[]): boolean => {
    const [a, b] = refs.map((ref) => placeWithin(buffers, ref));
    return a.root === b.root && a.offset === b.offset;
  };
  /** Puts both in the place of the one that wrote what the later reads, if they can be one. */
  const isTaken = (later: LoweredStep, ref: BufferRef): boolean => {
    const at = writerOf(ref);
    const first = steps[at];
    const isThere = later.launch.kernel.bindings.every(
      ({ name, kind }) => kind !== 'read' || later.buffers[name] === ref || writerOf(later.buffers[name]) < at,
    );
    for (const { reads, both, bind, hardware } of first?.launch.pairs ?? []) {
      if (!isThere || later.buffers[reads] !== ref || !begins(ref, first.buffers['out'])) continue;
      const launch = hardware && software ? undefined : both(first.launch, later.launch);
      if (!launch) continue;
      steps[at] = { tensor: first.tensor, launch, buffers: bind(first.buffers, later.buffers) };
      mark(steps[at], at);
      return true;
    }
    return false;
  };
  for (const step of lowered.steps) {
    const read = step.launch.kernel.bindings
      .filter(({ kind }) => kind === 'read')
      .map(({ name }) => step.buffers[name]);
    if (read.some((ref) => isTaken(step, ref))) continue;
    mark(step, steps.length);
    steps.push(step);
  }
  return { ...lowered, steps };
}
