import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { Device, openDevice } from '../../engine/device/device.ts';
import { openGpu, SUBGROUP_MATRIX_TOGGLES } from '../../engine/device/gpu.node.ts';
import { subgroupMatrixOf } from '../../engine/device/subgroup_matrix.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, relu } from '../../engine/ops/pointwise.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { outline } from '../../engine/program/outline.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { specialise, storedAsHalf, type Choice } from '../../kernels/kernel.ts';
import { describeAdapters } from '../gpu.ts';
import { halfBound } from '../half.ts';
import { randomArray } from '../random.ts';
import { matmul as reference } from '../reference/matmul.ts';
import { expectWithin, sumBound } from '../tolerance.ts';
import { SHAPES, absolute, halves, withEmulatedMatrices, withMatrices } from './subgroup_matrix_emulation.ts';

/*
 * Products with subgroup matrices (tensor cores): with the real ones where the adapter has them, or else with the
 * kernels' text rewritten (subgroup_matrix_emulation.ts), which executes tiles, edges, padding, the loop over depths,
 * split sums and epilogues as they are.
 *
 * What the emulation cannot prove: that a driver's matrices compute what Dawn's documents say; that all invocations of
 * a subgroup arrive together (Tint's analysis proves that, on the null backend); operands that another subgroup
 * overwrites between a load and the multiplication after it, between which no barrier lies; and any speed.
 * wgsl_reflect's race detector cannot run them: it takes private variables as shared. That barriers are needed where
 * they are is shown by leaving them out. SwiftShader has no f16: there operands are rounded to it and kept as f32.
 */

const TRANSPOSES = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

const product = (M: number, N: number, K: number, transposeA: boolean, transposeB: boolean) =>
  matmul(input('a', transposeA ? [K, M] : [M, K]), input('b', transposeB ? [N, K] : [K, N]), {
    transposeA,
    transposeB,
  });
const kernelsOf = ({ steps }: Pick<Program, 'steps'>) => steps.map(({ launch }) => launch.kernel.name);

/** The tilings of a program's one choice that use subgroup matrices. */
function matrixChoices(device: Device, y: Tensor): Choice[] {
  const [{ choices }] = outline(device, { outputs: [y], precision: 'f16' }).lowered.choicePoints;
  return choices.candidates.filter((choice) => 'regM' in choice);
}

async function run(
  device: Device,
  y: Tensor,
  feeds: Record<string, Float32Array>,
  choice?: Choice,
): Promise<Float32Array> {
  using program = await compile(device, {
    outputs: [y],
    precision: 'f16',
    ...(choice && { tuning: { find: () => choice } }),
  });
  expect(kernelsOf(program)).toContain('matmul_v3');
  program.run(feeds);
  return program.read(y);
}

/** M, N, K that no tile divides; the second is a sum long enough for parts. */
const ODD = [101, 90, 130] as const;
const LONG = [33, 36, 1100] as const;

async function check(
  on: Device,
  [M, N, K]: readonly [number, number, number],
  choice: Choice,
  tA = false,
  tB = false,
): Promise<void> {
  const y = product(M, N, K, tA, tB);
  expect(matrixChoices(on, y)).toContainEqual(choice);
  const [a, b] = [halves(M * K, 21), halves(K * N, 22)];
  const magnitude = reference(absolute(a), absolute(b), M, N, K, tA, tB);
  expectWithin(
    await run(on, y, { a, b }, choice),
    reference(a, b, M, N, K, tA, tB),
    (i) => sumBound(K, magnitude[i]),
    `${JSON.stringify(choice)} (${tA}, ${tB})`,
  );
}

describeAdapters('matmul with subgroup matrices', (device) => {
  // One tile of each number of matrices that a subgroup owns, in turn with the transpositions: others differ in
  // constants only and take long to compile. SwiftShader, which takes minutes, is given the default.
  it('multiplies, operands as they lie or transposed', async () => {
    const on = withMatrices(device());
    const slow = /swiftshader/i.test(on.adapter.description);
    const seen = new Set<string>();
    for (const [t, [tA, tB]] of TRANSPOSES.entries()) {
      for (const [i, choice] of matrixChoices(on, product(...ODD, tA, tB)).entries()) {
        const own = `${choice['regM']} x ${choice['regN']}`;
        if (slow ? i + t > 0 : i > 0 && (seen.has(own) || seen.size > t + 1)) continue;
        seen.add(own);
        await check(on, ODD, choice, tA, tB);
      }
    }
    expect([...seen].sort()).toEqual(slow ? ['1 x 1'] : ['1 x 1', '2 x 1', '2 x 2', '4 x 2', '4 x 4']);
  });

  it('adds the parts of a long sum', async () => {
    const on = withMatrices(device());
    const y = product(...LONG, false, false);
    const [choice] = matrixChoices(on, y);
    for (const parts of [1, choice['parts']]) {
      const { lowered } = outline(on, {
        outputs: [y],
        precision: 'f16',
        tuning: { find: () => ({ ...choice, parts }) },
      });
      expect(kernelsOf(lowered)).toEqual(parts === 1 ? ['matmul_v3'] : ['matmul_v3', 'matmul_parts']);
      await check(on, LONG, { ...choice, parts });
    }
    expect(choice['parts']).toBe(4);
  });

  it('rounds operands to f16, beyond its range to infinity', async () => {
    const on = withMatrices(device());
    const [M, N, K] = [96, 96, 128];
    const [a, b] = [randomArray(M * K, 5).map((v) => (Math.abs(v) < 2 ** -14 ? 0 : v)), randomArray(K * N, 6, 0.5, 1)];
    a[3 * K] = 65_505;
    a[4 * K] = 65_504;
    const got = await run(on, product(M, N, K, false, false), { a, b });
    const magnitude = reference(absolute(a), b, M, N, K);
    const want = reference(a, b, M, N, K).map((v, i) => (Math.floor(i / N) === 3 ? Infinity : v));
    // WGSL may take either neighbour: a unit of the last of 11 digits for each operand.
    expectWithin(
      got.map((v) => (v === Infinity ? 0 : v)),
      want.map((v) => (v === Infinity ? 0 : v)),
      (i) => (2 * 2 ** -10 + 2 ** -20) * magnitude[i] + sumBound(K, 1.01 * magnitude[i]),
    );
    expect([...got].map((v) => v === Infinity)).toEqual([...want].map((v) => v === Infinity));
  });
});

