import { describe, expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { matmulStep } from '../../kernels/matmul/steps.ts';
import { measureProduct, productBy, sidesFor } from '../../web/chapters/product.ts';
import { VERSIONS } from '../../web/chapters/product_counts.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { matmul } from '../reference/matmul.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

describeAdapters('the versions of the product in chapter 16', (device) => {
  const [M, N, K] = [64, 192, 128];
  const [a, b] = [randomArray(M * K, 1), randomArray(K * N, 2)];

  it.each(VERSIONS)('%s: every number is that of float64', async (version) => {
    const [got] = await evaluate(device(), [productBy(version, input('a', [M, K]), input('b', [K, N]))], { a, b });
    const magnitude = matmul(a.map(Math.abs), b.map(Math.abs), M, N, K);
    expectWithin(got, matmul(a, b, M, N, K), (i) => sumBound(K, magnitude[i]));
  });

  it('are measured by their own kernels, and a wrong one is not', async () => {
    const kernels = { naive: 'matmul_v1', tile: 'matmul_step_tile', several: 'matmul_step_several' } as const;
    for (const version of ['naive', 'tile', 'several'] as const) {
      const result = await measureProduct(device(), version, 64);
      expect(result).toMatchObject({ version, kernels: [kernels[version]] });
      if (!('gflops' in result)) throw new Error('not measured');
      expect(result.gflops).toBeCloseTo((2 * 64 ** 3) / result.ms / 1e6, 9);
      expect(result.difference).toBeLessThan(sumBound(64, 10));
    }
  });
});

describe('the steps of chapter 16', () => {
  it('refuse sizes whose edges they do not know', () => {
    expect(() => matmulStep('tile', 64, 64, 60)).toThrow('60 must be multiples of 64');
    for (const software of [true, false]) expect(sidesFor(software).every((side) => side % 64 === 0)).toBe(true);
  });
});
