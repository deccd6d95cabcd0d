import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  casesOf,
  drawOperands,
  makeCase,
  nameOf,
  sampledElements,
  type Case,
  type Operands,
} from '../../bench/kernels/cases.ts';
import type { KernelContender, Prepared } from '../../bench/kernels/contender.ts';
import { GROUPS, type Layer } from '../../bench/kernels/layer.ts';
import { allLayers } from '../../bench/kernels/layers.ts';
import { comparisons, failures } from '../../bench/kernels/figures.ts';
import { benchKernels, type KernelBenchOptions } from '../../bench/kernels/measure.ts';
import { compareSamples } from '../../bench/kernels/measure_case.ts';
import { renderKernelPage } from '../../bench/kernels/page.ts';
import { reference } from '../../bench/kernels/reference.ts';
import { showKernelBench } from '../../bench/kernels/show.ts';
import { tuningforkKernels } from '../../bench/kernels/tuningfork_kernels.ts';
import { openAdapter } from '../../engine/device/adapters.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { windowGeometry } from '../../engine/ops/conv_geometry.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { wgslEsbuild } from '../../kernels/wgsl_plugin.mjs';
import { ADAPTERS } from '../gpu.ts';
import { roundToHalf } from '../half.ts';
import * as conv from '../reference/conv2d.ts';

/** One of each kind, small and odd-sized. */
const TINY: readonly Layer[] = [
  { group: 'b0', name: 'conv', kind: 'conv2d', x: [2, 7, 6, 5], w: [3, 3, 5, 6], stride: 2 },
  { group: 'b0', name: 'pointwise conv', kind: 'conv2d', x: [2, 5, 5, 8], w: [1, 1, 8, 12], stride: 1 },
  { group: 'resnext50', name: 'grouped conv', kind: 'conv2d', x: [2, 7, 6, 6], w: [3, 3, 2, 9], stride: 1, groups: 3 },
  {
    group: 'resnext50',
    name: 'grouped conv, stride 2',
    kind: 'conv2d',
    x: [2, 7, 6, 8],
    w: [3, 3, 4, 6],
    stride: 2,
    groups: 2,
  },
  { group: 'b0', name: 'depthwise', kind: 'depthwise_conv2d', x: [2, 7, 6, 8], w: [5, 5, 8], stride: 2 },
  { group: 'b0', name: 'classifier', kind: 'matmul', x: [3, 20], w: [20, 7] },
  { group: 'norm', name: 'bn', kind: 'batch_norm', x: [3, 5, 5, 8], activation: 'silu' },
  { group: 'norm', name: 'bn relu', kind: 'batch_norm', x: [3, 5, 5, 8], activation: 'relu' },
  { group: 'pool', name: 'pool', kind: 'max_pool2d', x: [2, 7, 6, 4], w: [2, 2], stride: 2 },
  { group: 'pointwise', name: 'silu', kind: 'silu', x: [2, 5, 5, 8] },
  { group: 'pointwise', name: 'add', kind: 'add', x: [2, 5, 5, 8] },
  { group: 'optimizer', name: 'adam', kind: 'adam', x: [50] },
];
const CASES = TINY.flatMap(casesOf);

const expectedOf = (c: Case, operands: Operands) =>
  c.results.map((result) => sampledElements(result).map(reference(c, operands, result.name)));

describe('the layers', () => {
  const layers = allLayers(4);
  it('of each group are there', () => expect([...new Set(layers.map(({ group }) => group))]).toEqual([...GROUPS]));
  it('of EfficientNet-B0 have its multiply-adds (Tan & Le 2019: 0.39 billion), each distinct layer counted as often as it occurs', () => {
    // Distinct layers are fewer than all: the sum stays below.
    const flops =
      layers
        .filter(({ group }) => group === 'b0')
        .map((layer) => makeCase(layer, 'forward').flops)
        .reduce((a, b) => a + b) / 4;
    expect(flops).toBeGreaterThan(0.5 * 2 * 0.39e9);
    expect(flops).toBeLessThan(2 * 0.39e9);
  });
  it('of VGG16 are 9 convolutions and 3 products, of galaxy_vgg 5 and 2', () => {
    const of = (group: string) => layers.filter((layer) => layer.group === group).map(({ name }) => name);
    expect(of('vgg16')).toEqual([
      'block1.0.conv',
      'block1.1.conv',
      'block2.0.conv',
      'block2.1.conv',
      'block3.0.conv',
      'block3.1.conv',
      'block4.0.conv',
      'block4.1.conv',
      'block5.0.conv',
      'tail.0',
      'tail.1',
      'classifier',
    ]);
    expect(of('galaxy_vgg')).toEqual([
      'block1.0.conv',
      'block2.0.conv',
      'block3.0.conv',
      'block4.0.conv',
      'block5.0.conv',
      'tail.0',
      'classifier',
    ]);
    expect(of('pool')).toHaveLength(10);
    expect(layers.find(({ group, name }) => group === 'vgg16' && name === 'tail.0')!.x).toEqual([4, 25088]);
  });
});

