import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: this file of the package, which Node needs, is not typed
import { detectRaces } from 'wgsl_reflect/wgsl_reflect.module.js';
import { convGeometry } from '../../engine/ops/conv_geometry.ts';
import { input } from '../../engine/ops/leaves.ts';
import { summed } from '../../kernels/batch_norm/summed.ts';
import { conv2dFilterGradV2, conv2dV2 } from '../../kernels/conv2d/conv2d.ts';
import { copyStrided } from '../../kernels/copy/copy.ts';
import { guard } from '../../kernels/guard/guard.ts';
import { packParams, specialise, type Launch } from '../../kernels/kernel.ts';
import { matmulV2, type MatmulSize } from '../../kernels/matmul/matmul.ts';
import { matmulFew, matmulSmall, severalProducts } from '../../kernels/matmul/small.ts';
import { matmulStep, type MatmulStep } from '../../kernels/matmul/steps.ts';
import { reduce } from '../../kernels/reduce/reduce.ts';
import { severalSums } from '../../kernels/reduce/several.ts';
import { crossEntropyLoss } from '../../kernels/softmax_cross_entropy/softmax_cross_entropy.ts';
import { randomArray } from '../random.ts';

/** The launch as wgsl_reflect can run it: it knows no override. */
const runnable = (launch: Launch): string =>
  specialise(launch).replace(
    /^override (\w+)\s*:\s*(\w+)\s*=\s*([^;]+);/gm,
    (_, name: string, type: string, value: string) => `const ${name}: ${type} = ${launch.overrides?.[name] ?? value};`,
  );

interface Found {
  readonly races: readonly unknown[];
  readonly errors: readonly string[];
}

/**
 * Runs all workgroups, the threads of each in lockstep from barrier to barrier. What they compute is not looked at:
 * other tests do.
 */
function run(launch: Launch, code: string, buffers: Buffers): Found {
  const group: Record<number, unknown> = {};
  for (const { name, binding, kind } of launch.kernel.bindings)
    group[binding] =
      kind === 'uniform'
        ? { uniform: new Uint8Array(packParams(launch)) }
        : (buffers[name] ?? Object.values(buffers)[0]);
  return detectRaces(code, launch.kernel.entryPoint, [...launch.workgroups], { 0: group }) as Found;
}

const size = (M: number, N: number, K: number, transposeB: boolean): MatmulSize => ({
  M,
  N,
  K,
  transposeA: false,
  transposeB,
});

type Buffers = Readonly<Record<string, Float32Array>>;
const operands = (a: string, aSize: number, b: string, bSize: number, out: string, outSize: number): Buffers => ({
  [a]: randomArray(aSize, 1),
  [b]: randomArray(bSize, 2),
  [out]: new Float32Array(outSize),
});

/**
 * A workgroup of four threads that stages: 16 x 16 of the product, so that even small ones have several tiles and
 * rounds. They fill their tiles: wgsl_reflect reads nothing beyond a buffer's end.
 */
const TILING = { lanes: 4, columns: 16, staged: 1, high: 2, wide: 2, rowByRow: 1, subgroups: 0, parts: 1, swapped: 0 };

function convolutions(): [string, Buffers, Launch][] {
  const [x, w] = [input('x', [1, 4, 8, 16]), input('w', [1, 3, 16, 16])];
  const g = convGeometry('conv2d', x, w, { padding: 'same' });
  const y = g.batch * g.outH * g.outW * g.outChannels;
  // wgsl_reflect selects between vectors wrongly: it reads beyond the end of x, where no GPU does.
  return [
    ['convolution', operands('x', 4 * x.size, 'w', w.size, 'y', y), conv2dV2(g, TILING)],
    [
      'convolution with its statistics',
      { ...operands('x', 4 * x.size, 'w', w.size, 'y', y), partial: new Float32Array(6 * 16) },
      summed(conv2dV2(g, TILING))!.launch,
    ],
    [
      'its filter gradient',
      operands('x', x.size, 'dy', y, 'dw', 2 * w.size),
      conv2dFilterGradV2(g, { ...TILING, parts: 2 }),
    ],
  ];
}

/** Believed to be a GPU: its sums are shared by the threads of a workgroup. */
const GPU = { software: false };

/** A launch for each way in which the threads of a workgroup add up. */
function sums(): [string, Buffers, Launch][] {
  const logits = { x: randomArray(260, 1), t: randomArray(260, 2), out: new Float32Array(2) };
  return [
    ['cross entropy', logits, crossEntropyLoss({ rows: 2, classes: 130, target: GPU })],
    [
      'several sums',
      { x0: randomArray(36, 1), x1: randomArray(100, 2), out: new Float32Array(13) },
      severalSums(
        [...reduce([1, 12, 3], 1, GPU), ...reduce([1, 10, 10], 0.5, GPU)].map(({ launch }) => launch),
        [0, 3],
      ),
    ],
    ['guard', { x0: randomArray(300, 1), out: new Float32Array(1) }, guard([{ buffer: 0, begin: 0, size: 300 }])],
  ];
}

