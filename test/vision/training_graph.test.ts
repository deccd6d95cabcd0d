import { expect, it } from 'vitest';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import { compile } from '../../engine/program/program.ts';
import { trainingGraph } from '../../vision/train/training_graph.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { vgg } from '../../models/vgg.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as layers from '../reference/layers.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

describeAdapters('a training graph', (device) => {
  it('moves running statistics a tenth of the way to those of the batch, the variance by the count less one', async () => {
    // PyTorch's BatchNorm2d: momentum 0.1, and the unbiased variance goes into the running one.
    const network = vgg('vgg', 2, {
      blocks: [[4]],
      batchNorm: true,
      convBias: false,
      openEnd: true,
      pool: 1,
      tail: [],
    });
    using parameters = new ParameterSet(device(), network.specs, new Map(), 3);
    const x = input('x', [2, 5, 5, 3]);
    const task: Parameters<typeof trainingGraph>[2] = {
      scores: (logits) => logits,
      loss: (scores, targets) => reshape(mean(softmaxCrossEntropy(scores, targets)), []),
    };
    const { updates, loss } = trainingGraph(network.segments, x, task, parameters, {
      batchNorm: 'batch',
      dropout: 0,
      dropPath: 0,
    });
    using program = await compile(device(), { outputs: [loss], updates });
    const image = randomArray(x.size, 4);
    const stats = parameters.parameter('block1.0.bn.stats');
    expect([...(await stats.read())]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    program.run({ x: image, targets: Float32Array.of(1, 0, 0, 1) });

    const filter = layers.conv(await parameters.parameter('block1.0.conv.w').read(), 3, 4);
    const made = [0, 75].flatMap((from) => [
      ...filter.forward({ h: 5, w: 5, c: 3, values: Float64Array.from(image.subarray(from, from + 75)) }).values,
    ]);
    const want = Array.from({ length: 8 }, (_, i) => {
      const own = made.filter((__, j) => j % 4 === i % 4);
      const centre = own.reduce((a, v) => a + v, 0) / own.length;
      const variance = own.reduce((a, v) => a + (v - centre) ** 2, 0) / (own.length - 1);
      return i < 4 ? 0.1 * centre : 0.9 + 0.1 * variance;
    });
    // Values of a size below 4, of 27 products each, averaged over 50.
    expectWithin(await stats.read(), want, () => sumBound(27 + 50, 16));
  });
});
