import { ACTIVATIONS } from './activations.ts';
import { BATCH_MATMUL } from './batch_matmul.ts';
import { BATCH_NORMS } from './batch_norm.ts';
import { TRANSPOSED } from './conv_transpose2d.ts';
import { CONVOLUTIONS } from './convolution.ts';
import type { Explanation } from './explanation.ts';
import { FUNCTIONS } from './functions.ts';
import { MOVES } from './moves.ts';
import { OPTIMIZERS } from './optimizers.ts';
import { POINTWISE } from './pointwise.ts';
import { POOLING } from './pooling.ts';
import { RANDOM } from './random.ts';
import { REDUCTIONS_EXPLAINED } from './reductions.ts';
import { SHAPES } from './shapes.ts';
import { SOFTMAXES } from './softmax.ts';

/** Every op that has a gradient, and the updates, in the order of a lesson. */
export const EXPLANATIONS: readonly Explanation[] = [
  ...CONVOLUTIONS,
  TRANSPOSED,
  BATCH_MATMUL,
  ...BATCH_NORMS,
  ...POOLING,
  ...SOFTMAXES,
  ...POINTWISE,
  ...FUNCTIONS,
  ...ACTIVATIONS,
  ...REDUCTIONS_EXPLAINED,
  ...SHAPES,
  ...MOVES,
  ...RANDOM,
  ...OPTIMIZERS,
];