/** Two small products by one launch, one of them with its depth shared by threads. */
function severalSmall(): [string, Buffers, Launch] {
  const [deep, flat] = [size(5, 3, 9, true), size(3, 2, 4, false)];
  const launches = [matmulSmall(deep, { depths: 4 }), matmulSmall(flat, { depths: 1 })];
  const buffers = {
    ...operands('a0', 45, 'b0', 27, 'out', 21),
    a1: randomArray(12, 3),
    b1: randomArray(8, 4),
  };
  return ['several small products', buffers, severalProducts(launches, [0, 15])];
}

/** A transpose of 2 matrices of 40 rows and 9 columns. */
function transposed(): [string, Buffers, Launch] {
  const dimensions = [
    { length: 2, x: 360, out: 360 },
    { length: 9, x: 1, out: 40 },
    { length: 40, x: 9, out: 1 },
  ];
  const buffers = { x: randomArray(720, 1), out: new Float32Array(720) };
  return ['tiled copy', buffers, copyStrided({ dimensions, xFirst: 0, outFirst: 0 }, 'f32', false)];
}

/**
 * A workgroup and two rounds of a step of chapter 16. Of the 16 depths that `several` reads of its tiles in a round two
 * are enough, between the same barriers: wgsl_reflect takes long for its many accesses.
 */
function steps(step: MatmulStep): [string, Buffers, Launch] {
  const [side, depth] = [step === 'tile' ? 16 : 64, 32];
  const launch = matmulStep(step, 64, 64, 64);
  const shorter = launch.kernel.code.replace('k < 16u;', step === 'several' ? 'k < 2u;' : '$&');
  const inVec4s = step === 'vectors' ? 4 : 1;
  return [
    `step ${step} of the product`,
    operands('a', side * depth, 'b', depth * side, 'out', side * side),
    {
      ...launch,
      kernel: { ...launch.kernel, code: shorter },
      params: { N: side / inVec4s, K: depth / inVec4s },
      workgroups: [1, 1, 1],
    },
  ];
}

/**
 * Every kernel with a barrier, but for those that wgsl_reflect cannot run: the staged input gradient, whose barriers
 * are those of tile.wgsl, as here; sums whose threads get a struct from a function, which wgsl_reflect gives to all of
 * them alike. Their barriers are those of include/depth.wgsl, which is tested by itself, or stand as those do.
 */
const LAUNCHES: readonly (readonly [string, Buffers, Launch])[] = [
  ...[false, true].flatMap((transposed) => {
    const [odd, few, tiled] = [size(5, 3, 9, transposed), size(3, 12, 20, transposed), size(32, 32, 12, transposed)];
    const buffers = ({ M, N, K }: MatmulSize, left: string, right: string) =>
      operands(left, M * K, right, K * N, 'out', M * N);
    return [
      [`matmul_small, b transposed: ${transposed}`, buffers(odd, 'a', 'b'), matmulSmall(odd, { depths: 4 })],
      [
        `matmul_few, b transposed: ${transposed}`,
        buffers(few, 'a', 'b'),
        matmulFew(few, { fewLanes: 8, fewDepths: 4 }),
      ],
      [`staged product, b transposed: ${transposed}`, buffers(tiled, 'left', 'right'), matmulV2(tiled, TILING).launch],
      [
        `staged product with its statistics, b transposed: ${transposed}`,
        { ...buffers(tiled, 'left', 'right'), partial: new Float32Array(2 * 3 * 32) },
        summed(matmulV2(tiled, TILING).launch)!.launch,
      ],
    ] as const;
  }),
  steps('tile'),
  steps('several'),
  steps('vectors'),
  ...convolutions(),
  ...sums(),
  severalSmall(),
  transposed(),
];

/** The sum of `depth.wgsl` alone. */
function sumOfDepth(): [string, Buffers, Launch] {
  const path = fileURLToPath(new URL('../../kernels/include/depth.wgsl', import.meta.url));
  const code = `alias Value = f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
${readFileSync(path, 'utf8')}
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
  sum_depth(x[lane], lane);
  if (lane < COLUMNS) { out[lane] = piled[lane]; }
}`;
  const launch = crossEntropyLoss({ rows: 1, classes: 2, target: GPU });
  const bindings = [
    { name: 'x', binding: 0, kind: 'read' },
    { name: 'out', binding: 1, kind: 'read_write' },
  ] as const;
  const overrides = { COLUMNS: 4, DEPTH: 8, THREADS: 32 };
  const buffers = { x: randomArray(32, 1), out: new Float32Array(4) };
  return ['the sum of depth', buffers, { ...launch, overrides, kernel: { ...launch.kernel, code, bindings } }];
}

describe('a kernel with a barrier', () => {
  it.each([...LAUNCHES, sumOfDepth()])(
    'has no race, and has one without any of its barriers: %s',
    (_, buffers, launch) => {
      const fresh = () => Object.fromEntries(Object.entries(buffers).map(([name, values]) => [name, values.slice()]));
      const code = runnable(launch);
      expect(run(launch, code, fresh())).toEqual({ races: [], errors: [] });
      const barriers = [...code.matchAll(/workgroupBarrier\(\);/g)];
      expect(barriers.length).toBeGreaterThan(0);
      for (const { index } of barriers) {
        expect(
          run(launch, code.slice(0, index) + code.slice(index + 'workgroupBarrier();'.length), fresh()).races.length,
        ).toBeGreaterThan(0);
      }
    },
  );
});
