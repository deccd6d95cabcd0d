import type { BufferRef } from '../op.ts';
import type { Lowered } from './lower.ts';

/** Which physical buffer each temporary gets, and how large those are. */
export interface MemoryPlan {
  readonly slotOf: ReadonlyMap<BufferRef, number>;
  readonly slotBytes: readonly number[];
  /** The most bytes of temporaries alive at one step: no plan for this order of steps can need less. */
  readonly lowerBound: number;
}

interface Tenant {
  readonly ref: BufferRef;
  readonly bytes: number;
  first: number;
  last: number;
}

/**
 * Gives temporaries whole buffers, a new tenant after the old one's last use, largest first (Pisarchyk & Lee 2020, "Efficient
 * memory management for deep neural net inference", greedy by size). Whole buffers, because WebGPU forbids reading and
 * writing one buffer in the same dispatch, even at ranges apart.
 */
export function planMemory({ steps, buffers }: Pick<Lowered, 'steps' | 'buffers'>): MemoryPlan {
  const tenants = new Map<BufferRef, Tenant>();
  steps.forEach((step, i) => {
    for (const ref of Object.values(step.buffers)) {
      const { kind, bytes } = buffers[ref];
      if (kind !== 'temporary') continue;
      const tenant = tenants.get(ref);
      if (tenant) tenant.last = i;
      else tenants.set(ref, { ref, bytes, first: i, last: i });
    }
  });

  const slots: { bytes: number; tenants: Tenant[] }[] = [];
  const slotOf = new Map<BufferRef, number>();
  const bySize = [...tenants.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const tenant of bySize) {
    const free = (slot: (typeof slots)[number]) => slot.tenants.every((other) => other.last < tenant.first || tenant.last < other.first);
    let index = -1;
    // The smallest slot that is free: earlier slots are larger, so the last free one fits tightest.
    for (let s = slots.length - 1; s >= 0 && index < 0; s--) if (free(slots[s])) index = s;
    if (index < 0) index = slots.push({ bytes: tenant.bytes, tenants: [] }) - 1;
    slots[index].tenants.push(tenant);
    slotOf.set(tenant.ref, index);
  }

  const change = new Float64Array(steps.length + 1);
  for (const { first, last, bytes } of tenants.values()) {
    change[first] += bytes;
    change[last + 1] -= bytes;
  }
  let alive = 0;
  let lowerBound = 0;
  for (const delta of change) lowerBound = Math.max(lowerBound, (alive += delta));
  return { slotOf, slotBytes: slots.map((s) => s.bytes), lowerBound };
}
