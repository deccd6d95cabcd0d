import type { OnnxNode } from '../graph.ts';
import { OWN_DOMAIN } from '../graph.ts';
import type { OnnxOp } from '../lowering.ts';
import { lossOps } from './losses.ts';
import { moveOps } from './moves.ts';
import { normOps } from './norms.ts';
import { pointwiseOps } from './pointwise.ts';
import { productOps } from './products.ts';
import { reductionOps } from './reductions.ts';
import { resizeOps } from './resizes.ts';
import { shapeOps } from './shapes.ts';
import { windowOps } from './windows.ts';

/** Made when it is first asked for: a bundler leaves out what nobody calls, but not what a call makes at the start. */
const makeOps = (): Readonly<Record<string, OnnxOp>> => ({
  ...windowOps(),
  ...pointwiseOps(),
  ...shapeOps(),
  ...moveOps(),
  ...resizeOps(),
  ...productOps(),
  ...reductionOps(),
  ...normOps(),
  ...lossOps(),
});

let made: Readonly<Record<string, OnnxOp>> | undefined;
const ops = () => (made ??= makeOps());

/** How this node is computed, or undefined where it is not. */
export const opOf = ({ op, domain }: OnnxNode): OnnxOp | undefined =>
  (domain === '' || domain === OWN_DOMAIN) && Object.hasOwn(ops(), op) ? ops()[op] : undefined;
