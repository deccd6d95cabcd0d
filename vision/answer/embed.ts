import type { Device } from '../../engine/device/device.ts';
import { compile, type Program } from '../../engine/program/program.ts';
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

/** A layer's activations as flat rows of numbers. */
export class Embedder implements Disposable {
  private constructor(
    private readonly program: Program,
    private readonly activation: Tensor,
    private readonly layout: Layout,
  ) {}

  static async create(device: Device, activation: Tensor, layout: Layout): Promise<Embedder> {
    return new Embedder(await compile(device, { outputs: [activation] }), activation, layout);
  }

  /** Numbers in a row. */
  get width(): number {
    return this.activation.size / this.activation.shape[0];
  }

  /** The rows of some samples. @throws UserError with the name of a sample whose activations are not finite */
  async embed(samples: Samples, onProgress?: (done: number) => void): Promise<Float32Array> {
    const { program, activation, layout, width } = this;
    const all = new Float32Array(samples.count * width);
    const [, height, across, channels] = activation.shape;
    for await (const { start, count, rows } of runBatches(program, activation, samples)) {
      const isImage = activation.shape.length === 4;
      all.set(isImage && layout === 'nchw' ? channelsFirst(rows, height * across, channels) : rows, start * width);
      onProgress?.(start + count);
    }
    return all;
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
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
