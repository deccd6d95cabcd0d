import type { BatchNormActivation } from '../../kernels/batch_norm/batch_norm.ts';
import {
  conv2dChoices,
  conv2dFilterGradChoices,
  conv2dFilterGradV1,
  conv2dFilterGradV2,
  conv2dInputGradChoices,
  conv2dInputGradV1,
  conv2dInputGradV2,
  conv2dV1,
  conv2dV2,
} from '../../kernels/conv2d/conv2d.ts';
import { isMatrix, matrixConv, withMatrices } from '../../kernels/conv2d/conv2d_matrix.ts';
import type { MatmulSize } from '../../kernels/matmul/matmul_size.ts';
import { canNormalise } from '../../kernels/matmul/normalised.ts';
import { MOST_ROWS, padded, type Tiling } from '../../kernels/matmul/tiling.ts';
import type { Known } from '../check.ts';
import type { BufferRef, Capabilities, LowerContext, Step } from '../op.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import { epiloguePass, lastStep, plainly, type Epilogue } from './epilogue.ts';
import { winogradFilterGradSteps, winogradSteps, withWinograd, type Direction } from './conv2d_winograd.ts';
import { Steps } from './matmul_lower.ts';

/** The options that convolutions and pooling share. */
export interface Version {
  /**
   * The kernels: 1 are the naive ones, kept as the second opinion of the tests, 2 those in tiles, 3 Winograd's where it
   * is a convolution for them; of 2 and 3 those that are expected to be the fastest, or were measured to be, where not
   * said.
   */
  readonly version?: 1 | 2 | 3;
}

export const VERSION_OPTIONS: Known<Version> = { version: true };

/** What a convolution of 1 x 1 and its filter gradient read as x becomes a batch norm's output first. */
export interface Normalising {
  /**
   * The compiler lets them make it (engine/program/normalised.ts): by the coefficients that are one more input behind
   * their own, and a gate behind those.
   */
  readonly normalised?: { readonly activation: BatchNormActivation; readonly gated?: true };
}

/** A convolution's geometry as its three ops carry it. */
export type Conv2dGeometry = ConvGeometry & Version & Epilogue & Normalising;

type Context = LowerContext<Conv2dGeometry>;

/** A convolution that looks at one pixel at a time is a matrix product of all pixels with the filter. */
const isMatmul = (g: Conv2dGeometry): boolean =>
  g.version !== 1 &&
  g.filterH === 1 &&
  g.filterW === 1 &&
  g.strideH === 1 &&
  g.strideW === 1 &&
  g.groups === 1 &&
  g.padTop + g.padLeft + g.padBottom + g.padRight === 0;

/** Whether an input gradient can take an epilogue: where it is a product, in tiles. */
export const inputGradTakesEpilogue = (g: Conv2dGeometry): boolean => isMatmul(g) && !isNaive(g);

/** As products of all pixels. */
const forwardSize = (g: ConvGeometry): MatmulSize => ({
  M: g.batch * g.inH * g.inW,
  N: g.outChannels,
  K: g.inChannels,
  transposeA: false,
  transposeB: false,
});
const filterGradSize = (g: ConvGeometry): MatmulSize => ({
  M: g.inChannels,
  N: g.outChannels,
  K: g.batch * g.inH * g.inW,
  transposeA: true,
  transposeB: false,
});

/** Whether the product can normalise x as it reads it; with an epilogue it has no bindings for that. */
const normalises = (g: Conv2dGeometry, size: MatmulSize, gated: boolean, capabilities: Capabilities): boolean =>
  isMatmul(g) && !isNaive(g) && !g.epilogue && canNormalise(size, { gated, pixels: g.inH * g.inW }, capabilities);

export const forwardNormalises = (g: Conv2dGeometry, gated: boolean, capabilities: Capabilities): boolean =>
  normalises(g, forwardSize(g), gated, capabilities);

export const filterGradNormalises = (g: Conv2dGeometry, gated: boolean, capabilities: Capabilities): boolean =>
  normalises(g, filterGradSize(g), gated, capabilities);

