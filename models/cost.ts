import type { ConvGeometry } from '../engine/ops/conv_geometry.ts';
import type { Tensor } from '../engine/tensor.ts';

/** Multiply-adds of a window sliding over an image; the gradients of a convolution cost as many as itself. */
const slides = ({ batch, outH, outW, outChannels, filterH, filterW, inChannels, groups }: ConvGeometry): number =>
  batch * outH * outW * outChannels * filterH * filterW * (inChannels / groups);

/**
 * Floating point operations of one tensor's op: two for each multiply-add of convolutions, depthwise convolutions and
 * matrix products, forward and backward. All else is counted as nothing: it is bound by memory, not by arithmetic.
 */
export function flopsOf({ op, attrs, inputs: [a], shape }: Tensor): number {
  switch (op.name) {
    case 'matmul':
      return 2 * a.size * shape[1]; // a is [M, K] or [K, M], the product [M, N]
    case 'conv2d':
    case 'conv2d_input_grad':
    case 'conv2d_filter_grad':
      return 2 * slides(attrs as unknown as ConvGeometry);
    case 'depthwise_conv2d':
    case 'depthwise_conv2d_input_grad':
    case 'depthwise_conv2d_filter_grad':
      return 2 * slides((attrs as unknown as { geometry: ConvGeometry }).geometry);
    default:
      return 0;
  }
}

/** Floating point operations of all these tensors together. */
export const totalFlops = (tensors: Iterable<Tensor>): number => [...tensors].reduce((sum, t) => sum + flopsOf(t), 0);