describeAdapters(
  'matmul with other subgroup matrices',
  (device) => {
    it('applies an epilogue', async () => {
      const on = withMatrices(device());
      const [M, N, K] = [65, 132, 128];
      const feeds = {
        a: halves(M * K, 1),
        b: halves(K * N, 2),
        bias: randomArray(N, 3),
        residual: randomArray(M * N, 4),
      };
      const y = add(relu(add(product(M, N, K, false, false), input('bias', [N]))), input('residual', [M, N]));
      using program = await compile(on, { outputs: [y], precision: 'f16' });
      expect(kernelsOf(program)).toEqual(['matmul_v3']);
      program.run(feeds);
      const sums = reference(feeds.a, feeds.b, M, N, K);
      const magnitude = reference(absolute(feeds.a), absolute(feeds.b), M, N, K);
      expectWithin(
        await program.read(y),
        sums.map((v, i) => Math.max(v + feeds.bias[i % N], 0) + feeds.residual[i]),
        (i) => sumBound(K + 2, magnitude[i] + 2),
      );
    });

    it.each([1, 2])(
      'multiplies (matrices %i)',
      async (shape) => {
        const on = withMatrices(device(), shape);
        const choices = matrixChoices(on, product(...ODD, true, shape === 1)).filter(
          ({ regM, regN }) => regM * regN === 1,
        );
        for (const choice of choices) await check(on, ODD, choice, true, shape === 1);
      },
      900_000,
    );

    it.each([
      ['a barrier before numbers are read', /(right_next\[i\]\.w;\s+\}\s+\}\s+)workgroupBarrier\(\);/, '$1'],
      ['a barrier before numbers are overwritten', 'if (STAGES == 1u) { workgroupBarrier(); }', ''],
      ['a barrier before results are read', /workgroupBarrier\(\);(\s+put_matrices)/, '$1'],
      ['lines at a multiple of 16 bytes', 'LEFT_LINE + 8u', 'LEFT_LINE + 4u'],
      ['the other operand transposed', 'RightMatrix, row_major', 'RightMatrix, col_major'],
    ])(
      'would be found wrong without %s',
      async (_, what, by) => {
        if (device().capabilities.subgroupMatrix) return;
        const on = withEmulatedMatrices(device(), SHAPES[0], (code) => {
          expect(code.replace(what, by)).not.toBe(code);
          return code.replace(what, by);
        });
        const choice = matrixChoices(on, product(...LONG, false, false)).find(
          ({ regM, regN, stages, parts }) => regM * regN === 1 && stages === 1 && parts > 1,
        )!;
        await expect(check(on, LONG, choice)).rejects.toThrow(/is .*, the reference/);
      },
      900_000,
    );
  },
  ['lavapipe'],
);

describeAdapters(
  'a convolution of 1x1 with subgroup matrices',
  (device) => {
    it('reads and writes what is stored as f16, in all three directions', async () => {
      const on = withMatrices(device());
      const [pixels, C, K] = [2 * 16 * 17, 40, 64];
      const across = (t: Tensor) => maxPool2d(t, { size: 1 });
      const feeds = { x: halves(pixels * C, 1), w: halves(C * K, 2), dy: halves(pixels * K, 3) };
      const [x, w, dy] = [
        across(input('x', [2, 16, 17, C])),
        input('w', [1, 1, C, K]),
        across(input('dy', [2, 16, 17, K])),
      ];
      const y = conv2d(x, w);
      const [dx, dw] = grad(y, [x, w], dy);
      const outputs = [across(y), across(dx), dw];
      using program = await compile(on, { outputs, precision: 'f16' });
      expect([x, dy, y, dx, dw].map((t) => program.storageOf(t))).toEqual(['f16', 'f16', 'f16', 'f16', 'f32']);
      expect(kernelsOf(program).filter((name) => name === 'matmul_v3')).toHaveLength(3);
      program.run(feeds);
      const products: readonly [number, (x: Float32Array, w: Float32Array, dy: Float32Array) => Float64Array][] = [
        [C, (x, w) => reference(x, w, pixels, K, C)],
        [K, (_, w, dy) => reference(dy, w, pixels, C, K, false, true)],
        [pixels, (x, _, dy) => reference(x, dy, C, K, pixels, true)],
      ];
      for (const [o, [length, of]] of products.entries()) {
        const want = of(feeds.x, feeds.w, feeds.dy);
        const magnitude = of(absolute(feeds.x), absolute(feeds.w), absolute(feeds.dy));
        const own = (i: number) => sumBound(length, magnitude[i]);
        expectWithin(
          await program.read(outputs[o]),
          want,
          (i) => own(i) + (o < 2 ? halfBound(Math.abs(want[i]) + own(i)) : 0),
          ['y', 'dx', 'dw'][o],
        );
      }
    });
  },
  ['lavapipe'],
);

