import { grad } from '../../engine/autodiff.ts';
import type { Device } from '../../engine/device/device.ts';
import { input } from '../../engine/ops/leaves.ts';
import { mul, silu } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';

export interface SmokeTest {
  readonly ok: boolean;
  /** The largest difference from the CPU's float64, relative to the largest value. */
  readonly error: number;
  readonly milliseconds: number;
}

/** Rounding of float32 over a sum of 64 terms stays far below this; a wrong kernel far above. */
const TOLERANCE = 1e-4;

/**
 * Computes y = Σ_c w_c · x_c · sigmoid(x_c) of 32 rows of 64 numbers and the gradient of Σ y with respect to x on the
 * device, and holds both against the same formulas on the CPU.
 */
export async function smokeTest(device: Device): Promise<SmokeTest> {
  const start = performance.now();
  const [rows, columns] = [32, 64];
  const x = Float32Array.from({ length: rows * columns }, (_, i) => ((i * 37) % 101) / 25 - 2);
  const w = Float32Array.from({ length: columns }, (_, i) => ((i * 11) % 17) / 8 - 1);

  const expected: number[] = new Array<number>(rows).fill(0);
  const expectedGradient: number[] = [];
  x.forEach((value, i) => {
    const sigmoid = 1 / (1 + Math.exp(-value));
    expected[Math.floor(i / columns)] += w[i % columns] * value * sigmoid;
    expectedGradient.push(w[i % columns] * (sigmoid + value * sigmoid * (1 - sigmoid)));
  });

  const X = input('x', [rows, columns]);
  const y = sum(mul(silu(X), input('w', [columns])), [1]);
  const [dX] = grad(sum(y), [X]);
  using program = await compile(device, { outputs: [y, dX] });
  program.run({ x, w });
  const error = Math.max(distance(await program.read(y), expected), distance(await program.read(dX), expectedGradient));
  return { ok: error < TOLERANCE, error, milliseconds: performance.now() - start };
}

/** max |a - b| / max |b|; Infinity where something is no number. */
function distance(a: Float32Array, b: readonly number[]): number {
  let [largest, scale] = [0, 0];
  b.forEach((value, i) => {
    if (!Number.isFinite(a[i])) largest = Infinity;
    largest = Math.max(largest, Math.abs(a[i] - value));
    scale = Math.max(scale, Math.abs(value));
  });
  return largest / scale;
}
