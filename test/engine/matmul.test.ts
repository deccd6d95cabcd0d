import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { taskOf, type Tuning } from '../../engine/tuning.ts';
import { UserError } from '../../engine/user_error.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { matmul as reference } from '../reference/matmul.ts';
import { expectWithin, sumBound } from '../tolerance.ts';
import { asHardware, asLavapipe } from './as_adapter.ts';

/**
 * M, N, K: single rows and columns, sizes that no tile divides, sizes that all do, and long thin ones; tiny and few
 * rows, which have kernels of their own, and more.
 */
const SIZES = [
  [1, 260, 301],
  [301, 1, 260],
  [260, 33, 9],
  [131, 257, 3],
  [3, 20, 260],
  [4, 36, 8],
  [2, 132, 68],
  [1, 1, 1],
  [1, 7, 5],
  [9, 1, 33],
  [4, 8, 12],
  [5, 6, 7],
  [8, 1280, 3],
  [33, 10, 64],
  [64, 64, 64],
  [67, 35, 129],
  [2, 24, 1152],
  [3, 5, 4100],
  // Its sum is made in parts, of which the last reaches beyond the depth.
  [20, 24, 4100],
] as const;
const TRANSPOSES = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;
/** The naive kernels, the tiled ones, and the tiled ones as a real GPU would get them. */
const VARIANTS = [
  [1, false],
  [2, false],
  [2, true],
] as const;

/** Takes the tiled kernels for small products too. */
async function inTiles(device: Device, outputs: readonly Tensor[]): Promise<Tuning> {
  using usual = await compile(device, { outputs });
  const tiled = usual.choicePoints.map(
    ({ tensor, choices }) => [taskOf(tensor, choices), choices.candidates.find((each) => 'columns' in each)] as const,
  );
  const choices = new Map(tiled);
  return { find: (task) => choices.get(task) };
}

const absolute = (x: Float32Array) => x.map(Math.abs);

describe('the matmul reference', () => {
  it.each(TRANSPOSES)('has the derivative that finite differences find (transposeA %s, transposeB %s)', (tA, tB) => {
    const [M, N, K] = [3, 4, 5];
    const a = Float64Array.from(randomArray(M * K, 1));
    const b = Float64Array.from(randomArray(K * N, 2));
    const dy = Float64Array.from(randomArray(M * N, 3));
    // The rules of the op's vjp, in the reference's terms: dA = dy · op(b)ᵀ, dB = op(a)ᵀ · dy.
    const da = tA ? reference(b, dy, K, M, N, tB, true) : reference(dy, b, M, K, N, false, !tB);
    const db = tB ? reference(dy, a, N, K, M, true, tA) : reference(a, dy, K, N, M, !tA, false);
    expectGradient(([x, y]) => reference(x, y, M, N, K, tA, tB), [a, b], dy, [da, db]);
  });
});