describe('subgroup matrices without a GPU', () => {
  it('compile in every tiling and with every storage type on the null backend: what is too large for its workgroups as a module', async () => {
    const adapter = (await openGpu({ backend: 'null', enable: SUBGROUP_MATRIX_TOGGLES }).requestAdapter())!;
    const features = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];
    using device = new Device(await adapter.requestDevice({ requiredFeatures: features }), adapter);
    const counts = { pipelines: 0, modules: 0 };
    for (const [limit, count] of [
      [device.capabilities.maxWorkgroupStorage, 'pipelines'],
      [49_152, 'modules'],
    ] as const) {
      const capabilities = {
        ...device.capabilities,
        software: false,
        subgroupMatrix: SHAPES[0],
        maxWorkgroupStorage: limit,
      };
      const on = Object.create(device, { capabilities: { value: capabilities } }) as Device;
      for (const [tA, tB] of TRANSPOSES) {
        const y = product(101, 92, 130, tA, tB);
        for (const choice of matrixChoices(on, y)) {
          const { lowered } = outline(on, { outputs: [y], precision: 'f16', tuning: { find: () => choice } });
          const { launch } = lowered.steps.find(({ launch }) => launch.kernel.name === 'matmul_v3')!;
          for (const names of [[], ['left'], ['right', 'out'], ['left', 'right', 'out', 'e0', 'e1', 'e2', 'e3']]) {
            const stored = storedAsHalf(
              launch,
              launch.kernel.bindings.filter(({ name }) => names.includes(name)),
            );
            if (count === 'pipelines') await device.pipeline(stored);
            const info = await device.gpu.createShaderModule({ code: specialise(stored) }).getCompilationInfo();
            expect(info.messages.map(({ message }) => message)).toEqual([]);
            counts[count]++;
          }
        }
      }
    }
    device.check();
    expect(counts.pipelines).toBeGreaterThan(20);
    expect(counts.modules).toBeGreaterThan(counts.pipelines);
  });

  it('are taken for large products of programs of precision f16 only', async () => {
    using plain = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const having = Object.create(plain, {
      capabilities: { value: { ...plain.capabilities, software: false, subgroupMatrix: SHAPES[0] } },
    }) as Device;
    const taken = (device: Device, size: number, precision: 'f16' | 'f32') =>
      kernelsOf(outline(device, { outputs: [product(size, size, size, false, false)], precision }).lowered).includes(
        'matmul_v3',
      );
    expect([
      taken(having, 128, 'f16'),
      taken(having, 128, 'f32'),
      taken(having, 64, 'f16'),
      taken(plain, 128, 'f16'),
    ]).toEqual([true, false, false, false]);
    expect(plain.capabilities.subgroupMatrix).toBeUndefined();
    expect(plain.identity).not.toContain('subgroupMatrix');
  });

  it('are the largest of f16 into f32 that an adapter with one size of subgroups has', () => {
    const has = new Set(['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix']);
    const config = (M: number, N: number, K: number, componentType = 'f16', resultComponentType = 'f32') => ({
      M,
      N,
      K,
      componentType,
      resultComponentType,
    });
    const info = {
      subgroupMinSize: 32,
      subgroupMaxSize: 32,
      subgroupMatrixConfigs: [
        config(16, 8, 8),
        config(16, 8, 16),
        config(16, 16, 16),
        config(16, 16, 32, 'i8', 'i32'),
        config(32, 32, 32),
        config(16, 16, 32, 'f16', 'f16'),
      ],
    };
    expect(subgroupMatrixOf(info, has)).toEqual({ M: 16, N: 16, K: 16, subgroupSize: 32 });
    expect(subgroupMatrixOf({ ...info, subgroupMinSize: 16 }, has)).toBeUndefined();
    expect(subgroupMatrixOf({ ...info, subgroupMatrixConfigs: [config(16, 16, 16, 'f32')] }, has)).toBeUndefined();
    expect(subgroupMatrixOf(info, new Set(['shader-f16', 'subgroups']))).toBeUndefined();
    expect(subgroupMatrixOf({}, has)).toBeUndefined();
  });
});
