import type { Device } from '../../engine/device/device.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { findTensor } from '../../models/grad_cam.ts';
import { applySegments, type Network } from '../../models/network.ts';
import type { ParameterSource } from '../../models/parameter_set.ts';
import { runBatches, type Samples } from './batches.ts';

/** The order of axes within a layer's row: [C, H, W] or [H, W, C]. */
export type Layout = 'nchw' | 'nhwc';

/**
 * The activation of a layer (a segment or block by name) for the input `x` [batch, H, W, C], with its inference
 * arithmetic.
 * @throws UserError where there is no such layer; it lists those there are
 */
export const layerOf = (network: Network, parameters: ParameterSource, x: Tensor, layer: string): Tensor =>
  findTensor(applySegments(network.segments, x, { parameters, batchNorm: 'running' }), layer);

/**
 * Yields a layer's activations for samples as flat rows, a batch at a time. Throws a UserError with the name of a
 * sample whose activations are not finite.
 */
export async function* embed(
  device: Device,
  activation: Tensor,
  samples: Samples,
  layout: Layout,
): AsyncGenerator<{ start: number; count: number; rows: Float32Array }> {
  using program = await compile(device, { outputs: [activation] });
  const [, height, width, channels] = activation.shape;
  for await (const { start, count, rows } of runBatches(program, activation, samples)) {
    yield {
      start,
      count,
      rows: activation.shape.length === 4 && layout === 'nchw' ? channelsFirst(rows, height * width, channels) : rows,
    };
  }
}

/** [N, pixels, channels] -> [N, channels, pixels] */
export function channelsFirst(values: Float32Array, pixels: number, channels: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += pixels * channels) {
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++) out[start + c * pixels + p] = values[start + p * channels + c];
  }
  return out;
}