describe('the reference of sampled elements', () => {
  it.each(['conv', 'pointwise conv', 'grouped conv', 'classifier'])(
    'allows what rounding operands to f16 does, and not much more: %s',
    (name) => {
      const layer = TINY.find((l) => l.name === name)!;
      for (const direction of ['forward', 'input_grad', 'filter_grad'] as const) {
        const c = makeCase(layer, direction);
        const operands = drawOperands(c);
        const rounded = Object.fromEntries(
          Object.entries(operands).map(([operand, values]) => [operand, values.map(roundToHalf)]),
        );
        const sizes = Object.fromEntries(
          Object.entries(operands).map(([operand, values]) => [operand, values.map(Math.abs)]),
        );
        const [at, near, magnitude] = [operands, rounded, sizes].map((values) =>
          reference(c, values, c.results[0].name),
        );
        for (const i of sampledElements(c.results[0])) {
          expect(Math.abs(near(i).value - at(i).value)).toBeLessThanOrEqual(at(i).halves!);
          expect(at(i).halves!).toBeLessThanOrEqual(2 ** -8 * magnitude(i).value);
        }
      }
    },
  );

  // test/reference is written otherwise and held against finite differences.
  it.each(['conv', 'pointwise conv', 'grouped conv', 'grouped conv, stride 2'])(
    'agrees with the whole reference: %s',
    (name) => {
      const layer = TINY.find((l) => l.name === name)!;
      const [filterH, filterW, , outChannels] = layer.w!;
      const g = windowGeometry(
        'test',
        [input('x', layer.x)],
        { filterH, filterW, outChannels, groups: layer.groups ?? 1 },
        { stride: layer.stride, padding: 'same' },
      );
      const whole = {
        forward: ({ x, w }: Operands) => conv.conv2d(x, w, g),
        input_grad: ({ dy, w }: Operands) => conv.conv2dInputGrad(dy, w, g),
        filter_grad: ({ x, dy }: Operands) => conv.conv2dFilterGrad(x, dy, g),
      };
      for (const direction of ['forward', 'input_grad', 'filter_grad'] as const) {
        const c = makeCase(layer, direction);
        const operands = drawOperands(c);
        const all = whole[direction](operands);
        expect(all).toHaveLength(sizeOf(c.results[0].shape));
        const at = reference(c, operands, c.results[0].name);
        all.forEach((value, i) => expect(at(i).value).toBeCloseTo(value, 10));
      }
    },
  );

  it.each(CASES.map((c) => [nameOf(c), c] as const))('refuses a wrong element: %s', (_, c) => {
    const expected = expectedOf(c, drawOperands(c));
    const right = expected.map((values) => values.map(({ value }) => value));
    expect(compareSamples(c, right, expected, true)).toBeNull();
    for (let r = 0; r < right.length; r++) {
      for (const wrong of [right[r][3] + 0.01, NaN]) {
        const samples = right.map((values) => [...values]);
        samples[r][3] = wrong;
        expect(compareSamples(c, samples, expected, true)).toMatch(new RegExp(`^${c.results[r].name}\\[\\d+\\] is `));
        expect(compareSamples(c, samples, expected, false)).toMatch(/differs by/);
      }
    }
  });
});

// The kernels have their own tests on every adapter; this is about what is asked of them.
describe.each(ADAPTERS.slice(0, 1))('the layers of this engine on %s', (adapter) => {
  let contender: KernelContender;
  beforeAll(async () => {
    contender = tuningforkKernels(await openAdapter(adapter));
  });
  afterAll(() => contender.close());

  it.each(
    [
      ...CASES,
      ...(['copy', 'fma'] as const).map((kind) =>
        makeCase({ group: 'adapter', name: kind, kind, x: [4096] }, 'forward'),
      ),
    ].map((c) => [nameOf(c), c] as const),
  )('are right: %s', async (_, c) => {
    const prepared = (await contender.prepare(c)) as Prepared;
    const results = await prepared.compute();
    expect(results.map(({ length }) => length)).toEqual(c.results.map(({ shape }) => sizeOf(shape)));
    const samples = c.results.map((result, i) => sampledElements(result).map((at) => results[i][at]));
    expect(compareSamples(c, samples, expectedOf(c, drawOperands(c)), true)).toBeNull();
    expect(prepared.kernels.length).toBeGreaterThan(0);
    await prepared.run(2);
    prepared.release();
  });
});

