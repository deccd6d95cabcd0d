// The layers of the library, `tuningfork/layers`: each is a Layer, or a function that gives one.
import { checkNumber, checkOptions, checkWhole, show, type Known } from '../engine/check.ts';
import type { BatchNormAttributes } from '../engine/ops/batch_norm.ts';
import { conv2d } from '../engine/ops/conv2d.ts';
import { pair, type Padding, type Pair } from '../engine/ops/conv_geometry.ts';
import { depthwiseConv2d } from '../engine/ops/depthwise_conv2d.ts';
import { reshape } from '../engine/ops/leaves.ts';
import { matmul } from '../engine/ops/matmul.ts';
import * as ops from '../engine/ops/pointwise.ts';
import { avgPool2d, maxPool2d, type AvgPoolAttributes, type PoolAttributes } from '../engine/ops/pool.ts';
import { dropout as dropoutOp } from '../engine/ops/random.ts';
import { mean } from '../engine/ops/reduce.ts';
import { sameShape, shapeError, showShape, type Tensor } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import { applyLayer, type Layer, type Scope } from './layer.ts';

/** How a convolution slides. */
export interface DepthwiseOptions {
  /** Height and width of the filter; 3 when absent. */
  readonly size?: Pair;
  readonly stride?: Pair;
  /** `same` when absent: as many outputs as inputs, divided by the stride. */
  readonly padding?: Padding;
  readonly dilation?: Pair;
  /** Whether a number is added to each output channel; true when absent. Batch norm makes it idle. */
  readonly bias?: boolean;
}

/** The same of a convolution of all channels. */
export interface ConvOptions extends DepthwiseOptions {
  /** Channels are divided into so many groups, each with filters of its own; 1 when absent. */
  readonly groups?: number;
}

const DEPTHWISE: Known<DepthwiseOptions> = { size: true, stride: true, padding: true, dilation: true, bias: true };
const CONV: Known<ConvOptions> = { ...DEPTHWISE, groups: true };

/** Gives a function the name that its parameters and its segment begin with. */
export function layer(kind: string, apply: (x: Tensor, scope: Scope) => Tensor): Layer {
  return Object.assign((x: Tensor, scope: Scope) => apply(x, scope), { kind });
}

const biased = (y: Tensor, scope: Scope, bias: boolean): Tensor =>
  bias ? ops.add(y, scope.parameter('b', [y.shape[y.shape.length - 1]], 'bias')) : y;

function requireImages(op: string, x: Tensor): void {
  if (x.shape.length !== 4) shapeError(op, 'it takes images [N, H, W, C]', x);
}

/** Convolution with `filters` filters: images [N, H, W, C] to [N, Ho, Wo, filters]; see `conv2d`. */
export function conv(filters: number, options: ConvOptions = {}): Layer {
  checkWhole('conv', 'the number of filters', filters, 1);
  checkOptions('conv', options, CONV);
  const { size = 3, bias = true, padding = 'same', ...rest } = options;
  const { groups = 1 } = rest;
  checkWhole('conv', 'groups', groups, 1);
  return layer('conv', (x, scope) => {
    requireImages('conv', x);
    const [height, width] = pair('conv', 'size', size);
    if (x.shape[3] % groups !== 0 || filters % groups !== 0)
      shapeError('conv', `${groups} groups must divide both the channels and the ${filters} filters`, x);
    const w = scope.parameter('w', [height, width, x.shape[3] / groups, filters], 'filter');
    return biased(conv2d(x, w, { ...rest, padding }), scope, bias);
  });
}

/** Convolution of each channel with a filter of its own: [N, H, W, C] to [N, Ho, Wo, C]; see `depthwiseConv2d`. */
export function depthwise(options: DepthwiseOptions = {}): Layer {
  checkOptions('depthwise', options, DEPTHWISE);
  const { size = 3, bias = true, padding = 'same', ...rest } = options;
  return layer('depthwise', (x, scope) => {
    requireImages('depthwise', x);
    const [height, width] = pair('depthwise', 'size', size);
    const w = scope.parameter('w', [height, width, x.shape[3]], 'depthwise');
    return biased(depthwiseConv2d(x, w, { ...rest, padding }), scope, bias);
  });
}

/** A fully connected layer: [N, in] to [N, outputs]. */
export function dense(outputs: number, options: { readonly bias?: boolean } = {}): Layer {
  checkWhole('dense', 'the number of outputs', outputs, 1);
  checkOptions('dense', options, { bias: true });
  const { bias = true } = options;
  return layer('dense', (x, scope) => {
    if (x.shape.length !== 2) shapeError('dense', 'it takes rows [N, in]; put flatten or globalPool before it', x);
    return biased(matmul(x, scope.parameter('w', [x.shape[1], outputs], 'dense')), scope, bias);
  });
}