/** The product of x, or of what a batch norm makes of it. */
function productSteps(ctx: Context, size: MatmulSize): Step[] {
  const { normalised, inH, inW } = ctx.attrs;
  const steps = new Steps(ctx);
  const [x, other] = [ctx.in(0), ctx.in(1)];
  if (!normalised) {
    steps.matmul(size, x, other);
    return steps.list;
  }
  const { activation, gated = false } = normalised;
  const norm = { activation, gated, pixels: inH * inW };
  const of_channel = ctx.in(2);
  steps.matmulOfNorm(size, x, other, { norm, of_channel, gate: gated ? ctx.in(3) : of_channel });
  return steps.list;
}

/** Of groups so small most of a tile would be empty: see bench/ladder_conv2d.md. */
const isNearlyDepthwise = ({ inChannels, outChannels, groups }: ConvGeometry): boolean =>
  groups > 1 && (inChannels / groups) * (outChannels / groups) < 4;

/** The tiled kernels take so many pixels at most. */
const isNaive = (g: Conv2dGeometry): boolean =>
  g.version === 1 || isNearlyDepthwise(g) || g.batch * Math.max(g.inH * g.inW, g.outH * g.outW) > MOST_ROWS;

const cutBack = ([whole, wide]: readonly [number, number]) => [wide, whole] as const;
const unchanged = (n: number) => [n, n] as const;

/**
 * What the tiled kernels work on: the same convolution with a group's channels multiples of 4, and how to get there.
 */
function tiled(g: ConvGeometry) {
  const C = [g.inChannels / g.groups, padded(g.inChannels / g.groups)] as const;
  const K = [g.outChannels / g.groups, padded(g.outChannels / g.groups)] as const;
  const taps = g.filterH * g.filterW;
  const [pixels, out] = [g.batch * g.inH * g.inW, g.batch * g.outH * g.outW];
  // A group of a pixel is a row.
  return {
    C,
    K,
    taps,
    inRows: unchanged(pixels * g.groups),
    outRows: unchanged(out * g.groups),
    pixels,
    geometry: { ...g, inChannels: C[1] * g.groups, outChannels: K[1] * g.groups },
  };
}

/** The filter [r, s, C/groups, K] with a group's channels padded, in and out. */
function paddedFilter(
  steps: Steps,
  w: BufferRef,
  { C, K, taps, geometry: { groups } }: ReturnType<typeof tiled>,
): BufferRef {
  if (groups === 1) return steps.padded(w, taps, C, K);
  const wide = steps.padded(w, 1, unchanged(taps * C[0] * groups), K);
  return steps.padded(wide, taps, C, unchanged(groups * K[1]));
}

/** The op's output from a filter with padded channels: the opposite of paddedFilter. */
function cutFilter(ctx: Context, steps: Steps, dw: BufferRef): void {
  const {
    C,
    K,
    taps,
    geometry: { groups },
  } = tiled(ctx.attrs);
  if (groups === 1 || K[0] === K[1]) {
    steps.cut(dw, ctx.out(), taps, cutBack(C), groups === 1 ? cutBack(K) : unchanged(groups * K[0]));
    return;
  }
  const narrow = C[0] === C[1] ? dw : ctx.temp(taps * C[0] * groups * K[1]);
  if (narrow !== dw) steps.cut(dw, narrow, taps, cutBack(C), unchanged(groups * K[1]));
  steps.cut(narrow, ctx.out(), 1, unchanged(taps * C[0] * groups), cutBack(K));
}

const DIRECT = {
  forward: conv2dChoices,
  input_grad: conv2dInputGradChoices,
  filter_grad: conv2dFilterGradChoices,
};

/** How the convolution, or a gradient of it, is computed: on tensor cores, by Winograd, or in plain tiles. */
function chooseTiling({ capabilities, choose }: Context, g: Conv2dGeometry, direction: Direction) {
  const plain = DIRECT[direction](g, capabilities);
  return choose(withMatrices(withWinograd(plain, g, direction, capabilities), g, direction, capabilities));
}

