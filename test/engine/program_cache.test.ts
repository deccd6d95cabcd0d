import { expect, it } from 'vitest';
import { Parameter } from '../../engine/device/parameter.ts';
import { assign } from '../../engine/ops/assign.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { constant, input } from '../../engine/ops/leaves.ts';
import { add, mul, relu } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import { ProgramCache } from '../../engine/program/program_cache.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { randomArray } from '../random.ts';
import { describeAdapters } from '../gpu.ts';

describeAdapters('programs by structure', (device) => {
  /** relu(conv(x, w) + b), and the sum of it into a parameter of its own. */
  function layer(seed: number, w: Parameter, total: Parameter): { y: Tensor; update: Tensor } {
    const x = constant(randomArray(2 * 6 * 6 * 3, 7), [2, 6, 6, 3]);
    const y = relu(add(conv2d(x, w.tensor, { padding: 'same' }), constant(1 / 4)));
    return { y, update: assign(total.tensor, mul(sum(y), 3)).named(`update ${seed}`) };
  }

  it('are made once, and compute what each would alone', async () => {
    using cache = new ProgramCache(device());
    const pipelines: number[] = [];
    for (const seed of [1, 2, 3]) {
      using w = new Parameter(device(), `w${seed}`, [3, 3, 3, 5], randomArray(135, seed));
      using total = new Parameter(device(), 'total', [1, 1, 1, 1]);
      const { y, update } = layer(seed, w, total);
      const program = await cache.compile({ outputs: [y], updates: [update] });
      program.run();
      const [got, gotTotal] = [await program.read(y), await total.read()];
      total.write(Float32Array.of(0));
      using alone = await compile(device(), { outputs: [y], updates: [update] });
      alone.run();
      expect(got).toEqual(await alone.read(y));
      expect(gotTotal).toEqual(await total.read());
      expect(gotTotal[0]).toBeGreaterThan(0);
      pipelines.push(device().pipelineCount);
    }
    expect(cache.counts).toEqual({ asked: 3, made: 1 });
    expect(new Set(pipelines).size).toBe(1);
  });

  it('are others where a shape, an attribute, a number, the order of inputs or an option differs', async () => {
    using cache = new ProgramCache(device());
    using p = new Parameter(device(), 'p', [2, 2], [1, 2, 3, 4]);
    using q = new Parameter(device(), 'q', [2, 2], [5, 6, 7, 8]);
    using r = new Parameter(device(), 'r', [4], [5, 6, 7, 8]);
    const specs = (): Parameters<ProgramCache['compile']>[0][] => [
      { outputs: [add(p.tensor, q.tensor)] },
      { outputs: [add(p.tensor, p.tensor)] },
      { outputs: [add(r.tensor, r.tensor)] },
      { outputs: [add(p.tensor, 1)] },
      { outputs: [add(p.tensor, NaN)] },
      { outputs: [add(p.tensor, Infinity)] },
      { outputs: [mul(p.tensor, 0)] },
      { outputs: [mul(p.tensor, -0)] },
      { outputs: [mul(p.tensor, -0)], keep: 'all' },
      { outputs: [add(p.tensor, constant(Float32Array.of(1, 2), [2]))] },
      { outputs: [add(p.tensor, constant(Float32Array.of(1, 3), [2]))] },
      { outputs: [add(p.tensor, input('a', [2]))] },
      { outputs: [add(p.tensor, input('b', [2]))] },
      { updates: [assign(p.tensor, add(q.tensor, 1))] },
    ];
    for (const spec of specs()) await cache.compile(spec);
    const { length } = specs();
    expect(cache.counts).toEqual({ asked: length, made: length });
    for (const spec of specs()) await cache.compile(spec);
    expect(cache.counts).toEqual({ asked: 2 * length, made: length });
  });

  it('are fed by name, and asked for at once', async () => {
    using cache = new ProgramCache(device());
    const outputs = [1, 2].map(() => mul(input('x', [2]), 2));
    const programs = await Promise.all(outputs.map((y) => cache.compile({ outputs: [y] })));
    for (const [i, program] of programs.entries()) {
      program.run({ x: [i, 10] });
      expect([...(await program.read(outputs[i]))]).toEqual([2 * i, 20]);
      await expect(program.read(outputs[1 - i])).rejects.toThrow("is not among the program's outputs");
    }
    expect(cache.counts).toEqual({ asked: 2, made: 1 });
  });

  it('are as many as the cache keeps: the one unused for the longest goes', async () => {
    using cache = new ProgramCache(device(), 2);
    const of = (length: number) => cache.compile({ outputs: [mul(input('x', [length]), 2)] });
    await of(1);
    const second = await of(2);
    await of(1);
    await of(3);
    await of(1);
    expect(cache.counts.made).toBe(3);
    expect(() => second.run({ x: [1, 2] })).toThrow('used after it was disposed');
    await of(2);
    expect(cache.counts).toEqual({ asked: 6, made: 4 });
  });

  it('that fail are tried again', async () => {
    using cache = new ProgramCache(device());
    const y = mul(input('x', [64]), 2);
    device().memoryLimit = 1;
    await expect(cache.compile({ outputs: [y] })).rejects.toThrow('does not fit');
    device().memoryLimit = Infinity;
    await cache.compile({ outputs: [y] });
    expect(() => new ProgramCache(device(), 0)).toThrow('the most programs must be');
    await expect(cache.compile({ outputs: [y], tuning: {} } as never)).rejects.toThrow('tuning');
  });
});
