import { describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { adamHyper } from '../../engine/ops/adam.ts';
import { assign, ema, guarded } from '../../engine/ops/assign.ts';
import { guard } from '../../engine/ops/guard.ts';
import { input } from '../../engine/ops/leaves.ts';
import { lossScale } from '../../engine/ops/loss_scale.ts';
import { sgd } from '../../engine/ops/sgd.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters, describeBothWays } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { UNIT, expectWithin, functionBound } from '../tolerance.ts';

const BETAS = { beta1: 0.9, beta2: 0.999 };

describeBothWays('a guard', (device) => {
  it('finds what is not finite, wherever it is', async () => {
    // More tensors than a pass takes, of fewer and more numbers than a thread looks at, one of them not a whole number
    // of shares.
    const sizes = [1, 5, 300, 70_001, 256, 257];
    const tensors = sizes.map((size, i) => input(`x${i}`, [size]));
    const feeds = Object.fromEntries(sizes.map((size, i) => [`x${i}`, randomArray(size, i, -3e38, 3e38)]));
    const found = guard(tensors);
    using program = await compile(device(), { outputs: [found] });
    const result = async () => {
      program.run(feeds);
      return (await program.read(found))[0];
    };
    expect(await result()).toBe(0);
    for (const [i, size] of sizes.entries()) {
      const values = feeds[`x${i}`];
      for (const at of new Set([0, size >> 1, size - 1])) {
        for (const bad of [NaN, Infinity, -Infinity]) {
          const good = values[at];
          values[at] = bad;
          expect(await result(), `${bad} at ${at} of ${size}`).toBeNaN();
          values[at] = good;
        }
      }
    }
    expect(await result()).toBe(0);
  });
});

describeAdapters('loss scaling', (device) => {
  it("tells Adam's numbers of a step from how many were taken, to a few units in the last place", async () => {
    const [taken, hyper, scale] = [input('taken', [1]), input('hyper', [2]), input('scale', [1])];
    const [plain, scaled] = [adamHyper(taken, hyper, BETAS), adamHyper(taken, hyper, BETAS, scale)];
    using program = await compile(device(), { outputs: [plain, scaled] });
    for (const before of [0, 1, 2, 3, 10, 100, 340, 350, 1000, 10_000, 1_000_000]) {
      program.run({ taken: before, hyper: Float32Array.of(0.01, 3), scale: 2 ** 10 });
      const t = before + 1;
      const want = [Math.fround(0.01), 1 - BETAS.beta1 ** t, 1 - BETAS.beta2 ** t, 3];
      // The logarithm is rounded, then multiplied; the series and exp add their own.
      const bound = (i: number) => (i === 1 || i === 2 ? functionBound(1, want[i]) : 0);
      expectWithin(await program.read(plain), want, bound, `step ${t}`);
      expectWithin(await program.read(scaled), [...want.slice(0, 3), 3 / 1024], bound, `step ${t}, scaled`);
    }
    const none = adamHyper(taken, hyper, { beta1: 0, beta2: 0 });
    using without = await compile(device(), { outputs: [none] });
    without.run({ taken: 0, hyper: Float32Array.of(0.01, 1) });
    expect([...(await without.read(none))].slice(1)).toEqual([1, 1, 1]);
  });

  it('halves at an overflow and doubles after so many good steps', async () => {
    using state = new Parameter(device(), 'loss_scale', [2], Float32Array.of(2 ** 10, 0));
    using program = await compile(device(), { updates: [lossScale(state.tensor, input('found', [1]), 3)] });
    let [scale, good] = [2 ** 10, 0];
    for (const step of '.!!....!......') {
      const overflows = step === '!';
      program.run({ found: overflows ? NaN : 0 });
      if (overflows) [scale, good] = [scale / 2, 0];
      else if (++good === 3) [scale, good] = [scale * 2, 0];
      expect([...(await state.read())]).toEqual([scale, good]);
    }
  });

  it('stays within 2^-24 and 2^24', async () => {
    using state = new Parameter(device(), 'loss_scale', [2], Float32Array.of(2 ** 23, 0));
    using program = await compile(device(), { updates: [lossScale(state.tensor, input('found', [1]), 1)] });
    const after = async (found: number, steps: number) => {
      for (let i = 0; i < steps; i++) program.run({ found });
      return (await state.read())[0];
    };
    expect(await after(0, 5)).toBe(2 ** 24);
    expect(await after(Infinity, 60)).toBe(2 ** -24);
  });

  it('a guarded assignment gives the very value, or nothing', async () => {
    const [a, b] = [randomArray(10, 1), randomArray(10, 2)];
    using p = new Parameter(device(), 'p', [10], a);
    using program = await compile(device(), {
      updates: [guarded(assign(p.tensor, input('x', [10])), input('found', [1]))],
    });
    program.run({ x: b, found: NaN });
    expect([...(await p.read())]).toEqual([...a]);
    program.run({ x: b, found: 0 });
    expect([...(await p.read())]).toEqual([...b]);
  });

  it('a guarded average changes where its guard is finite, and not else', async () => {
    const [a, b] = [randomArray(10, 1), randomArray(10, 2)];
    using p = new Parameter(device(), 'p', [10], a);
    using program = await compile(device(), {
      updates: [guarded(ema(p.tensor, input('x', [10]), 0.25), input('found', [1]))],
    });
    for (const bad of [NaN, Infinity]) {
      program.run({ x: b, found: bad });
      expect([...(await p.read())]).toEqual([...a]);
    }
    program.run({ x: b, found: 3 });
    expectWithin(
      await p.read(),
      a.map((v, i) => 0.75 * v + 0.25 * b[i]),
      () => 4 * UNIT,
    );
  });
});

describe('loss scaling', () => {
  it('refuses what cannot be', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    using state = new Parameter(device, 'state', [2]);
    using weights = new Parameter(device, 'weights', [2]);
    const [x, hyper, found] = [input('x', [2]), input('hyper', [2]), input('found', [1])];
    const descent = sgd({ w: weights.tensor, m: state.tensor }, x, hyper);
    expect(() => guarded(descent, found)).toThrow(UserError);
    expect(() => guarded(descent, found)).toThrow(/sgd of weights.* cannot be left undone.*only assign, ema/);
    expect(() => lossScale(state.tensor, input('found', [2]), 3)).toThrow(/one number/);
    expect(() => lossScale(state.tensor, found, 0)).toThrow(/1 to 2\^24 steps, not 0/);
    expect(() => lossScale(x, found, 3)).toThrow(/no parameter/);
    expect(() => adamHyper(input('taken', [3]), hyper, BETAS)).toThrow(/one number each/);
    expect(() => adamHyper(found, input('hyper', [1]), BETAS)).toThrow(/2 numbers/);
    expect(() => guard([input('u', [4], 'u32')])).toThrow(/guard: it takes f32, and u is u32/);
  });
});