describeAdapters('matmul', (device) => {
  it.each(SIZES)('multiplies and differentiates M %i, N %i, K %i', async (M, N, K) => {
    const a = randomArray(M * K, 21);
    const b = randomArray(K * N, 22);
    const dy = randomArray(M * N, 23);
    for (const [tA, tB] of TRANSPOSES) {
      const want = [
        {
          y: reference(a, b, M, N, K, tA, tB),
          magnitude: reference(absolute(a), absolute(b), M, N, K, tA, tB),
          length: K,
        },
        tA
          ? {
              y: reference(b, dy, K, M, N, tB, true),
              magnitude: reference(absolute(b), absolute(dy), K, M, N, tB, true),
              length: N,
            }
          : {
              y: reference(dy, b, M, K, N, false, !tB),
              magnitude: reference(absolute(dy), absolute(b), M, K, N, false, !tB),
              length: N,
            },
        tB
          ? {
              y: reference(dy, a, N, K, M, true, tA),
              magnitude: reference(absolute(dy), absolute(a), N, K, M, true, tA),
              length: M,
            }
          : {
              y: reference(a, dy, K, N, M, !tA),
              magnitude: reference(absolute(a), absolute(dy), K, N, M, !tA),
              length: M,
            },
      ];
      for (const [version, hardware] of VARIANTS) {
        const on = hardware ? asHardware(device()) : device();
        const A = input('a', tA ? [K, M] : [M, K]);
        const B = input('b', tB ? [N, K] : [K, N]);
        const DY = input('dy', [M, N]);
        const y = matmul(A, B, { transposeA: tA, transposeB: tB, version });
        const got = await evaluate(on, [y, ...grad(y, [A, B], DY)], { a, b, dy });
        want.forEach(({ y, magnitude, length }, i) =>
          expectWithin(
            got[i],
            y,
            (e) => sumBound(length, magnitude[e]),
            `v${version}${hardware ? ' as hardware' : ''} ${['y', 'da', 'db'][i]} (${tA}, ${tB})`,
          ),
        );
      }
    }
  });

  it.each(SIZES)('is right in the tiles of a GPU where it is small, too: %d x %d x %d', async (M, N, K) => {
    const gpu = asHardware(device());
    for (const [transposeA, transposeB] of TRANSPOSES) {
      const [a, b] = [randomArray(M * K, 24), randomArray(K * N, 25)];
      const y = matmul(input('a', transposeA ? [K, M] : [M, K]), input('b', transposeB ? [N, K] : [K, N]), {
        transposeA,
        transposeB,
      });
      using program = await compile(gpu, { outputs: [y], tuning: await inTiles(gpu, [y]) });
      expect(program.steps.some(({ launch }) => launch.kernel.name.startsWith('matmul_v2'))).toBe(true);
      program.run({ a, b });
      const magnitude = reference(absolute(a), absolute(b), M, N, K, transposeA, transposeB);
      const want = reference(a, b, M, N, K, transposeA, transposeB);
      expectWithin(await program.read(y), want, (e) => sumBound(K, magnitude[e]), 'y');
    }
  });

  it('multiplies in tiles of 256 threads, where a workgroup has so many', async () => {
    const [M, N, K] = [140, 136, 37];
    const [a, b] = [randomArray(M * K, 24), randomArray(K * N, 25)];
    const y = matmul(input('a', [M, K]), input('b', [K, N]));
    using usual = await compile(asHardware(device()), { outputs: [y] });
    const choice = usual.choicePoints[0].choices.candidates.find(
      (each) => each['lanes'] === 256 && each['high'] === 2,
    )!;
    using program = await compile(asHardware(device()), { outputs: [y], tuning: { find: () => choice } });
    expect(program.steps.map(({ launch }) => [launch.kernel.name, launch.workgroups])).toContainEqual([
      'matmul_v2_workgroup',
      [2, 2, 1],
    ]);
    program.run({ a, b });
    const magnitude = reference(absolute(a), absolute(b), M, N, K);
    expectWithin(await program.read(y), reference(a, b, M, N, K), (e) => sumBound(K, magnitude[e]), 'y');
  });

  it('differentiates twice', async () => {
    // The derivative of <dy, a·b> in a is dy·bᵀ; <v, dy·bᵀ> = <vᵀ·dy, b>, whose derivative in b is vᵀ·dy.
    const [A, B, DY, V] = [input('a', [3, 4]), input('b', [4, 5]), input('dy', [3, 5]), input('v', [3, 4])];
    const [da] = grad(matmul(A, B), [A], DY);
    const [db] = grad(da, [B], V);
    const feeds = { dy: randomArray(15, 3), v: randomArray(12, 4) };
    const [got] = await evaluate(device(), [db], feeds);
    expectWithin(got, reference(feeds.v, feeds.dy, 4, 5, 3, true), () => sumBound(3, 3), 'db');
  });
});

describe('matmul without a GPU', () => {
  it('names the op and the shapes where they do not fit', () => {
    expect(() => matmul(input('a', [2, 3]), input('b', [4, 5]))).toThrow(UserError);
    expect(() => matmul(input('a', [2, 3]), input('b', [4, 5]))).toThrow(
      /matmul: .*\[2, 3\] times \[4, 5\].*a \[2, 3\], b \[4, 5\]/,
    );
    expect(() => matmul(input('a', [2, 3]), input('b', [3, 5]), { transposeB: true })).toThrow(/after transposing/);
    expect(() => matmul(input('a', [2, 3, 1]), input('b', [3, 5]))).toThrow(/matmul: .*a \[2, 3, 1\], b \[3, 5\]/);
  });

  it('compiles every variant on the null backend', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const [version, hardware] of VARIANTS) {
      for (const [transposeA, transposeB] of TRANSPOSES) {
        for (const [M, N, K] of SIZES) {
          const y = matmul(input('a', transposeA ? [K, M] : [M, K]), input('b', transposeB ? [N, K] : [K, N]), {
            transposeA,
            transposeB,
            version,
          });
          using program = await compile(hardware ? asHardware(device) : asLavapipe(device), { outputs: [y] });
          expect(program.steps.length).toBeGreaterThan(0);
        }
      }
    }
  });
});
