import { describe, expect, it } from 'vitest';
// @ts-expect-error: this file of the package, which Node needs, is not typed
import { detectRaces } from 'wgsl_reflect/wgsl_reflect.module.js';
import { packParams, specialise, type Launch } from '../../kernels/kernel.ts';
import type { MatmulSize } from '../../kernels/matmul/matmul.ts';
import { matmulFew, matmulSmall } from '../../kernels/matmul/small.ts';
import { randomArray } from '../random.ts';

/** The launch as wgsl_reflect can run it: it knows no override. */
const runnable = (launch: Launch): string =>
  specialise(launch).replace(/^override (\w+)\s*:\s*(\w+)\s*=\s*([^;]+);/gm, (_, name: string, type: string, value: string) => `const ${name}: ${type} = ${launch.overrides?.[name] ?? value};`);

interface Found {
  readonly races: readonly unknown[];
  readonly errors: readonly string[];
}

/** Runs all workgroups, the threads of each in lockstep from barrier to barrier. What they compute is not looked at: other tests do. */
function run(launch: Launch, code: string, buffers: Readonly<Record<string, Float32Array>>): Found {
  const group: Record<number, unknown> = {};
  for (const { name, binding, kind } of launch.kernel.bindings) group[binding] = kind === 'uniform' ? { uniform: new Uint8Array(packParams(launch)) } : (buffers[name] ?? buffers['a']);
  return detectRaces(code, launch.kernel.entryPoint, [...launch.workgroups], { 0: group }) as Found;
}

const size = (M: number, N: number, K: number, transposeB: boolean): MatmulSize => ({ M, N, K, transposeA: false, transposeB });

/** Every kernel with a barrier. */
const LAUNCHES: readonly (readonly [string, MatmulSize, Launch])[] = [false, true].flatMap((transposed) => {
  const [odd, few] = [size(5, 3, 9, transposed), size(3, 12, 20, transposed)];
  return [
    [`matmul_small, b transposed: ${transposed}`, odd, matmulSmall(odd, { depths: 4 })],
    [`matmul_few, b transposed: ${transposed}`, few, matmulFew(few, { fewLanes: 8, fewDepths: 4 })],
  ] as const;
});

describe('a kernel with a barrier', () => {
  it.each(LAUNCHES)('has no race, and has one without the barrier: %s', (_, { M, N, K }, launch) => {
    const buffers = { a: randomArray(M * K, 1), b: randomArray(K * N, 2), out: new Float32Array(M * N) };
    expect(run(launch, runnable(launch), buffers)).toEqual({ races: [], errors: [] });
    const open = run(launch, runnable(launch).replace('workgroupBarrier();', ''), { ...buffers, out: new Float32Array(M * N) });
    expect(open.races.length).toBeGreaterThan(0);
  });
});
