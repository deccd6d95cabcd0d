import { matmulV1, type MatmulSize } from '../../kernels/matmul/matmul.ts';
import { defineOp } from '../op.ts';
import { shapeError, type Tensor } from '../tensor.ts';
import { lastStep, type Epilogue } from './epilogue.ts';
import { Steps } from './matmul_lower.ts';

export interface MatmulAttributes {
  /** `a` is stored as [K, M]. */
  readonly transposeA?: boolean;
  /** `b` is stored as [N, K]. */
  readonly transposeB?: boolean;
  /** The kernel: 1 is the naive one, kept as the second opinion of the tests. */
  readonly version?: 1 | 2;
}

function sizes(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulAttributes): MatmulSize {
  if (a.shape.length !== 2 || b.shape.length !== 2) shapeError('matmul', 'both factors must be matrices', a, b);
  const [M, K] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const [K2, N] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
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

/**
 * The matrix product [M, K] · [K, N] -> [M, N].
 * @throws UserError where a factor is no matrix or the inner dimensions differ
 */
export function matmul(a: Tensor, b: Tensor, attrs: MatmulAttributes = {}): Tensor {
  return matmulOp([a, b], attrs);
}
