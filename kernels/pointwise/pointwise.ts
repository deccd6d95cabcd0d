import { ceilDiv, distinct, foldWorkgroups, type Choices, type Launch } from '../kernel.ts';
import fillKernel from './fill.wgsl';
import pointwiseKernel from './pointwise.wgsl';

/**
 * The numbers of the functions in ops.wgsl, functions.wgsl and special.wgsl. `v` flows through a chain, `s` is the
 * stage's second operand.
 */
export const POINTWISE = {
  add: 1,
  sub: 2,
  rsub: 3,
  mul: 4,
  div: 5,
  rdiv: 6,
  max: 7,
  min: 8,
  exp: 9,
  log: 10,
  sqrt: 11,
  square: 12,
  abs: 13,
  sigmoid: 14,
  tanh: 15,
  relu: 16,
  silu: 17,
  relu_grad: 18,
  silu_grad: 19,
  sigmoid_grad: 20,
  tanh_grad: 21,
  abs_grad: 22,
  greater: 23,
  greater_equal: 24,
  takes_max: 25,
  takes_min: 26,
  less: 27,
  less_equal: 28,
  equal: 29,
  floor: 30,
  ceil: 31,
  round: 32,
  sign: 33,
  expm1: 34,
  log1p: 35,
  erf: 36,
  pow: 37,
  gelu: 38,
  gelu_grad: 39,
  hard_swish: 40,
  hard_swish_grad: 41,
  softplus: 42,
  unless: 43,
} as const;

export type PointwiseName = keyof typeof POINTWISE;

/** The functions of special.wgsl. */
const SPECIAL: ReadonlySet<PointwiseName> = new Set<PointwiseName>([
  'expm1',
  'log1p',
  'erf',
  'pow',
  'gelu',
  'gelu_grad',
  'softplus',
]);

/**
 * How a stage reads its second operand: not at all (an immediate number), or from a tensor of this shape. `channel`
 * takes the first row of a [2, C] as well, `secondRow` the other.
 */
export const OPERAND_MODE = {
  immediate: 0,
  full: 1,
  channel: 2,
  sampleChannel: 3,
  sample: 4,
  scalar: 5,
  secondRow: 6,
} as const;
export type OperandMode = keyof typeof OPERAND_MODE;

export interface PointwiseStage {
  readonly op: PointwiseName;
  readonly mode: OperandMode;
  readonly immediate?: number;
}

export const MAX_STAGES = 4;

const WORKGROUP = 64;
/** Values of a thread, as long as there are so many threads; what it brought is in bench/README.md. */
const MOST_VALUES = 16;
const THREADS = { software: 2048, hardware: 65_536 };

/** A Value of four channels must not straddle two operands' values. */
const widthOf = (stages: readonly PointwiseStage[], size: number, channels: number): number =>
  channels % 4 === 0 && stages.every((s) => s.mode !== 'sample' && s.mode !== 'scalar') && size % 4 === 0 ? 4 : 1;

/** Values of a thread, for a chain over a tensor of `size` elements, `channels` in its last dimension. */
export function pointwiseChoices(
  stages: readonly PointwiseStage[],
  size: number,
  channels: number,
  software: boolean,
): Choices<{ readonly chunk: number }> {
  const values = size / widthOf(stages, size, channels);
  const usual = Math.max(
    1,
    Math.min(MOST_VALUES, Math.floor(values / (software ? THREADS.software : THREADS.hardware))),
  );
  // Of at least four workgroups.
  const others = [1, 4, 16, 64].filter((chunk) => values >= 4 * WORKGROUP * chunk);
  return {
    kernels: [pointwiseKernel],
    candidates: distinct([usual, ...others].map((chunk) => ({ chunk }))),
    roundings: 0,
  };
}

/** A chain over a tensor of `size` elements, `channels` in its last dimension, `sample` in all but its first. */
export function pointwise(
  stages: readonly PointwiseStage[],
  size: number,
  channels: number,
  sample: number,
  { chunk }: { readonly chunk: number },
): Launch {
  const width = widthOf(stages, size, channels);
  const overrides: Record<string, number> = stages.some(({ op }) => SPECIAL.has(op)) ? { SPECIAL: 1 } : {};
  const [values, row, image] = [size / width, channels / width, sample / width];
  const params: Record<string, number> = {
    size: values,
    channels: row,
    sample: image,
    chunk,
    channels_on: WORKGROUP % row,
    samples_on: Math.floor(WORKGROUP / image),
    rest_on: WORKGROUP % image,
  };
  for (let k = 0; k < MAX_STAGES; k++) {
    const stage = stages[k];
    if (stage) {
      overrides[`OP${k}`] = POINTWISE[stage.op];
      overrides[`MODE${k}`] = OPERAND_MODE[stage.mode];
    }
    params[`s${k}`] = stage?.immediate ?? 0;
  }
  return {
    kernel: pointwiseKernel,
    overrides,
    aliases: width === 4 ? {} : { Value: 'f32' },
    params,
    workgroups: foldWorkgroups(ceilDiv(values, WORKGROUP * chunk)),
  };
}

const NAMES = new Map<number, PointwiseName>(
  Object.entries(POINTWISE).map(([name, number]) => [number, name as PointwiseName]),
);

/** What a launch of `pointwise` does to so many numbers: a stage, whose operand is a number or a tensor called `a`. */
export interface SingleStage extends PointwiseStage {
  readonly size: number;
}

/** Of a launch of `pointwise` that does no more; undefined of others, and where something is stored as f16. */
export function singleStage({ kernel, overrides = {}, aliases = {}, params }: Launch): SingleStage | undefined {
  const mode = (['immediate', 'full'] as const).find((name) => OPERAND_MODE[name] === overrides['MODE0']);
  const isSingle = kernel === pointwiseKernel && !overrides['OP1'] && !/f16/.test(Object.values(aliases).join());
  if (!isSingle || !mode) return undefined;
  const size = params['size'] * (aliases['Value'] === 'f32' ? 1 : 4);
  return { op: NAMES.get(overrides['OP0'])!, mode, immediate: params['s0'], size };
}

/** @param type of the elements; whole numbers up to 2^24 become u32 as they are */
export function fill(size: number, value: number, type: 'f32' | 'u32' = 'f32'): Launch {
  // WGSL makes no vector of u32 from one f32.
  const width = size % 4 === 0 && type === 'f32' ? 4 : 1;
  return {
    kernel: fillKernel,
    aliases: width === 4 ? {} : { Value: type },
    params: { size: size / width, value },
    workgroups: foldWorkgroups(ceilDiv(size / width, 64)),
  };
}
