import { matmulV2, resize, type MatmulSize } from '../../kernels/matmul/matmul.ts';
import { allMatmulChoices, matmulV3 } from '../../kernels/matmul/matmul_v3.ts';
import { normalisedChoices, withNormalisedLeft, type NormalisedLeft } from '../../kernels/matmul/normalised.ts';
import { padded } from '../../kernels/matmul/tiling.ts';
import { matmulFew, matmulSmall } from '../../kernels/matmul/small.ts';
import { addParts, MOST_PARTS } from '../../kernels/matmul/parts.ts';
import { reduce } from '../../kernels/reduce/reduce.ts';
import type { BufferRef, LowerContext, Step } from '../op.ts';
import { chain } from './chain.ts';
import { epiloguePass, lastStep, plainly, type Epilogue } from './epilogue.ts';

type Context = LowerContext<Epilogue>;

/** A batch norm that the left operand becomes as it is read, and the buffers that it has besides. */
export interface LeftNorm {
  readonly norm: NormalisedLeft;
  readonly of_channel: BufferRef;
  readonly gate: BufferRef;
}

/** Collects the steps of an op that needs several: a tiled kernel and the padding, cutting and adding around it. */
export class Steps {
  readonly list: Step[] = [];

  constructor(private readonly context: Context) {}

  /** x [outer, mid, inner] with its two last dimensions as given, in scratch; x itself where they are so already. */
  padded(
    x: BufferRef,
    outer: number,
    [midIn, midOut]: readonly [number, number],
    [innerIn, innerOut]: readonly [number, number],
  ): BufferRef {
    if (midIn === midOut && innerIn === innerOut) return x;
    const out = this.context.temp(outer * midOut * innerOut);
    this.list.push({ launch: resize(outer, [midIn, midOut], [innerIn, innerOut]), buffers: { x, out } });
    return out;
  }

  /** Cuts x [outer, mid, inner] down into `out`. */
  cut(
    x: BufferRef,
    out: BufferRef,
    outer: number,
    mid: readonly [number, number],
    inner: readonly [number, number],
  ): void {
    this.list.push({ launch: resize(outer, mid, inner), buffers: { x, out } });
  }

  /** Adds up `parts` results of `size` elements each that lie one after the other, in a fixed order, into `out`. */
  addUp(x: BufferRef, out: BufferRef, parts: number, size: number): void {
    this.list.push(
      ...chain(
        { out: () => out, temp: (size) => this.context.temp(size) },
        { x },
        reduce([1, parts, size], 1, this.context.capabilities),
      ),
    );
  }

  /** The output [M, N] = op(norm(a)) · op(b), where kernels can make it so. */
  matmulOfNorm(size: MatmulSize, a: BufferRef, b: BufferRef, { norm, ...read }: LeftNorm): void {
    const { context } = this;
    const { M, N } = size;
    const { launch, parts } = matmulV2(size, context.choose(normalisedChoices(size, context.capabilities)));
    const own = withNormalisedLeft(launch, norm);
    const buffers = { left: a, right: b, ...read };
    if (parts === 1) {
      this.list.push(...lastStep(context, own, (out) => ({ ...buffers, out }), b));
      return;
    }
    const out = context.temp(parts * M * N);
    this.list.push({ launch: own, buffers: { ...buffers, out } });
    this.addUp(out, context.out(), parts, M * N);
  }

  /** The output [M, N] = op(a) · op(b), whatever the sizes, and the op's epilogue. */
  matmul(size: MatmulSize, a: BufferRef, b: BufferRef): void {
    const { context } = this;
    const { M, N, K, transposeA, transposeB } = size;
    const choice = context.choose(allMatmulChoices(size, context.capabilities));
    if ('depths' in choice || 'fewLanes' in choice) {
      const launch = 'depths' in choice ? matmulSmall(size, choice) : matmulFew(size, choice);
      this.list.push(...lastStep(context, launch, (out) => ({ a, b, out }), b));
      return;
    }
    const [aRows, aCols] = transposeA ? [K, M] : [M, K];
    const [bRows, bCols] = transposeB ? [N, K] : [K, N];
    const A = this.padded(a, 1, [aRows, aRows], [aCols, padded(aCols)]);
    const B = this.padded(b, 1, [bRows, bRows], [bCols, padded(bCols)]);
    const wide = padded(N);
    const { launch, swapped, parts } =
      'regM' in choice ? matmulV3(size, choice, context.capabilities.subgroupMatrix!) : matmulV2(size, choice);
    const factors = { left: swapped ? B : A, right: swapped ? A : B };
    if (wide === N && parts === 1 && !swapped) {
      this.list.push(...lastStep(context, launch, (out) => ({ ...factors, out }), factors.right));
      return;
    }
    // The sums of weight gradients wait for one another: engine/program/joins.ts.
    const isAlone = context.attrs.epilogue !== undefined || !transposeA;
    if (isAlone && wide === N && parts > 1 && parts <= MOST_PARTS) {
      const product = context.temp(parts * M * N);
      this.list.push(plainly({ launch, buffers: { ...factors, out: product } }, factors.right));
      this.list.push(...lastStep(context, addParts(M, N, parts), (sum) => ({ x: product, out: sum }), product));
      return;
    }
    const out = context.attrs.epilogue ? context.temp(M * N) : context.out();
    const whole = wide === N ? out : context.temp(M * wide);
    const product = parts === 1 ? whole : context.temp(parts * M * wide);
    this.list.push(plainly({ launch, buffers: { ...factors, out: product } }, factors.right));
    if (parts > 1) this.addUp(product, whole, parts, M * wide);
    if (wide !== N) this.cut(whole, out, 1, [M, M], [wide, N]);
    if (context.attrs.epilogue) this.list.push(epiloguePass(context, out));
  }
}
