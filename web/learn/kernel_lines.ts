import adam from '../../kernels/adam/adam.wgsl';
import ema from '../../kernels/assign/ema.wgsl';
import normApply from '../../kernels/batch_norm/batch_norm_apply.wgsl';
import normInputGrad from '../../kernels/batch_norm/batch_norm_input_grad.wgsl';
import normSums from '../../kernels/batch_norm/batch_norm_sums.wgsl';
import convFilterGrad from '../../kernels/conv2d/conv2d_filter_grad_v1.wgsl';
import convInputGrad from '../../kernels/conv2d/conv2d_input_grad_v1.wgsl';
import conv from '../../kernels/conv2d/conv2d_v1.wgsl';
import depthwiseFilterGrad from '../../kernels/depthwise_conv2d/depthwise_conv2d_filter_grad_v1.wgsl';
import depthwise from '../../kernels/depthwise_conv2d/depthwise_conv2d_forward_v1.wgsl';
import depthwiseInputGrad from '../../kernels/depthwise_conv2d/depthwise_conv2d_input_grad_v1.wgsl';
import type { KernelSource } from '../../kernels/kernel.ts';
import matmul from '../../kernels/matmul/matmul_v1.wgsl';
import { POINTWISE } from '../../kernels/pointwise/pointwise.ts';
import pointwise from '../../kernels/pointwise/pointwise.wgsl';
import averagePool from '../../kernels/pool/average_pool.wgsl';
import averagePoolInputGrad from '../../kernels/pool/average_pool_input_grad.wgsl';
import maxPool from '../../kernels/pool/max_pool.wgsl';
import maxPoolInputGrad from '../../kernels/pool/max_pool_input_grad_v1.wgsl';
import broadcast from '../../kernels/reduce/broadcast.wgsl';
import reduceProducts from '../../kernels/reduce/reduce_products.wgsl';
import reduce from '../../kernels/reduce/reduce.wgsl';
import sgd from '../../kernels/sgd/sgd.wgsl';
import logitsGrad from '../../kernels/softmax_cross_entropy/softmax_cross_entropy_logits_grad.wgsl';
import loss from '../../kernels/softmax_cross_entropy/softmax_cross_entropy_loss.wgsl';
import { CHOICES, type ActivationName } from './settings.ts';

/** What computes a number: the naive kernels, which the laboratory runs. */
export type LineName =
  | 'conv'
  | 'conv input grad'
  | 'conv filter grad'
  | 'depthwise'
  | 'depthwise input grad'
  | 'depthwise filter grad'
  | 'matmul'
  | 'sum'
  | 'sum of products'
  | 'mean'
  | 'mean input grad'
  | 'add'
  | 'mul'
  | 'max pool'
  | 'max pool input grad'
  | 'average pool'
  | 'average pool input grad'
  | 'norm'
  | 'norm input grad'
  | 'norm gamma grad'
  | 'norm beta grad'
  | 'loss'
  | 'loss input grad'
  | 'adam m'
  | 'adam v'
  | 'adam step'
  | 'adam w'
  | 'sgd gradient'
  | 'sgd m'
  | 'sgd w'
  | 'running statistics'
  | ActivationName
  | `${ActivationName} grad`;

interface Place {
  readonly kernel: KernelSource;
  /** Matches exactly one line of the kernel. */
  readonly pattern: RegExp;
}

const pointwiseCase = (name: keyof typeof POINTWISE): Place => ({
  kernel: pointwise,
  pattern: new RegExp(`case ${POINTWISE[name]}u:`),
});
const activations = Object.fromEntries(
  CHOICES.activation.flatMap((name) => [
    [name, pointwiseCase(name)],
    [`${name} grad`, pointwiseCase(`${name}_grad`)],
  ]),
);

