import type { BufferRef } from '../op.ts';
import { placeWithin, type Lowered } from './lower.ts';

/** Where a temporary lies: in which of the shared buffers, and from which byte on. */
export interface Place {
  readonly slot: number;
  readonly offset: number;
}

/** Where each temporary lies, and how large the buffers are that they share. */
export interface MemoryPlan {
  readonly placeOf: ReadonlyMap<BufferRef, Place>;
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

interface Slot {
  bytes: number;
  readonly tenants: (Tenant & { readonly offset: number })[];
}

/**
 * Lays temporaries into shared buffers, largest first, where the least is left unused around them (Pisarchyk & Lee
 * 2020, "Efficient memory management for deep neural net inference", greedy by size, of its shared objects and its
 * offsets both). Two that live at once may share a buffer side by side, but not if a step binds both and writes one:
 * WebGPU forbids reading and writing one buffer in one dispatch, even at ranges apart.
 *
 * @param align bytes that a binding's offset is a multiple of
 */
export function planMemory({ steps, buffers }: Pick<Lowered, 'steps' | 'buffers'>, align = 256): MemoryPlan {
  const tenants = new Map<BufferRef, Tenant>();
  const apart = new Set<number>();
  const pair = (a: BufferRef, b: BufferRef) => Math.min(a, b) * buffers.length + Math.max(a, b);
  steps.forEach(({ launch, buffers: bound }, i) => {
    const refs = Object.values(bound).map((ref) => placeWithin(buffers, ref).root);
    for (const ref of refs) {
      const { kind, bytes } = buffers[ref];
      if (kind !== 'temporary') continue;
      const tenant = tenants.get(ref);
      if (tenant) tenant.last = i;
      else tenants.set(ref, { ref, bytes, first: i, last: i });
    }
    for (const { name, kind } of launch.kernel.bindings) {
      if (kind === 'read_write') for (const ref of refs) apart.add(pair(placeWithin(buffers, bound[name]).root, ref));
    }
  });

  const slots: Slot[] = [];
  const placeOf = new Map<BufferRef, Place>();
  const bySize = [...tenants.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const tenant of bySize) {
    const place = tightest(tenant, slots, (other) => apart.has(pair(tenant.ref, other.ref)), align) ?? {
      slot: slots.push({ bytes: tenant.bytes, tenants: [] }) - 1,
      offset: 0,
    };
    slots[place.slot].tenants.push({ ...tenant, offset: place.offset });
    placeOf.set(tenant.ref, place);
  }

  for (const { ref, kind, within } of buffers) {
    if (!within || kind !== 'temporary') continue;
    const { root, offset } = placeWithin(buffers, ref);
    const place = placeOf.get(root);
    if (place) placeOf.set(ref, { slot: place.slot, offset: place.offset + offset });
  }

  const change = new Float64Array(steps.length + 1);
  for (const { first, last, bytes } of tenants.values()) {
    change[first] += bytes;
    change[last + 1] -= bytes;
  }
  let alive = 0;
  let lowerBound = 0;
  for (const delta of change) lowerBound = Math.max(lowerBound, (alive += delta));
  return { placeOf, slotBytes: slots.map((s) => s.bytes), lowerBound };
}

/** The smallest gap that holds the tenant among those who live when it does; undefined where no slot has one. */
function tightest(
  tenant: Tenant,
  slots: readonly Slot[],
  apart: (other: Tenant) => boolean,
  align: number,
): Place | undefined {
  let best: (Place & { gap: number }) | undefined;
  slots.forEach(({ bytes, tenants }, slot) => {
    const present = tenants
      .filter((other) => other.first <= tenant.last && tenant.first <= other.last)
      .sort((a, b) => a.offset - b.offset);
    if (present.some(apart)) return;
    let offset = 0;
    for (const { offset: end, bytes: length } of [...present, { offset: bytes, bytes: 0 }]) {
      const gap = end - offset;
      if (gap >= tenant.bytes && (!best || gap < best.gap)) best = { slot, offset, gap };
      offset = Math.max(offset, Math.ceil((end + length) / align) * align);
    }
  });
  return best;
}
