import type { OnnxNode } from '../graph.ts';
import { OWN_DOMAIN } from '../graph.ts';
import type { OnnxOp } from '../lowering.ts';
import { MOVE_OPS } from './moves.ts';
import { NORM_OPS } from './norms.ts';
import { POINTWISE_OPS } from './pointwise.ts';
import { PRODUCT_OPS } from './products.ts';
import { REDUCTION_OPS } from './reductions.ts';
import { RESIZE_OPS } from './resizes.ts';
import { SHAPE_OPS } from './shapes.ts';
import { WINDOW_OPS } from './windows.ts';

const OPS: Readonly<Record<string, OnnxOp>> = {
  ...WINDOW_OPS,
  ...POINTWISE_OPS,
  ...SHAPE_OPS,
  ...MOVE_OPS,
  ...RESIZE_OPS,
  ...PRODUCT_OPS,
  ...REDUCTION_OPS,
  ...NORM_OPS,
};

/** The names of the ops of ONNX's own domain that are computed. */
export const OP_NAMES: readonly string[] = Object.keys(OPS).sort();

/** How this node is computed, or undefined where it is not. */
export const opOf = ({ op, domain }: OnnxNode): OnnxOp | undefined =>
  (domain === '' || domain === OWN_DOMAIN) && Object.hasOwn(OPS, op) ? OPS[op] : undefined;
