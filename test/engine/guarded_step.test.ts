import { expect, it } from 'vitest';
import { Parameter } from '../../engine/device/parameter.ts';
import type { Device } from '../../engine/device/device.ts';
import { assign, updateRunningStats } from '../../engine/ops/assign.ts';
import { batchNorm } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, sqrt } from '../../engine/ops/pointwise.ts';
import { globalAvgPool } from '../../engine/ops/pool.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Precision } from '../../engine/program/precision.ts';
import { DEFAULT_ADAM, TrainStep } from '../../engine/train/train_step.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';

/** Conv, batch norm with running statistics, ReLU, pooling, a dense layer, and a term whose root has a pole at 0. */
async function makeTraining(device: Device, precision: Precision, clipNorm?: number) {
  const parameter = (name: string, shape: number[], seed: number) =>
    new Parameter(
      device,
      name,
      shape,
      randomArray(
        shape.reduce((a, b) => a * b),
        seed,
        0.1,
        0.9,
      ),
    );
  const filter = parameter('filter', [3, 3, 3, 8], 1);
  const gamma = parameter('gamma', [8], 2);
  const beta = parameter('beta', [8], 3);
  const dense = parameter('dense', [8, 2], 4);
  const running = new Parameter(device, 'running', [2, 8], new Float32Array(16).fill(1));
  const seen = new Parameter(device, 'seen', [1]);
  const [x, t, pole] = [input('x', [4, 6, 6, 3]), input('t', [4, 2]), input('pole', [8])];
  const { y, stats } = batchNorm(conv2d(x, filter.tensor), gamma.tensor, beta.tensor, { activation: 'relu' });
  const logits = matmul(globalAvgPool(y), dense.tensor);
  const root = sum(sqrt(mul(gamma.tensor, pole)));
  const loss = reshape(add(mean(softmaxCrossEntropy(logits, t)), reshape(root, [1])), []);
  const step = await TrainStep.create(device, {
    loss,
    trainable: [filter, gamma, beta, dense],
    updates: [updateRunningStats(running.tensor, stats, 64, 0.1), assign(seen.tensor, add(seen.tensor, 1))],
    adam: { ...DEFAULT_ADAM, clipNorm },
    precision,
  });
  const state = async () => {
    const own = await Promise.all([filter, gamma, beta, dense, running, seen].map((p) => p.read()));
    return [...own, ...[...(await step.state())].flatMap(([name, { data }]) => (name === 'loss_scale' ? [] : [data]))];
  };
  const dispose = () => [step, filter, gamma, beta, dense, running, seen].forEach((o) => o[Symbol.dispose]());
  return { step, loss, state, dispose };
}

const good = () => ({
  x: randomArray(4 * 6 * 6 * 3, 7),
  t: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1),
  pole: new Float32Array(8).fill(0.5),
});

type Feeds = ReturnType<typeof good>;

/** What makes a step not finite, and whether its loss tells. */
const BAD: readonly [name: string, spoil: (feeds: Feeds) => void, isLossFinite: boolean][] = [
  ['one NaN among the pixels', ({ x }) => (x[100] = NaN), false],
  ['an infinite pixel', ({ x }) => (x[0] = -Infinity), false],
  ['all pixels infinite', ({ x }) => x.fill(Infinity), false],
  ['pixels whose squares overflow', ({ x }) => x.set([3e38, -3e38, 3e38]), false],
  ['a target that is NaN', ({ t }) => (t[3] = NaN), false],
  ['an infinite target', ({ t }) => (t[0] = Infinity), false],
  ['a gradient at a pole, with a finite loss', ({ pole }) => (pole[5] = 0), true],
];

describeAdapters('a step that is not finite', (device) => {
  const precisions = (): Precision[] => (device().capabilities.f16 ? ['f32', 'f16'] : ['f32']);

  it.each(BAD)('changes nothing: %s', async (_, spoil, isLossFinite) => {
    for (const precision of precisions()) {
      for (const clipNorm of [undefined, 1]) {
        const [spoilt, clean] = [
          await makeTraining(device(), precision, clipNorm),
          await makeTraining(device(), precision, clipNorm),
        ];
        for (const training of [spoilt, clean]) training.step.run(good(), 0.01);
        expect(await spoilt.step.changed()).toBe(true);
        const before = await spoilt.state();
        const feeds = good();
        spoil(feeds);
        spoilt.step.run(feeds, 0.01);
        expect(await spoilt.step.changed(), precision).toBe(false);
        expect(Number.isFinite((await spoilt.step.read(spoilt.loss))[0])).toBe(isLossFinite);
        expect(await spoilt.state()).toEqual(before);
        // With f16 the scale of the loss came down, and with it what is rounded.
        if (precision === 'f32') {
          for (const training of [spoilt, clean]) training.step.run(good(), 0.01);
          expect(await spoilt.step.changed()).toBe(true);
          expect(await spoilt.state(), 'as if it had not been').toEqual(await clean.state());
        }
        spoilt.dispose();
        clean.dispose();
      }
    }
  });
});