describe('a benchmark of made-up engines', () => {
  const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const program = path('../../.cache/test/fake_kernel_contender.mjs');
  beforeAll(() =>
    build({
      entryPoints: [path('fake_kernel_contender.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      plugins: [wgslEsbuild],
    }),
  );

  const layers: Layer[] = [
    { group: 'b0', name: 'conv', kind: 'conv2d', x: [1, 4, 4, 3], w: [3, 3, 3, 4], stride: 1 },
    { group: 'pointwise', name: 'add', kind: 'add', x: [1, 4, 4, 8] },
  ];
  const bench = (...contenders: [string, ...string[]][]) => benchWithin(undefined, ...contenders);
  const benchWithin = (limit: number | undefined, ...contenders: [string, ...string[]][]) =>
    benchKernels({
      limit,
      groups: [...GROUPS],
      batch: 1,
      repeats: 2,
      layers,
      contenders: contenders.map(([name, ...args]) => [name, [program, ...args]] as const),
    } satisfies KernelBenchOptions);

  it('measures both and says which is slower', async () => {
    const result = await bench(['ours', '20'], ['theirs', '100']);
    expect(result.cases.map(({ layer, direction }) => `${layer.name} ${direction}`)).toEqual([
      'conv forward',
      'conv input_grad',
      'conv filter_grad',
      'add forward',
    ]);
    const [{ outcomes, flops, bytes }] = result.cases;
    expect(flops).toBe(2 * 16 * 4 * 27);
    expect(bytes).toBe(4 * (48 + 108 + 64));
    expect(outcomes['ours']).toMatchObject({
      status: 'measured',
      kernels: [
        { name: 'naive', overrides: {} },
        { name: 'naive', overrides: {} },
      ],
      timing: { runs: expect.any(Number) },
    });
    expect(
      comparisons(result).map(({ group, kind, direction, cases, slower }) => [group, kind, direction, cases, slower]),
    ).toEqual([
      ['b0', 'conv 3x3', 'forward', 1, []],
      ['b0', 'conv 3x3', 'input_grad', 1, []],
      ['b0', 'conv 3x3', 'filter_grad', 1, []],
      ['pointwise', 'add', 'forward', 1, []],
    ]);
    const text = showKernelBench(result);
    expect(text).not.toContain('slower than');
    const reversed = { ...result, engines: ['theirs', 'ours'] };
    const [slowest] = comparisons(reversed)
      .flatMap((c) => c.slower)
      .sort((a, b) => b.ratio - a.ratio);
    expect(slowest.ratio).toBeCloseTo(5, 12);
    expect(showKernelBench(reversed)).toContain(`theirs is slower than ours in: ${slowest.name} (5.00), `);
    expect(showKernelBench(reversed)).toMatch(/conv forward +1·4·4·3 3·3·3·4 +100 .*2 x naive/);
    expect(text).toMatch(/conv forward +1·4·4·3 3·3·3·4 +20\.00 .*2 x naive/);
    expect(failures(result)).toEqual([]);
    const page = await renderKernelPage(result);
    expect(page).toContain('<svg');
    expect(page).toContain('conv input_grad');
    expect(page).not.toMatch(/<script|http-equiv="refresh"/);
  });
  it('begins no case after its limit, and says so', async () => {
    const result = await benchWithin(0, ['ours', '20'], ['theirs', '100']);
    expect(failures(result)).toEqual(
      ['ours', 'theirs'].map((engine) => ({
        engine,
        status: 'impossible',
        reason: 'the 0 s of --limit were over',
        names: ['conv forward', 'conv input_grad', 'conv filter_grad', 'add forward'],
      })),
    );
    expect(result.roofline.bandwidth).toBeGreaterThan(0);
  });
  it('does not time a wrong result', async () => {
    const result = await bench(['ours', '20', 'wrong']);
    expect(failures(result)).toHaveLength(4);
    expect(failures(result)[0]).toMatchObject({
      names: ['conv forward'],
      engine: 'ours',
      status: 'failed',
      reason: expect.stringMatching(/^y\[0\] is .* and should be /),
    });
    expect(result.cases[0].outcomes['ours']).not.toHaveProperty('timing');
    expect(showKernelBench(result)).toContain('WRONG RESULT, ours, conv forward: y[0]');
  });
  it('goes on where a peer cannot, or dies', async () => {
    const result = await bench(
      ['ours', '50'],
      ['lazy', '50', 'lazy'],
      ['dies', '50', 'dies'],
      ['tires', '50', 'tires'],
    );
    expect(result.cases.map(({ outcomes }) => Object.values(outcomes).map(({ status }) => status))).toEqual(
      Array(4).fill(['measured', 'impossible', 'impossible', 'impossible']),
    );
    expect(failures(result)[0]).toMatchObject({ reason: 'it has no such op', names: { length: 4 } });
    expect(failures(result)[1].reason).toMatch(
      /the process of dies ended \(exit code 3\) when asked to prepare: out of something/,
    );
    expect(failures(result)[2].reason).toMatch(/the process of tires ended \(exit code 4\) when asked to time/);
  });
});