/**
 * Batch norm of each channel, the last dimension (Ioffe & Szegedy 2015), with an activation where one is asked for: by
 * the batch's statistics in training, by their running means (momentum 0.1) else. `epsilon` is 1e-5 when absent.
 */
export function batchNorm(options: BatchNormAttributes = {}): Layer {
  checkOptions('batchNorm', options, { epsilon: true, activation: true });
  return layer('batchNorm', (x, scope) => scope.batchNorm(x, options));
}

/** Each number dropped with probability `rate` in training, the others divided by 1 − rate; nothing else. */
export function dropout(rate: number): Layer {
  checkNumber('dropout', 'the rate', rate);
  if (!(rate >= 0 && rate < 1))
    throw new UserError(`dropout: the rate must be at least 0 and less than 1, not ${show(rate)}`);
  return layer('dropout', (x, { context: { noise }, stream }) =>
    noise && rate > 0 ? dropoutOp(x, noise.seed, { rate, stream }) : x,
  );
}

const POOL: Known<PoolAttributes> = { size: true, stride: true, padding: true, dilation: true, ceilMode: true };

/** The largest of each window of 2 x 2, or of `size`, which moves by its own size where no stride is given. */
export function maxPool(options: Partial<PoolAttributes> = {}): Layer {
  checkOptions('maxPool', options, POOL);
  return layer('maxPool', (x) => maxPool2d(x, { size: 2, ...options }));
}

/** The mean of each window of 2 x 2, or of `size`, which moves by its own size where no stride is given. */
export function avgPool(options: Partial<AvgPoolAttributes> = {}): Layer {
  checkOptions('avgPool', options, { ...POOL, countIncludePad: true });
  return layer('avgPool', (x) => avgPool2d(x, { size: 2, ...options }));
}

/** The mean of every channel over the image: [N, H, W, C] to [N, C]. */
export const globalPool: Layer = /* @__PURE__ */ layer('globalPool', (x) => {
  requireImages('globalPool', x);
  return reshape(mean(x, [1, 2]), [x.shape[0], x.shape[3]]);
});

/** All numbers of a sample in a row: [N, ...] to [N, D]. */
export const flatten: Layer = /* @__PURE__ */ layer('flatten', (x) => reshape(x, [x.shape[0], x.size / x.shape[0]]));

/** max(x, 0) */
export const relu: Layer = /* @__PURE__ */ layer('relu', ops.relu);
/** x / (1 + exp(−x)) */
export const silu: Layer = /* @__PURE__ */ layer('silu', ops.silu);
/** 1 / (1 + exp(−x)) */
export const sigmoid: Layer = /* @__PURE__ */ layer('sigmoid', ops.sigmoid);
/** The hyperbolic tangent. */
export const tanh: Layer = /* @__PURE__ */ layer('tanh', ops.tanh);

/** A layer under a name of one's own, which its parameters begin with: `named('stem', conv(16))` has `stem.w`. */
export function named(name: string, inner: Layer): Layer {
  return Object.assign((x: Tensor, scope: Scope) => inner(x, scope), { kind: name, parts: inner.parts, isNamed: true });
}

/**
 * Layers one after another. Each is called by its kind and how many of it came before: `conv1`, `relu1`, `conv2`; what
 * `named` gives keeps its name.
 */
export function sequential(...inner: readonly Layer[]): Layer {
  if (inner.length === 0) throw new UserError('sequential: it needs a layer at least');
  const counts = new Map<string, number>();
  const parts = inner.map((each) => {
    const kind = each?.kind ?? 'layer';
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const isNamed = (each as { isNamed?: boolean } | undefined)?.isNamed === true;
    if (isNamed && count > 1) throw new UserError(`sequential: two layers are named ${kind}; give one another name`);
    return { name: isNamed ? kind : `${kind}${count}`, layer: each };
  });
  const apply = (x: Tensor, scope: Scope) =>
    parts.reduce((y, part) => applyLayer(part.layer, y, scope.child(part.name)), x);
  return Object.assign(apply, { kind: 'sequential', parts });
}

/**
 * x + body(x), as in a residual network (He et al. 2016). Where the body changes the shape, `shortcut` changes x alike:
 * `residual(body, conv(32, { size: 1, stride: 2 }))`.
 */
export function residual(body: Layer, shortcut?: Layer): Layer {
  return layer('residual', (x, scope) => {
    const y = applyLayer(body, x, scope.child('body'));
    const beside = shortcut ? applyLayer(shortcut, x, scope.child('shortcut')) : x;
    if (!sameShape(beside.shape, y.shape))
      throw new UserError(
        `residual: the body gives ${showShape(y.shape)} and ${shortcut ? 'the shortcut' : 'x'} is ${showShape(beside.shape)}; ${shortcut ? 'let both give one shape' : 'give a shortcut as the second argument'}`,
      );
    return ops.add(y, beside);
  });
}
