import { GUARDED, GUARDED_PIECES, guardParts, type GuardedPiece } from '../../kernels/guard/guard.ts';
import { guardOp, guardStep } from '../ops/guard.ts';
import type { BufferRef } from '../op.ts';
import { bytesOf, placeWithin, type Lowered, type LoweredStep, type VirtualBuffer } from './lower.ts';

/** Numbers that lie side by side in a buffer which has its own memory. */
interface Stretch {
  readonly root: BufferRef;
  readonly begin: number;
  readonly size: number;
}

/**
 * Gradients that were laid side by side (update_groups.ts) are looked through as what they are, pieces of few buffers:
 * a tree of guards, of seven tensors each, becomes a few launches.
 */
export function joinGuards(lowered: Lowered): Lowered {
  const buffers = [...lowered.buffers];
  const guards = new Map(
    lowered.steps.flatMap((step) => (step.tensor.op === guardOp ? [[step.buffers['out'], step] as const] : [])),
  );
  const inner = innerOf(lowered, guards);
  const steps = lowered.steps.flatMap((step) => {
    const { out } = step.buffers;
    if (guards.get(out) !== step) return [step];
    if (inner.has(out)) return [];
    const found = stretchesOf(step, guards, inner, buffers);
    return inner.size === 0 ? [step] : lookThrough(found, step, buffers);
  });
  return { ...lowered, steps, buffers };
}

/** The results of guards that only other guards read. */
function innerOf({ steps, buffers }: Lowered, guards: ReadonlyMap<BufferRef, LoweredStep>): Set<BufferRef> {
  const inner = new Set<BufferRef>();
  const others = new Set<BufferRef>();
  for (const { tensor, buffers: bound } of steps)
    for (const [name, ref] of Object.entries(bound))
      if (name !== 'out' || tensor.op !== guardOp) (tensor.op === guardOp ? inner : others).add(ref);
  return new Set([...inner].filter((ref) => guards.has(ref) && !others.has(ref) && buffers[ref].kind === 'temporary'));
}

/** What a guard and those before it look through, as far as possible in one piece. */
function stretchesOf(
  guard: LoweredStep,
  guards: ReadonlyMap<BufferRef, LoweredStep>,
  inner: ReadonlySet<BufferRef>,
  buffers: readonly VirtualBuffer[],
): Stretch[] {
  const leaves = (step: LoweredStep): Stretch[] =>
    step.tensor.inputs.flatMap(({ size }, k) => {
      const ref = step.buffers[GUARDED[k]];
      if (inner.has(ref)) return leaves(guards.get(ref)!);
      const { root, offset } = placeWithin(buffers, ref);
      return [{ root, begin: offset / 4, size }];
    });
  const joined: Stretch[] = [];
  for (const next of leaves(guard).sort((a, b) => a.root - b.root || a.begin - b.begin)) {
    const last = joined.at(-1);
    if (last?.root === next.root && last.begin + last.size === next.begin)
      joined[joined.length - 1] = { ...last, size: last.size + next.size };
    else joined.push(next);
  }
  return joined;
}

/** The steps that look through all of it, and then through what they found, until one number is left. */
function lookThrough(all: readonly Stretch[], { tensor, buffers: { out } }: LoweredStep, buffers: VirtualBuffer[]) {
  const steps: LoweredStep[] = [];
  for (let rest = all; ; ) {
    const launches = launchesOf(rest);
    const parts = launches.map((stretches) => guardParts(stretches.map(({ size }) => size)));
    const size = parts.reduce((a, b) => a + b);
    const ref = size === 1 ? out : (buffers.length as BufferRef);
    if (size > 1) buffers.push({ ref, bytes: bytesOf(size, 'f32'), dtype: 'f32', kind: 'temporary' });
    let first = 0;
    launches.forEach((stretches, i) => {
      const roots = [...new Set(stretches.map(({ root }) => root))];
      const pieces = stretches.map(({ root, ...each }): GuardedPiece => ({ ...each, buffer: roots.indexOf(root) }));
      steps.push({ ...guardStep(pieces, roots, ref, first), tensor });
      first += parts[i];
    });
    if (size === 1) return steps;
    rest = [{ root: ref, begin: 0, size }];
  }
}

/** As many as a launch takes, one launch after the other. */
function launchesOf(stretches: readonly Stretch[]): Stretch[][] {
  const launches: Stretch[][] = [];
  for (const stretch of stretches) {
    const last = launches.at(-1);
    const roots = new Set([...(last ?? []), stretch].map(({ root }) => root));
    if (last && last.length < GUARDED_PIECES && roots.size <= GUARDED.length) last.push(stretch);
    else launches.push([stretch]);
  }
  return launches;
}
