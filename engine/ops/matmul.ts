import { matmulV1, type MatmulSize } from '../../kernels/matmul/matmul.ts';
import { matmulBatch, type BatchSize } from '../../kernels/matmul/matmul_batch.ts';
import { checkOneOf, checkOptions, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkTensors, shapeError, sizeOf, type Shape, type Tensor } from '../tensor.ts';
import { lastStep, type Epilogue } from './epilogue.ts';
import { reshape } from './leaves.ts';
import { Steps } from './matmul_lower.ts';
import { commonShape } from './pointwise.ts';
import { broadcastTo, sumTo } from './reduce.ts';

export interface MatmulAttributes {
  /** `a` is stored as [K, M]. */
  readonly transposeA?: boolean;
  /** `b` is stored as [N, K]. */
  readonly transposeB?: boolean;
  /** The kernel: 1 is the naive one, kept as the second opinion of the tests. */
  readonly version?: 1 | 2;
}

const OPTIONS: Known<MatmulAttributes> = { transposeA: true, transposeB: true, version: true };

/** Of the last two dimensions. */
function sizes(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulAttributes): MatmulSize {
  const [rowsA, columnsA, rowsB, columnsB] = [...a.shape.slice(-2), ...b.shape.slice(-2)];
  const [M, K] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [K2, N] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (K !== K2)
    shapeError(
      'matmul',
      `[${M}, ${K}] times [${K2}, ${N}]${transposeA || transposeB ? ' (after transposing)' : ''}: the inner dimensions differ`,
      a,
      b,
    );
  return { M, N, K, transposeA, transposeB };
}

// y[m, n] = Σ_k op(a)[m, k] · op(b)[k, n]
// So op(a)' = dy · op(b)ᵀ and op(b)' = op(a)ᵀ · dy, transposed again where op is.
const matmulOp = defineOp<'a' | 'b', MatmulAttributes & Epilogue>({
  name: 'matmul',
  inputs: ['a', 'b'],
  shape([a, b], attrs) {
    const { M, N } = sizes(a, b, attrs);
    return [M, N];
  },
  vjp: ({ a, b }, dy, { transposeA = false, transposeB = false, version }) => ({
    a: () =>
      transposeA
        ? matmul(b, dy, { transposeA: transposeB, transposeB: true, version })
        : matmul(dy, b, { transposeB: !transposeB, version }),
    b: () =>
      transposeB
        ? matmul(dy, a, { transposeA: true, transposeB: transposeA, version })
        : matmul(a, dy, { transposeA: !transposeA, version }),
  }),
  takesEpilogue: true,
  lower(ctx) {
    const [a, b] = ctx.inputs;
    const size = sizes(a, b, ctx.attrs);
    if (ctx.attrs.version === 1)
      return lastStep(ctx, matmulV1(size), (out) => ({ a: ctx.in(0), b: ctx.in(1), out }), ctx.in(0));
    const steps = new Steps(ctx);
    steps.matmul(size, ctx.in(0), ctx.in(1));
    return steps.list;
  },
});

/** Of [B, M, K] and [B, K, N], of which one may have 1 for B. */
function batchSize(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulAttributes): BatchSize {
  const [M, K] = transposeA ? [a.shape[2], a.shape[1]] : a.shape.slice(1);
  const N = b.shape[transposeB ? 1 : 2];
  const products = Math.max(a.shape[0], b.shape[0]);
  const [sharedA, sharedB] = [a, b].map(({ shape }) => shape[0] < products);
  return { M, N, K, products, sharedA, sharedB, transposeA, transposeB };
}

