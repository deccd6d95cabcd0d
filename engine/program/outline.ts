import type { Device } from '../device/device.ts';
import { mebibytes } from '../device/mebibytes.ts';
import { parameterOf } from '../device/parameter.ts';
import { checkOneOf, checkOptions, show, type Known } from '../check.ts';
import { checkTensors, type Tensor } from '../tensor.ts';
import type { Tuning } from '../tuning.ts';
import { UserError } from '../user_error.ts';
import { joinFollowers } from './followers.ts';
import { buildGraph, type Graph } from './graph.ts';
import { joinGuards } from './guards.ts';
import { joinLate } from './joins.ts';
import { lower, type Lowered } from './lower.ts';
import { planMemory, type MemoryPlan } from './plan.ts';
import { requirePrecision, storeAsHalf, type Precision } from './precision.ts';
import { MEMORY_LEVELS, type Recompute } from './recompute.ts';
import { groupUpdates, viewCopies } from './update_groups.ts';

/** What a program computes and changes, and how. */
export interface ProgramSpec {
  /** Tensors whose values can be read after a run. */
  readonly outputs?: readonly Tensor[];
  /** Tensors of ops that change parameters (`adam`, `assign`): the one place where state changes. */
  readonly updates?: readonly Tensor[];
  /** `all` keeps every intermediate readable and turns fusion and buffer reuse off: for learning and debugging. */
  readonly keep?: 'outputs' | 'all';
  /** What is computed a second time rather than held until the gradients need it; `none` when absent. */
  readonly recompute?: Recompute;
  /** How activations and their cotangents are stored; f32 when absent. */
  readonly precision?: Precision;
  /** Which kernels are taken where there are several; the device's when absent. */
  readonly tuning?: Tuning;
  /** Told what the program will hold, before any of it is allocated. */
  readonly onMemory?: (need: MemoryNeed) => void;
}

const SPEC: Known<ProgramSpec> = {
  outputs: true,
  updates: true,
  keep: true,
  recompute: true,
  precision: true,
  tuning: true,
  onMemory: true,
};

/** Throws a UserError where the spec says what a program cannot be told. */
function checkSpec(spec: ProgramSpec): void {
  checkOptions('compile', spec, SPEC);
  for (const name of ['outputs', 'updates'] as const) {
    const tensors = spec[name] ?? [];
    if (!Array.isArray(tensors))
      throw new UserError(`compile: ${name} must be a list of tensors, not ${show(tensors)}`);
    checkTensors('compile', Object.fromEntries(tensors.map((t, i) => [`number ${i} of ${name}`, t])));
  }
  if ((spec.outputs ?? []).length + (spec.updates ?? []).length === 0)
    throw new UserError('compile: there is nothing to compute; give outputs, or updates');
  checkOneOf('compile', 'keep', spec.keep, ['outputs', 'all']);
  checkOneOf('compile', 'recompute', spec.recompute, Object.values(MEMORY_LEVELS));
  checkOneOf('compile', 'precision', spec.precision, ['f32', 'f16']);
}

/** Bytes of buffers on the adapter. */
export interface MemoryNeed {
  /** Buffers that intermediates take turns in. */
  readonly temporaries: number;
  /** Inputs, outputs, constants and uniforms, which have memory of their own. */
  readonly own: number;
  /** Parameters and moments that the program reads or changes; other programs may share them. */
  readonly parameters: number;
  readonly total: number;
}

/** What a program runs and holds, known before any memory is taken and any kernel is compiled. */
export interface Outline {
  readonly graph: Graph;
  readonly lowered: Lowered;
  readonly plan: MemoryPlan;
  /** By name. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** Bytes of each step's uniform within the one buffer for all, aligned. */
  readonly uniformStrides: readonly number[];
  readonly need: MemoryNeed;
}

/**
 * Lowers a graph and plans its memory. Throws a UserError where the spec is at fault; `requireFit` tells whether the
 * adapter can hold it.
 */
