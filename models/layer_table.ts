import { parameterOf } from '../engine/device/parameter.ts';
import { sizeOf, topologicalOrder, type Shape, type Tensor } from '../engine/tensor.ts';
import { totalFlops } from './cost.ts';
import { applySegments, type Network } from './network.ts';
import type { ParameterSource } from './parameter_set.ts';

/** A segment of a network, or a block of one, and what it adds to the layers before it. */
export interface LayerRow {
  /** The block's name first, where it ends a segment too. */
  readonly names: readonly string[];
  /** Of its output. */
  readonly shape: Shape;
  /** Numbers in weights, biases and running statistics. */
  readonly parameters: number;
  /** As models/cost.ts counts them. */
  readonly flops: number;
}

/**
 * The layers of a network for inference on `x` [N, H, W, 3], in the order data flows through them: each has a name that
 * `findTensor` finds.
 */
export function layerTable({ segments }: Network, parameters: ParameterSource, x: Tensor): LayerRow[] {
  const logits = applySegments(segments, x, { parameters, batchNorm: 'running' });
  const seen = new Set(topologicalOrder([x]));
  const isLayer = (t: Tensor) => t.names.length > 0 && !parameterOf(t) && !seen.has(t);
  return topologicalOrder([logits])
    .filter(isLayer)
    .map((layer) => {
      const added = topologicalOrder([layer]).filter((t) => !seen.has(t));
      for (const t of added) seen.add(t);
      return {
        names: layer.names,
        shape: layer.shape,
        parameters: added.filter(parameterOf).reduce((n, t) => n + sizeOf(t.shape), 0),
        flops: totalFlops(added),
      };
    });
}

/** The layers whose output is an image of more than one pixel: those that Grad-CAM can draw a map at. */
export const imageLayers = (rows: readonly LayerRow[]): LayerRow[] =>
  rows.filter(({ shape }) => shape.length === 4 && shape[1] * shape[2] > 1);