export function lowerConv2d(ctx: Context): Step[] {
  const g = ctx.attrs;
  if (isNaive(g)) return lastStep(ctx, conv2dV1(g), (y) => ({ x: ctx.in(0), w: ctx.in(1), y }), ctx.in(1));
  if (isMatmul(g)) return productSteps(ctx, forwardSize(g));
  const steps = new Steps(ctx);
  const as = tiled(g);
  const { C, K, inRows, outRows, geometry } = as;
  const x = steps.padded(ctx.in(0), 1, inRows, C);
  const w = paddedFilter(steps, ctx.in(1), as);
  const tiling = chooseTiling(ctx, geometry, 'forward');
  const direct = () =>
    isMatrix(tiling) ? matrixConv(geometry, 'forward', tiling, ctx.capabilities) : conv2dV2(geometry, tiling);
  const byWinograd = (to: BufferRef) =>
    !isMatrix(tiling) && tiling.winograd ? winogradSteps(ctx, geometry, 'forward', { x, w, y: to }, tiling) : undefined;
  if (K[0] === K[1])
    return [...steps.list, ...(byWinograd(ctx.out()) ?? lastStep(ctx, direct(), (y) => ({ x, w, y }), w))];
  const wide = ctx.temp(outRows[0] * K[1]);
  const y = g.epilogue ? ctx.temp(ctx.output.size) : ctx.out();
  steps.list.push(...(byWinograd(wide) ?? [plainly({ launch: direct(), buffers: { x, w, y: wide } }, w)]));
  steps.cut(wide, y, 1, outRows, cutBack(K));
  if (g.epilogue) steps.list.push(epiloguePass(ctx, y));
  return steps.list;
}

export function lowerConv2dInputGrad(ctx: Context): Step[] {
  const g = ctx.attrs;
  if (isNaive(g)) return [{ launch: conv2dInputGradV1(g), buffers: { dy: ctx.in(0), w: ctx.in(1), dx: ctx.out() } }];
  const steps = new Steps(ctx);
  const as = tiled(g);
  const { C, K, inRows, outRows, pixels, geometry } = as;
  if (isMatmul(g)) {
    steps.matmul({ M: pixels, N: C[0], K: K[0], transposeA: false, transposeB: true }, ctx.in(0), ctx.in(1));
    return steps.list;
  }
  const dy = steps.padded(ctx.in(0), 1, outRows, K);
  const w = paddedFilter(steps, ctx.in(1), as);
  const dx = C[0] === C[1] ? ctx.out() : ctx.temp(inRows[0] * C[1]);
  const tiling = chooseTiling(ctx, geometry, 'input_grad');
  if (isMatrix(tiling))
    steps.list.push({ launch: matrixConv(geometry, 'input_grad', tiling, ctx.capabilities), buffers: { dy, w, dx } });
  else if (tiling.winograd) steps.list.push(...winogradSteps(ctx, geometry, 'input_grad', { x: dy, w, y: dx }, tiling));
  else steps.list.push({ launch: conv2dInputGradV2(geometry, tiling), buffers: { dy, w, dx } });
  if (dx !== ctx.out()) steps.cut(dx, ctx.out(), 1, inRows, cutBack(C));
  return steps.list;
}

export function lowerConv2dFilterGrad(ctx: Context): Step[] {
  const g = ctx.attrs;
  if (isNaive(g)) return [{ launch: conv2dFilterGradV1(g), buffers: { x: ctx.in(0), dy: ctx.in(1), dw: ctx.out() } }];
  if (isMatmul(g)) return productSteps(ctx, filterGradSize(g));
  const steps = new Steps(ctx);
  const { C, K, taps, inRows, outRows, geometry } = tiled(g);
  const x = steps.padded(ctx.in(0), 1, inRows, C);
  const dy = steps.padded(ctx.in(1), 1, outRows, K);
  const tiling = chooseTiling(ctx, geometry, 'filter_grad');
  const size = taps * C[1] * K[1] * g.groups;
  const isWhole = C[0] === C[1] && K[0] === K[1];
  const dw = isWhole ? ctx.out() : ctx.temp(size);
  if (!isMatrix(tiling) && tiling.winograd)
    steps.list.push(...winogradFilterGradSteps(ctx, geometry, { x, dy, dw }, tiling));
  else {
    const launch =
      (isMatrix(tiling) && matrixConv(geometry, 'filter_grad', tiling, ctx.capabilities)) ||
      conv2dFilterGradV2(geometry, tiling as Tiling);
    const parts = launch.workgroups[2];
    const partial = parts === 1 ? dw : ctx.temp(parts * size);
    steps.list.push({ launch, buffers: { x, dy, dw: partial } });
    if (parts > 1) steps.addUp(partial, dw, parts, size);
  }
  if (!isWhole) cutFilter(ctx, steps, dw);
  return steps.list;
}