export function outline(device: Device, spec: ProgramSpec): Outline {
  checkSpec(spec);
  const outputs = spec.outputs ?? [];
  const roots = [...outputs, ...(spec.updates ?? [])];
  for (const t of spec.updates ?? [])
    if (t.op.mutates.length === 0) throw new UserError(`compile: ${t} is no update: it changes no parameter`);
  const keepAll = spec.keep === 'all';
  const precision = spec.precision ?? 'f32';
  requirePrecision(device, precision);
  const capabilities =
    precision === 'f16' ? device.capabilities : { ...device.capabilities, subgroupMatrix: undefined };
  const graph = buildGraph(roots, keepAll ? 'nothing' : (spec.recompute ?? 'none'), capabilities);
  const whole = lower(
    graph,
    new Set(outputs.map(graph.resolve)),
    keepAll,
    capabilities,
    spec.tuning ?? device.tuning.on(device.identity),
  );
  // What is read must have a place, also where no step touches it: a view of a parameter.
  for (const t of keepAll ? graph.order : outputs.map(graph.resolve)) whole.bufferOf(t);

  const inputs = new Map<string, Tensor>();
  for (const t of graph.order) {
    if (t.op.leaf !== 'input') continue;
    const other = inputs.get(t.name!);
    if (other && other !== t)
      throw new UserError(`compile: two inputs are named ${t.name}; give one of them another name`);
    inputs.set(t.name!, t);
    whole.bufferOf(t);
  }
  const stored =
    precision === 'f16'
      ? storeAsHalf(whole, graph.order, new Set(outputs.map((t) => whole.bufferOf(graph.resolve(t)))))
      : whole;
  const alignment = device.gpu.limits.minStorageBufferOffsetAlignment;
  const { maxStorageBinding, software } = capabilities;
  const joined = joinFollowers(viewCopies(stored, alignment), software);
  const grouped = joinGuards(groupUpdates(joined, alignment, maxStorageBinding));
  // What a CPU sums is in its cache still.
  const lowered = software ? grouped : joinLate(grouped);
  const plan = planMemory(lowered, alignment);
  const align = device.gpu.limits.minUniformBufferOffsetAlignment;
  const uniformStrides = lowered.steps.map(({ launch }) => Math.ceil(launch.kernel.paramsSize / align) * align);
  return { graph, lowered, plan, inputs, uniformStrides, need: needOf(lowered, plan, uniformStrides) };
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

function needOf({ buffers }: Lowered, plan: MemoryPlan, uniformStrides: readonly number[]): MemoryNeed {
  const of = (...kinds: string[]) =>
    sum(buffers.filter(({ kind, within }) => !within && kinds.includes(kind)).map(({ bytes }) => bytes));
  const temporaries = sum(plan.slotBytes);
  const own = of('kept', 'input', 'constant') + Math.max(16, sum(uniformStrides));
  const parameters = of('parameter');
  return { temporaries, own, parameters, total: temporaries + own + parameters };
}

/** Throws a UserError that says what is too large for the adapter, before anything is allocated. */
export function requireFit(device: Device, { lowered, need }: Pick<Outline, 'lowered' | 'need'>): void {
  const { maxStorageBinding } = device.capabilities;
  const tooLarge = lowered.buffers.filter(({ bytes }) => bytes > maxStorageBinding).sort((a, b) => b.bytes - a.bytes);
  if (tooLarge.length > 0) {
    const [{ bytes, tensor }] = tooLarge;
    const others = tooLarge.length > 1 ? `, and ${tooLarge.length - 1} more` : '';
    throw new UserError(
      `the program does not fit: ${tensor ?? 'scratch memory'} needs ${mebibytes(bytes)}${others}, and ${device.adapter.description} binds at most ${mebibytes(maxStorageBinding)} at once; use a smaller batch, image or network`,
    );
  }
  // Parameters that have their memory already are counted among what is allocated.
  const fresh = sum(
    lowered.buffers
      .filter(({ kind, tensor, within }) => !within && kind === 'parameter' && !parameterOf(tensor!)!.allocated)
      .map(({ bytes }) => bytes),
  );
  const wanted = device.memory.bytes + need.temporaries + need.own + fresh;
  if (wanted > device.memoryLimit) {
    throw new UserError(
      `the program does not fit: with it ${mebibytes(wanted)} would be allocated, and there are ${mebibytes(device.memoryLimit)}; use a smaller batch, image or network, or recompute more (--memory low, --memory lowest)`,
    );
  }
}
