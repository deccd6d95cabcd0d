import { expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { updateRunningStats } from '../../engine/ops/assign.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Precision } from '../../engine/program/precision.ts';
import { DEFAULT_ADAM, TrainStep, type LossScaleOptions } from '../../engine/train/train_step.ts';
import { UserError } from '../../engine/user_error.ts';
import { efficientNet } from '../../models/efficientnet.ts';
import { applySegments, type Network } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { vgg } from '../../models/vgg.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';

const NETWORKS: Readonly<Record<string, Network>> = {
  vgg_small: vgg('vgg_small', 3),
  EfficientNet: efficientNet(
    { variant: 'b0', classes: 3, width: 0.25, depth: 0.25, imageSize: 32, dropout: 0 },
    { padding: 'symmetric', bnEpsilon: 1e-3 },
  ),
};
const SMALL = NETWORKS['vgg_small'];
const [BATCH, SIDE] = [8, 32];

/** A training of a small network on one batch of noise, which it can learn by heart. */
class Training implements Disposable {
  private constructor(
    readonly parameters: ParameterSet,
    readonly step: TrainStep,
    private readonly read: () => Promise<number>,
  ) {}

  /** @param steepness what the loss is multiplied by, and with it all gradients */
  static async begin(
    device: Device,
    network: Network,
    precision: Precision,
    lossScale?: LossScaleOptions,
    { steepness = 1, clipNorm }: { steepness?: number; clipNorm?: number } = {},
  ): Promise<Training> {
    const parameters = new ParameterSet(device, network.specs, new Map(), 1);
    const updates: ReturnType<typeof updateRunningStats>[] = [];
    const logits = applySegments(network.segments, input('x', [BATCH, SIDE, SIDE, 3]), {
      parameters,
      batchNorm: 'batch',
      onStatistics: (name, stats, count) =>
        updates.push(updateRunningStats(parameters.tensor(name), stats, count, 0.1)),
    });
    const loss = mul(reshape(mean(softmaxCrossEntropy(logits, input('targets', [BATCH, 3]))), []), steepness);
    try {
      const step = await TrainStep.create(device, {
        loss,
        trainable: parameters.trainable(),
        updates,
        adam: { ...DEFAULT_ADAM, clipNorm },
        precision,
        lossScale,
      });
      return new Training(parameters, step, async () => (await step.read(loss))[0] / steepness);
    } catch (error) {
      parameters[Symbol.dispose]();
      throw error;
    }
  }

  async run(steps: number): Promise<number[]> {
    const feeds = {
      x: randomArray(BATCH * SIDE * SIDE * 3, 1, -2, 2),
      targets: Float32Array.from({ length: BATCH * 3 }, (_, i) => +(i % 3 === Math.floor(i / 3) % 3)),
    };
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      this.step.run(feeds, 0.003);
      losses.push(await this.read());
    }
    return losses;
  }

  /** All that a step changes but the scale of the loss, to the bit. */
  async state(): Promise<Map<string, readonly number[]>> {
    const own = await Promise.all(this.parameters.all.map(async (p) => [p.name, await p.read()] as const));
    const moments = [...(await this.step.state())]
      .filter(([name]) => name !== 'loss_scale')
      .map(([name, { data }]) => [name, data] as const);
    return new Map(
      [...own, ...moments].map(([name, data]) => [
        name,
        [...new Uint32Array(data.buffer, data.byteOffset, data.length)],
      ]),
    );
  }

  [Symbol.dispose](): void {
    this.step[Symbol.dispose]();
    this.parameters[Symbol.dispose]();
  }
}

