import { describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { assign, ema, guarded } from '../../engine/ops/assign.ts';
import { guard } from '../../engine/ops/guard.ts';
import { input } from '../../engine/ops/leaves.ts';
import { adamHyperScaled, lossScale } from '../../engine/ops/loss_scale.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { UNIT, expectWithin } from '../tolerance.ts';

const BETAS = { beta1: 0.9, beta2: 0.999 };

describeAdapters('loss scaling', (device) => {
  it('a guard finds what is not finite, wherever it is', async () => {
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

  it('halves at an overflow, doubles after so many good steps, and counts the steps that were taken', async () => {
    using state = new Parameter(device(), 'loss_scale', [4], Float32Array.of(2 ** 10, 0, 0, 0));
    const hyper = adamHyperScaled(state.tensor, input('hyper', [4]), BETAS);
    using program = await compile(device(), {
      outputs: [hyper],
      updates: [lossScale(state.tensor, hyper, input('found', [1]), 3)],
    });
    let [scale, good, taken] = [2 ** 10, 0, 0];
    for (const overflows of [
      false,
      true,
      true,
      false,
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      false,
      false,
      false,
    ]) {
      program.run({ hyper: Float32Array.of(0.01, NaN, NaN, 1), found: overflows ? NaN : 0 });
      const t = taken + 1;
      // Each of the recurrence's steps rounds two positive numbers twice.
      const want = [0.01, 1 - BETAS.beta1 ** t, 1 - BETAS.beta2 ** t, 1 / scale];
      expectWithin(await program.read(hyper), want, (i) => (i === 3 ? 0 : 4 * t * UNIT * want[i]), 'hyper');
      if (overflows) [scale, good] = [scale / 2, 0];
      else {
        taken = t;
        good++;
        if (good === 3) [scale, good] = [scale * 2, 0];
      }
      expect([...(await state.read())].slice(0, 2)).toEqual([scale, good]);
    }
  });

  it('stays within 2^-24 and 2^24', async () => {
    using state = new Parameter(device(), 'loss_scale', [4], Float32Array.of(2 ** 23, 0, 0, 0));
    const hyper = adamHyperScaled(state.tensor, input('hyper', [4]), BETAS);
    using program = await compile(device(), { updates: [lossScale(state.tensor, hyper, input('found', [1]), 1)] });
    const after = async (found: number, steps: number) => {
      for (let i = 0; i < steps; i++) program.run({ hyper: new Float32Array(4), found });
      return (await state.read())[0];
    };
    expect(await after(0, 5)).toBe(2 ** 24);
    expect(await after(Infinity, 60)).toBe(2 ** -24);
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
    using state = new Parameter(device, 'state', [4]);
    const [x, hyper, found] = [input('x', [4]), input('hyper', [4]), input('found', [1])];
    expect(() => guarded(assign(state.tensor, x), found)).toThrow(UserError);
    expect(() => guarded(assign(state.tensor, x), found)).toThrow(/assign of state.*only moving averages/);
    expect(() => lossScale(state.tensor, hyper, input('found', [2]), 3)).toThrow(/one number/);
    expect(() => lossScale(state.tensor, hyper, found, 0)).toThrow(/1 to 2\^24 steps, not 0/);
    expect(() => lossScale(x, hyper, found, 3)).toThrow(/no parameter/);
    expect(() => adamHyperScaled(input('state', [3]), hyper, BETAS)).toThrow(/must be \[4\]/);
    expect(() => guard([input('u', [4], 'u32')])).toThrow(/guard: it takes f32, and u is u32/);
  });
});
