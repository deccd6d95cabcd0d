import { expect, it } from 'vitest';
import { ADAPTERS } from '../../gpu.ts';
import { runSpecs, type Outcome } from './specs.ts';

/** Suites of specs that fail, and how many specs of each: what this backend does otherwise. */
const OTHERWISE: Readonly<Record<string, number>> = {
  // Windows that see nothing but padding are refused; the gradient at the edge divides as the average does, by the
  // pixels that the window sees, and tfjs's by the size of the window.
  avgPool: 4,
  // The cotangent does not fit the shape that is asked for, which tfjs does not look at.
  conv2dTranspose: 1,
  // To within 1e-3 of 22026: the nearest f32 is farther away.
  exp: 1,
  // Of windows of padding as above; and NaN passes.
  maxPool: 4,
  pool: 4,
};

/** Kernels that are refused where their inputs were computed, or are complex. */
const REFUSED =
  'Add Atan2 AvgPool3DGrad Bincount Cast ComplexAbs Concat Conv3DBackpropInputV2 Cos Cumprod DenseBincount IFFT Imag LRNGrad MaxPool3DGrad Multinomial Multiply OnesLike Real Sin SparseToDense Sub TopK';

/** What a spec comes to: it passes, a sentence refuses what it asks for, or it fails. */
const kindOf = ({ why }: Outcome) =>
  why === undefined ? 'passed' : why.startsWith('tuningfork: ') ? 'refused' : 'failed';

it("passes tfjs's own specs", async () => {
  const outcomes = await runSpecs(ADAPTERS[0], /^(ops|optimizers)\/|^\/(gradients|variable)_test/);
  const of = (kind: string) => outcomes.filter((outcome) => kindOf(outcome) === kind);
  const failed: Record<string, number> = {};
  for (const { name } of of('failed')) {
    const suite = name.split(' \u203a ')[0];
    failed[suite] = (failed[suite] ?? 0) + 1;
  }
  const kernels = of('refused').map(({ why }) => /the kernel (\w+) of/.exec(why!)?.[1] ?? why);
  expect(failed).toEqual(OTHERWISE);
  expect([...new Set(kernels)].sort().join(' ')).toBe(REFUSED);
  expect([of('passed').length, kernels.length]).toEqual([2898, 61]);
});