// y[z, m, n] = Σ_k op(a)[z, m, k] · op(b)[z, k, n]: a factor that is the same for all z collects the cotangents of all.
const batchOp = defineOp<'a' | 'b', MatmulAttributes>({
  name: 'batch_matmul',
  inputs: ['a', 'b'],
  shape([a, b], attrs) {
    const { products, M, N } = batchSize(a, b, attrs);
    return [products, M, N];
  },
  vjp: ({ a, b }, dy, { transposeA = false, transposeB = false, version }) => ({
    a() {
      const all = transposeA
        ? batch(b, dy, { transposeA: transposeB, transposeB: true, version })
        : batch(dy, b, { transposeB: !transposeB, version });
      return sumTo(all, a.shape);
    },
    b() {
      const all = transposeB
        ? batch(dy, a, { transposeA: true, transposeB: transposeA, version })
        : batch(a, dy, { transposeA: !transposeA, version });
      return sumTo(all, b.shape);
    },
  }),
  lower: ({ inputs: [a, b], attrs, capabilities, in: from, out }) => [
    {
      launch: matmulBatch(batchSize(a, b, attrs), capabilities, attrs.version === 1),
      buffers: { a: from(0), b: from(1), out: out() },
    },
  ],
});
const batch = (a: Tensor, b: Tensor, attrs: MatmulAttributes): Tensor => batchOp([a, b], attrs);

/** Products of matrices that lie along leading dimensions, which are repeated to common ones. */
function matmulOfMany(a: Tensor, b: Tensor, attrs: MatmulAttributes): Tensor {
  const [leadA, leadB] = [a, b].map(({ shape }) => shape.slice(0, -2));
  const lead = commonShape(leadA, leadB) ?? shapeError('matmul', 'the leading dimensions do not broadcast', a, b);
  const [lastA, lastB] = [a, b].map(({ shape }) => shape.slice(-2));
  // Checks the inner dimensions as well.
  const { M, N, K } = sizes(a, b, attrs);
  // One matrix on the right takes all rows at once.
  if (sizeOf(leadB) === 1 && !attrs.transposeA)
    return reshape(matmulOp([reshape(a, [sizeOf(leadA) * M, K]), reshape(b, lastB)], attrs), [...lead, M, N]);
  const flat = (t: Tensor, own: Shape, last: Shape): Tensor => {
    const count = sizeOf(own) === 1 ? 1 : sizeOf(lead);
    const whole = sizeOf(own) === count ? t : broadcastTo(t, [...lead, ...last]);
    return reshape(whole, [count, ...last]);
  };
  return reshape(batchOp([flat(a, leadA, lastA), flat(b, leadB, lastB)], attrs), [...lead, M, N]);
}

/**
 * The matrix product [M, K] · [K, N] -> [M, N]; of tensors with more dimensions the products of their last two, the
 * leading ones repeated to common ones, and of vectors what NumPy makes of them: [K] is a row on the left, a column on
 * the right, and that dimension disappears.
 * @throws UserError where a factor is a scalar, the inner dimensions differ, or the leading ones do not broadcast
 */
export function matmul(a: Tensor, b: Tensor, attrs: MatmulAttributes = {}): Tensor {
  checkOptions('matmul', attrs, OPTIONS);
  for (const name of ['transposeA', 'transposeB'] as const) checkOneOf('matmul', name, attrs[name], [true, false]);
  checkOneOf('matmul', 'version', attrs.version, [1, 2]);
  checkTensors('matmul', { a, b });
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  if (rankA === 0 || rankB === 0) shapeError('matmul', 'a factor is a scalar', a, b);
  if (rankA === 2 && rankB === 2) return matmulOp([a, b], attrs);
  if (rankA > 1 && rankB > 1) return matmulOfMany(a, b, attrs);
  if ((rankA === 1 && attrs.transposeA) || (rankB === 1 && attrs.transposeB))
    shapeError('matmul', 'a vector is not transposed', a, b);
  const y = matmul(rankA === 1 ? reshape(a, [1, a.size]) : a, rankB === 1 ? reshape(b, [b.size, 1]) : b, attrs);
  const dropped = [...(rankA === 1 ? [y.shape.length - 2] : []), ...(rankB === 1 ? [y.shape.length - 1] : [])];
  return reshape(
    y,
    y.shape.filter((_, d) => !dropped.includes(d)),
  );
}