describeAdapters(
  'training in f16',
  (device) => {
    it.each(Object.keys(NETWORKS))('%s learns as in f32, in less memory', async (name) => {
      const network = NETWORKS[name];
      using whole = await Training.begin(device(), network, 'f32');
      using half = await Training.begin(device(), network, 'f16');
      const [a, b] = [await whole.run(12), await half.run(12)];
      // The loss moves by at most twice what a logit moves. Logits are near 1, and each of some thirty stored layers
      // moves them by 2^-11 of that at most, to either side: √30 of it is what to expect.
      expect(Math.abs(a[0] - b[0])).toBeLessThan(2 * Math.sqrt(30) * 2 ** -11);
      expect(a[11]).toBeLessThan(0.7 * a[0]);
      // Later, weights differ: Adam moves one by the learning rate whichever way its gradient points, and those of
      // gradients near 0 go either way.
      expect(Math.abs(a[11] - b[11])).toBeLessThan(0.1 * (a[0] - a[11]));
      expect(half.step.program.plan.lowerBound).toBeLessThan(0.65 * whole.step.program.plan.lowerBound);
      // No step overflowed.
      expect(await half.step.lossScale()).toBe(2 ** 16);
    });

    it('survives overflow: such a step changes nothing but the scale, and is as if it had not been', async () => {
      using training = await Training.begin(
        device(),
        SMALL,
        'f16',
        { initial: 2 ** 24, growAfter: 2000 },
        { steepness: 2 ** 10, clipNorm: 1 },
      );
      const before = await training.state();
      const [first] = await training.run(1);
      expect(first).toBeGreaterThan(0.5);
      expect(first).toBeLessThan(5);
      expect(await training.step.lossScale()).toBe(2 ** 23);
      expect(await training.state()).toEqual(before);

      let overflows = 1;
      for (; overflows < 40; overflows++) {
        await training.run(1);
        if ((await training.step.lossScale()) === 2 ** (24 - overflows)) break;
      }
      const after = await training.state();
      expect(after).not.toEqual(before);
      using other = await Training.begin(
        device(),
        SMALL,
        'f16',
        { initial: 2 ** (24 - overflows), growAfter: 2000 },
        { steepness: 2 ** 10, clipNorm: 1 },
      );
      await other.run(1);
      expect(await other.state()).toEqual(after);
      const losses = await training.run(12);
      expect(losses[11]).toBeLessThan(0.7 * first);
    });

    it('doubles the scale after so many good steps, and a resumed run has the same bits', async () => {
      using training = await Training.begin(device(), SMALL, 'f16', { initial: 2 ** 8, growAfter: 3 });
      await training.run(2);
      expect(await training.step.lossScale()).toBe(2 ** 8);
      await training.run(2);
      expect(await training.step.lossScale()).toBe(2 ** 9);

      const kept = new Map([...(await training.step.state())].map(([key, { data }]) => [key, data]));
      using resumed = await Training.begin(device(), SMALL, 'f16', { initial: 2 ** 12, growAfter: 3 });
      for (const p of training.parameters.all) resumed.parameters.parameter(p.name).write(await p.read());
      resumed.step.restore(training.step.step, kept);
      await training.run(3);
      await resumed.run(3);
      expect(resumed.step.step).toBe(4 + 3);
      expect(await resumed.step.lossScale()).toBe(2 ** 10);
      expect([...(await resumed.step.state()).get('loss_scale')!.data]).toEqual([
        ...(await training.step.state()).get('loss_scale')!.data,
      ]);
      expect(await resumed.state()).toEqual(await training.state());
      kept.delete('loss_scale');
      expect(() => resumed.step.restore(4, kept)).toThrow(/lacks loss_scale/);
    });

    it('refuses a scale that is no power of two, and an adapter without f16', async () => {
      using other = await openDevice({ gpu: openGpu({ adapter: 'swiftshader' }) });
      const begin = (initial: number) => Training.begin(other, SMALL, 'f16', { initial, growAfter: 1 });
      await expect(begin(3)).rejects.toThrow(/power of two.*not with 3/);
      await expect(begin(2 ** 30)).rejects.toThrow(UserError);
      await expect(begin(2)).rejects.toThrow(/SwiftShader.*no 16-bit floats.*precision f32/);
      await expect(begin(2)).rejects.toThrow(UserError);
      expect(other.memory.buffers).toBe(0);
    });
  },
  ['lavapipe'],
);
