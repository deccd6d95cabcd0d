import type { Device } from '../../engine/device/device.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { applySegments, segmentsBetween, type Network } from '../../models/network.ts';
import type { ParameterSource } from '../../models/parameter_set.ts';
import { runBatches } from './batches.ts';
import type { Feeds } from './sample_source.ts';

/** A network from some place on to its class probabilities, for inference, in batches of a fixed size. */
export class Classifier implements Disposable {
  private constructor(
    private readonly program: Program,
    private readonly logits: Tensor,
    readonly classes: number,
  ) {}

  /** @param after the segment whose output `x` is; undefined: x is an image batch */
  static async create(device: Device, network: Network, parameters: ParameterSource, x: Tensor, after?: string): Promise<Classifier> {
    const logits = applySegments(segmentsBetween(network, after), x, { parameters, batchNorm: 'running' });
    return new Classifier(await compile(device, { outputs: [logits] }), logits, logits.shape[1]);
  }

  /** Probabilities [n, classes] of n samples, whose feeds are asked for by positions. */
  async probabilities(n: number, feedsOf: (positions: readonly number[]) => Promise<Feeds>, onProgress?: (done: number) => void): Promise<Float64Array> {
    const { classes } = this;
    const result = new Float64Array(n * classes);
    for await (const { start, count, rows } of runBatches(this.program, this.logits, n, feedsOf)) {
      for (let i = 0; i < count; i++) result.set(softmaxRow(rows.subarray(i * classes, (i + 1) * classes)), (start + i) * classes);
      onProgress?.(start + count);
    }
    return result;
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
  }
}

/** exp(xᵢ)/Σexp(x) in float64, shifted by the largest so that nothing overflows. */
export function softmaxRow(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const exps = values.map((v) => Math.exp(v - largest));
  const total = exps.reduce((a, b) => a + b, 0);
  return exps.map((e) => e / total);
}
