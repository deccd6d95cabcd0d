import { input } from '../../engine/ops/leaves.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { applySegments, type ForwardContext, type Network } from '../../models/network.ts';
import { randomArray } from '../random.ts';
import type * as plain from '../reference/blocks.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import type { Image } from '../reference/layers.ts';

/** Both sides add up the same numbers in float64, in another order. */
export const EXACT = 1e-12;
export const SAMPLES = 2;
export const NOISE = { seed: 5, step: 3 };

/** Small variances, so that an epsilon of 1e-5 matters; everything else around 1. */
const valuesOf = (name: string, size: number, seed: number): Float32Array => {
  if (name.endsWith('.stats')) {
    const means = randomArray(size / 2, seed, -0.3, 0.3);
    return Float32Array.from([...means, ...randomArray(size / 2, seed + 1, 2e-4, 4e-3)]);
  }
  const isScale = name.endsWith('.gamma');
  return randomArray(size, seed, isScale ? 0.02 : -0.4, isScale ? 0.08 : 0.5);
};

/** One segment of a network on two images: its values by the graph, and what plain loops need for the same. */
export class Stage {
  readonly leaves = new Map<string, Float32Array>();
  readonly x: Tensor;
  readonly y: Tensor;

  constructor(
    network: Network,
    segment: string,
    shape: readonly number[],
    noise?: { dropout: number; dropPath: number },
  ) {
    const shapes = new Map(network.specs.map((spec) => [spec.name.replace(/\.mean$/, '.stats'), spec]));
    const tensor = (name: string) => {
      const spec = shapes.get(name)!;
      const leaf = input(name, spec.kind === 'mean' ? [2, ...spec.shape] : spec.shape);
      this.leaves.set(name, valuesOf(name, leaf.size, 100 + 2 * this.leaves.size));
      return leaf;
    };
    const context: ForwardContext = {
      parameters: { tensor },
      batchNorm: 'running',
      ...(noise && { noise: { seed: input('noise_seed', [2], 'u32'), ...noise } }),
    };
    this.x = input('x', [SAMPLES, ...shape]);
    this.leaves.set('x', randomArray(this.x.size, 1));
    this.y = applySegments(
      network.segments.filter(({ name }) => name === segment),
      this.x,
      context,
    );
  }

  /** The parameters whose names begin so. */
  values(prefix: string): plain.Values {
    return (name) => this.leaves.get(`${prefix}${name}`)!;
  }

  /** By the graph, in float64. */
  get(): Float64Array {
    const leaves = new Map<string, ArrayLike<number>>([...this.leaves, ['noise_seed', [NOISE.seed, NOISE.step]]]);
    return evaluateGraph([this.y], leaves).get(this.y)!;
  }

  /** By plain loops, sample by sample. */
  want(block: (x: Image, sample: number) => Image): number[] {
    const [, h = 1, w = 1, c = 1] = this.x.shape;
    return Array.from({ length: SAMPLES }, (_, n) => {
      const from = n * h * w * c;
      const values = Float64Array.from(this.leaves.get('x')!.subarray(from, from + h * w * c));
      return [...block({ h, w, c, values }, n).values];
    }).flat();
  }
}
