import { bindingUses, threadsOf } from '../engine/program/binding_use.ts';
import { placeWithin, type Lowered, type LoweredStep, type VirtualBuffer } from '../engine/program/lower.ts';
import type { BufferRef } from '../engine/op.ts';
import type { Tensor } from '../engine/tensor.ts';
import { flopsOf } from './cost.ts';

/** Bytes that go between a GPU's memory and its processors. */
export interface Traffic {
  readonly read: number;
  readonly written: number;
}

/** What one step of a program does. */
export interface StepCost extends Traffic {
  /** Threads of a workgroup. */
  readonly threads: number;
  /** Floating point operations of products, as `flopsOf` counts them; of Winograd's, those that are made. */
  readonly flops: number;
  /** Bytes of all buffers that are bound, each once. */
  readonly bound: number;
}

/** The kernels that make what `flopsOf` counts. */
const HEAVY = /^(matmul|conv2d|depthwise_conv2d)/;

type Program = Pick<Lowered, 'steps' | 'buffers'>;

/** Floating point operations of each step. A tensor's are shared among its steps as their threads are. */
function flopsOfSteps({ steps }: Program, threads: readonly number[]): number[] {
  const work = steps.map(({ launch: { kernel, workgroups } }, i) =>
    HEAVY.test(kernel.name) ? threads[i] * workgroups[0] * workgroups[1] * workgroups[2] : 0,
  );
  const inAll = new Map<Tensor, number>();
  for (const [i, { tensor }] of steps.entries()) inAll.set(tensor, (inAll.get(tensor) ?? 0) + work[i]);
  return steps.map(({ launch: { params }, tensor }, i) => {
    if (work[i] === 0) return 0;
    // Products are told by their sizes: Winograd's are fewer than those that a convolution counts.
    const product = 2 * params['rows'] * params['cols'] * params['depth'];
    return flopsOf(tensor) > 0 && product > 0 ? product : (flopsOf(tensor) * work[i]) / inAll.get(tensor)!;
  });
}

/**
 * The share of a buffer that a step uses: all, but for Winograd's transforms, which take a stretch of the tiles of a
 * batch at a time.
 */
function shareOf({ launch: { params }, tensor }: LoweredStep, buffer: VirtualBuffer): number {
  const { tilesH, tilesW, count } = params;
  if (tilesH === undefined || buffer.tensor === undefined) return 1;
  const images = (tensor.op.name === 'conv2d_filter_grad' ? tensor.inputs[0] : tensor).shape[0];
  return count / (images * tilesH * tilesW);
}

/** What each step of a program costs. A buffer that a step reads twice comes from memory once. */
export function stepCosts(program: Program): StepCost[] {
  const { steps, buffers } = program;
  const threads = steps.map(({ launch }) => threadsOf(launch));
  const flops = flopsOfSteps(program, threads);
  return steps.map((step, i) => {
    const uses = bindingUses(step.launch);
    const bytes = (which: (name: string) => boolean): number => {
      const refs = new Set([...uses.keys()].filter(which).map((name) => step.buffers[name]));
      return [...refs].reduce((sum, ref) => sum + buffers[ref].bytes * shareOf(step, buffers[ref]), 0);
    };
    return {
      threads: threads[i],
      flops: flops[i],
      bound: bytes(() => true),
      read: bytes((name) => uses.get(name)!.reads),
      written: bytes((name) => uses.get(name)!.writes),
    };
  });
}

/**
 * The least that any schedule of these ops moves, where each tensor that must exist is written once and read once. Must
 * exist: what convolutions and products make, forward and backward, since a whole batch is between it and its last
 * reader; inputs and parameters, which are read; what the program changes or gives out, which is written. All else
 * (normalised values, activations, their cotangents) can be made again where it is read.
 */
export function leastTraffic({ steps, buffers, bufferOf }: Lowered): Traffic {
  const read = new Set<BufferRef>();
  const written = new Set<BufferRef>();
  for (const step of steps) {
    for (const [name, use] of bindingUses(step.launch)) {
      const ref = step.buffers[name];
      const { kind } = buffers[ref];
      if (use.reads && (kind === 'parameter' || kind === 'input' || kind === 'constant')) read.add(ref);
      if (use.writes && (kind === 'parameter' || kind === 'kept')) written.add(ref);
    }
    if (flopsOf(step.tensor) === 0) continue;
    const made = bufferOf(step.tensor);
    written.add(made);
    if (buffers[made].kind === 'temporary') read.add(made);
  }
  return { read: bytesOf(buffers, read), written: bytesOf(buffers, written) };
}

/** Of memory that several of them lie in, once. */
function bytesOf(buffers: readonly VirtualBuffer[], refs: ReadonlySet<BufferRef>): number {
  const largest = new Map<string, number>();
  for (const ref of refs) {
    const { root, offset } = placeWithin(buffers, ref);
    const key = `${root} ${offset}`;
    largest.set(key, Math.max(largest.get(key) ?? 0, buffers[ref].bytes));
  }
  return [...largest.values()].reduce((a, b) => a + b, 0);
}
