import { input } from '../../engine/ops/leaves.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { roundToHalf } from '../half.ts';
import { randomArray } from '../random.ts';

/**
 * Ops on operands that a program of precision f16 stores as f16. Each such operand, and each result that can be one,
 * passes through a maximum over windows of one pixel: exact, never fused with anything, it stores as f16 what was fed
 * as f32, and reads as f32 what was stored as f16.
 */
export interface PrecisionCase {
  /** Operands and results that must be stored as f16. */
  readonly half: readonly Tensor[];
  /** What is read, always f32: results that are so, or what `results` were stored as. */
  readonly outputs: readonly Tensor[];
  /** The results among `half`, by the output that reads them. */
  readonly results: ReadonlyMap<Tensor, Tensor>;
  readonly feeds: Readonly<Record<string, Float32Array | Uint32Array>>;
  /**
   * How far output o may be off, element i, by rounding in f32; `magnitude` is what the reference gives it for the
   * feeds' absolute values.
   */
  error(o: number, magnitude: number): number;
}

/** See PrecisionCase. */
const across = (x: Tensor): Tensor => maxPool2d(x, { size: 1 });

/** The operands and results of a case, as they are made. */
export class Operands {
  readonly feeds: Record<string, Float32Array | Uint32Array> = {};
  readonly half: Tensor[] = [];
  readonly outputs: Tensor[] = [];
  private readonly resultOf = new Map<Tensor, Tensor>();

  /** An f32 operand: weights, statistics. */
  plain(name: string, shape: Shape, low = -1, high = 1): Tensor {
    this.feeds[name] = randomArray(sizeOf(shape), Object.keys(this.feeds).length + 1, low, high);
    return input(name, shape);
  }

  /** An operand that is stored as f16, and holds only what f16 holds exactly. */
  stored(name: string, shape: Shape, low = -1, high = 1): Tensor {
    const x = this.plain(name, shape, low, high);
    this.feeds[name] = (this.feeds[name] as Float32Array).map(roundToHalf);
    const y = across(x);
    this.half.push(y);
    return y;
  }

  /** Results that are stored as f16. */
  results(...tensors: readonly Tensor[]): this {
    for (const t of tensors) {
      const read = across(t);
      this.half.push(t);
      this.outputs.push(read);
      this.resultOf.set(read, t);
    }
    return this;
  }

  /** Results that are f32. */
  exact(...tensors: readonly Tensor[]): this {
    this.outputs.push(...tensors);
    return this;
  }

  case(error: PrecisionCase['error']): PrecisionCase {
    return { half: this.half, outputs: this.outputs, results: this.resultOf, feeds: this.feeds, error };
  }
}

export type Build = () => PrecisionCase;
