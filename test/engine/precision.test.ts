import { fileURLToPath } from 'node:url';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { avgPool2d } from '../../engine/ops/pool.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import { taskOf } from '../../engine/tuning.ts';
import { reflectKernel } from '../../kernels/wgsl_plugin.mjs';
import { describeAdapters } from '../gpu.ts';
import { halfBound, roundToHalf } from '../half.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin } from '../tolerance.ts';
import { asHardware, asLavapipe } from './as_adapter.ts';
import { PRECISION_CASES } from './precision_cases.ts';
import type { PrecisionCase } from './precision_operands.ts';

const TITLES = [...PRECISION_CASES.keys()];
const AS = [
  ['software', (d: Device) => d],
  ['hardware', asHardware],
] as const;

/** Programs of precision f16 for every candidate of every op: the n-th of each, as in candidates.test.ts. */
async function eachCandidate(device: Device, { outputs }: PrecisionCase, body: (f16: Program) => void): Promise<void> {
  let most = 1;
  for (let n = 0; n < most; n++) {
    using usual = await compile(device, { outputs });
    most = Math.max(1, ...usual.choicePoints.map(({ choices }) => choices.candidates.length));
    const pick = new Map(
      usual.choicePoints.map(({ tensor, choices }) => [
        taskOf(tensor),
        choices.candidates[Math.min(n, choices.candidates.length - 1)],
      ]),
    );
    using f16 = await compile(device, {
      outputs,
      tuning: { find: (task: string) => pick.get(task) },
      precision: 'f16',
    });
    body(f16);
  }
}

/** The kernels' bindings that a program stores as f16, as `kernel.binding`. */
const halfBindings = (program: Program): string[] =>
  program.steps.flatMap(({ launch }) =>
    launch.kernel.bindings
      .filter(({ storage }) => storage !== undefined && launch.aliases?.[storage]?.includes('f16'))
      .map(({ name }) => `${launch.kernel.name}.${name}`),
  );

describeAdapters(
  'precision f16',
  (device) => {
    describe.each(AS)('chosen for %s', (_, as) => {
      it.each(TITLES)(
        '%s',
        async (title) => {
          const found = PRECISION_CASES.get(title)!();
          const { half, outputs, results, feeds, error } = found;
          const leaves = new Map(Object.entries(feeds));
          const want = evaluateGraph(outputs, leaves);
          const magnitudes = evaluateGraph(
            outputs,
            new Map([...leaves].map(([name, values]) => [name, Array.from(values, Math.abs)])),
          );
          using f32 = await compile(as(device()), { outputs });
          using f16 = await compile(as(device()), { outputs, precision: 'f16' });
          for (const t of half) expect(f16.storageOf(t), `${t}`).toBe('f16');
          for (const t of outputs) expect(f16.storageOf(t), `${t}`).toBe('f32');
          expect(halfBindings(f32)).toEqual([]);
          f32.run(feeds);
          f16.run(feeds);
          for (const [o, t] of outputs.entries()) {
            const [whole, got] = [await f32.read(t), await f16.read(t)];
            // Stored as f16, or f32 made from operands that f16 holds exactly: the arithmetic is the same, so all but
            // the last rounding is.
            const result = results.get(t);
            const isHalf = result !== undefined;
            expectWithin(
              got,
              isHalf ? whole.map(roundToHalf) : whole,
              () => 0,
              `output ${o}, ${result ?? t}, against f32`,
            );
            const bound = (i: number) => {
              const own = error(o, magnitudes.get(t)![i]);
              return isHalf ? own + halfBound(Math.abs(want.get(t)![i]) + own) : own;
            };
            expectWithin(got, want.get(t)!, bound, `output ${o}, ${result ?? t}`);
          }
        },
        900_000,
      );
    });
  },
  ['lavapipe'],
);

describeAdapters(
  'what is stored as f16',
  (device) => {
    // Four channels and one: vectors and scalars. An average over one pixel adds a number to 0.
    it.each([4, 1])('is infinite beyond 65504, and NaN where it was, %d channels', async (channels) => {
      const x = input('x', [1, 4, 4, channels]);
      const stored = avgPool2d(x, { size: 1 });
      const out = avgPool2d(stored, { size: 1 });
      using program = await compile(device(), { outputs: [out], precision: 'f16' });
      expect(program.storageOf(stored)).toBe('f16');
      const values = [65504, 65505, 65535, 65536, 70_000, 1e30, 3.4e38, Infinity, NaN, 1, 2 ** -24, 0.1];
      const signed = new Float32Array([...values, ...values].slice(0, 16).map((v, i) => (i % 2 === 0 ? v : -v)));
      const feed = Float32Array.from({ length: x.size }, (_, i) => signed[i % 16]);
      program.run({ x: feed });
      const want = feed.map((v) => (Math.abs(v) > 65504 ? Math.sign(v) * Infinity : roundToHalf(v)));
      expect([...(await program.read(out))]).toEqual([...want]);
    });

    it('can be read where everything is kept, and outputs are f32', async () => {
      const x = input('x', [1, 3, 3, 3]);
      const made = mul(x, 3);
      const last = sum(made);
      using program = await compile(device(), { outputs: [last], keep: 'all', precision: 'f16' });
      const feed = randomArray(27, 1);
      program.run({ x: feed });
      expect(program.storageOf(made)).toBe('f16');
      expect([...(await program.read(made))]).toEqual([...feed.map((v) => roundToHalf(Math.fround(v * 3)))]);
      expect(program.storageOf(last)).toBe('f32');
    });
  },
  ['lavapipe'],
);

describe('precision f16', () => {
  it('compiles every variant on the null backend, and every binding of a kernel that can be f16 is tried both ways', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const tried = new Set<string>();
    for (const as of [asLavapipe, asHardware])
      for (const build of PRECISION_CASES.values())
        await eachCandidate(as(device), build(), (f16) => halfBindings(f16).forEach((name) => tried.add(name)));
    const root = fileURLToPath(new URL('../../kernels', import.meta.url));
    // Kernels have an entry point of their own; the other files are parts of them.
    const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.wgsl'))
      .map((path) => join(root, path));
    // Those with subgroup matrices are tried in subgroup_matrix.test.ts and subgroup_matrix_conv.test.ts, those that
    // make several results side by side in joins.test.ts.
    const kernels = paths
      .filter((path) => readFileSync(path, 'utf8').includes('@compute'))
      .map(reflectKernel)
      .filter(({ code }) => !code.includes('enable chromium_experimental_subgroup_matrix'))
      .filter(({ name }) => !name.endsWith('_several') || name.startsWith('matmul_step'));
    const can = kernels.flatMap(({ name, bindings }) =>
      bindings.filter(({ storage }) => storage !== undefined).map((b) => `${name}.${b.name}`),
    );
    expect(can.length).toBeGreaterThan(50);
    expect(can.filter((name) => !tried.has(name))).toEqual([]);
  });
});
