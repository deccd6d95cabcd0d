import type { Shape } from '../../engine/tensor.ts';

export const GROUPS = [
  'b0',
  'vgg16',
  'galaxy_vgg',
  'resnext50',
  'matmul',
  'norm',
  'pool',
  'pointwise',
  'optimizer',
] as const;
export type Group = (typeof GROUPS)[number];

/**
 * What a layer computes. `copy` and `fma` are no layers: they find what the adapter itself can do; nor is `network`,
 * all layers of one together.
 */
export type Kind =
  | 'conv2d'
  | 'depthwise_conv2d'
  | 'matmul'
  | 'batch_norm'
  | 'max_pool2d'
  | 'silu'
  | 'add'
  | 'adam'
  | 'copy'
  | 'fma'
  | 'network';

/** One layer as plain data, which every process understands. Sliding windows are padded as TensorFlow's SAME. */
export interface Layer {
  readonly group: Group | 'adapter' | 'whole';
  /** Where it occurs first: the names of weights, without `.w`. */
  readonly name: string;
  readonly kind: Kind;
  /** [N, H, W, C]; of a matrix product the left factor [M, K]. */
  readonly x: Shape;
  /**
   * The filter [r, s, C, K], depthwise [r, s, C]; of a matrix product the right factor [K, N]; of pooling the window
   * [r, s].
   */
  readonly w?: Shape;
  readonly stride?: number;
  /** Of a convolution, 1 where absent; then the filter is [r, s, C/groups, K]. */
  readonly groups?: number;
  /** Floating point operations of a network's forward pass, which its shapes do not tell. */
  readonly flops?: number;
  /** What batch norm applies in the same pass. */
  readonly activation?: 'none' | 'relu' | 'silu';
}