export const LINES = {
  conv: { kernel: conv, pattern: /sum \+= .*x\[.*w\[/ },
  'conv input grad': { kernel: convInputGrad, pattern: /sum \+= .*dy\[.*w\[/ },
  'conv filter grad': { kernel: convFilterGrad, pattern: /sum \+= .*x\[.*dy\[/ },
  matmul: { kernel: matmul, pattern: /sum \+= .*a\[.*b\[/ },
  depthwise: { kernel: depthwise, pattern: /sum \+= .*x\[.*w\[/ },
  'depthwise input grad': { kernel: depthwiseInputGrad, pattern: /sum \+= .*dy\[.*w\[/ },
  'depthwise filter grad': { kernel: depthwiseFilterGrad, pattern: /sum \+= .*x\[.*dy\[/ },
  sum: { kernel: reduce, pattern: /sum \+= .*x\[/ },
  'sum of products': { kernel: reduceProducts, pattern: /sum \+= .*x\[.*y\[/ },
  mean: { kernel: reduce, pattern: /sum \* params.scale/ },
  'mean input grad': { kernel: broadcast, pattern: /params.scale/ },
  // The cases of operands are numbered too.
  add: { kernel: pointwise, pattern: /return v \+ s;/ },
  mul: { kernel: pointwise, pattern: /return v \* s;/ },
  'max pool': { kernel: maxPool, pattern: /best = larger\(/ },
  'max pool input grad': { kernel: maxPoolInputGrad, pattern: /sum \+= cotangent/ },
  'average pool': { kernel: averagePool, pattern: /sum \/ window_count/ },
  'average pool input grad': { kernel: averagePoolInputGrad, pattern: /sum \+= .*dy\[/ },
  norm: { kernel: normApply, pattern: /let y = / },
  'norm input grad': { kernel: normInputGrad, pattern: /out\[i\] = / },
  'norm gamma grad': { kernel: normSums, pattern: /dGamma \+= / },
  'norm beta grad': { kernel: normSums, pattern: /dBeta \+= / },
  loss: { kernel: loss, pattern: /loss \+= / },
  'loss input grad': { kernel: logitsGrad, pattern: /out\[i\] = / },
  'adam m': { kernel: adam, pattern: /let first = / },
  'adam v': { kernel: adam, pattern: /let second = / },
  'adam step': { kernel: adam, pattern: /let step = / },
  'adam w': { kernel: adam, pattern: /w\[i\] = / },
  'sgd gradient': { kernel: sgd, pattern: /let gradient = / },
  'sgd m': { kernel: sgd, pattern: /let velocity = / },
  'sgd w': { kernel: sgd, pattern: /w\[i\] = / },
  'running statistics': { kernel: ema, pattern: /let moved = / },
  ...activations,
} as Readonly<Record<LineName, Place>>;

/** The page of the chapter that tells of a line; there is none of the others. */
export const CHAPTERS: Readonly<Partial<Record<LineName, string>>> = {
  conv: 'chapter-02-convolution.html',
  'conv input grad': 'chapter-06-convolution-gradients.html',
  'conv filter grad': 'chapter-06-convolution-gradients.html',
  depthwise: 'chapter-07-depthwise-convolution.html',
  'depthwise input grad': 'chapter-07-depthwise-convolution.html',
  'depthwise filter grad': 'chapter-07-depthwise-convolution.html',
  norm: 'chapter-08-batch-norm.html',
  'norm input grad': 'chapter-08-batch-norm.html',
  'norm gamma grad': 'chapter-08-batch-norm.html',
  'norm beta grad': 'chapter-08-batch-norm.html',
  'max pool': 'chapter-10-pooling.html',
  'max pool input grad': 'chapter-10-pooling.html',
  'average pool': 'chapter-10-pooling.html',
  'average pool input grad': 'chapter-10-pooling.html',
  loss: 'chapter-12-softmax-and-cross-entropy.html',
  'loss input grad': 'chapter-12-softmax-and-cross-entropy.html',
  'adam m': 'chapter-13-optimisers.html',
  'adam v': 'chapter-13-optimisers.html',
  'adam step': 'chapter-13-optimisers.html',
  'adam w': 'chapter-13-optimisers.html',
  'sgd gradient': 'chapter-13-optimisers.html',
  'sgd m': 'chapter-13-optimisers.html',
  'sgd w': 'chapter-13-optimisers.html',
  'running statistics': 'chapter-08-batch-norm.html',
};

export interface Excerpt {
  /** The kernel's name: its file is called so. */
  readonly kernel: string;
  readonly lines: readonly string[];
  /** Which of them it is. */
  readonly at: number;
}

/** The line of a kernel that computes a number, within so many lines before and after. */
export function excerpt(name: LineName, around = 4): Excerpt {
  const { kernel, pattern } = LINES[name];
  const all = kernel.code.trimEnd().split('\n');
  const found = all.findIndex((line) => pattern.test(line));
  const first = Math.max(0, found - around);
  return { kernel: kernel.name, lines: all.slice(first, found + around + 1), at: found - first };
}
