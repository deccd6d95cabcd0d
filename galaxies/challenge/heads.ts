import { sigmoid } from '../../engine/ops/pointwise.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { treeShares } from '../../vision/votes/tree.ts';
import { GALAXY_ZOO_2 } from '../decision_tree.ts';

/** What turns 37 logits into 37 vote fractions: a sigmoid each, or the decision tree. */
export const HEADS = { tree: (logits: Tensor) => treeShares(logits, GALAXY_ZOO_2), independent: sigmoid } as const;
export type HeadName = keyof typeof HEADS;
