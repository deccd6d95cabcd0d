import { describe, expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { topologicalOrder } from '../../engine/tensor.ts';
import { buildModel } from '../../models/build_network.ts';
import { efficientNet } from '../../models/efficientnet.ts';
import { initialValues } from '../../models/initialise.ts';
import { applySegments, type Network } from '../../models/network.ts';
import type { ParameterSpec } from '../../models/parameter_spec.ts';
import { resnet } from '../../models/resnet.ts';
import { vgg } from '../../models/vgg.ts';
import * as plain from '../reference/blocks.ts';
import { randomUniform } from '../reference/random.ts';
import { relativeL2 } from '../tolerance.ts';
import { EXACT, NOISE, SAMPLES, Stage } from './stage.ts';

/*
 * What papers and published weights take for granted: paddings, strides, epsilons, the place of dropout, rates and
 * initial values. Blocks of each network against plain loops in which those are written down again.
 */

describe('the blocks of published networks', () => {
  const small = resnet('resnet50', 3, { block: 'bottleneck', depths: [1, 2], width: 4 });

  it.each([18, 19])('ResNet: the stem of an image of %i', (side) => {
    const stage = new Stage(small, 'stem', [side, side, 3]);
    expect(
      relativeL2(
        stage.get(),
        stage.want((x) => plain.resnetStem(x, stage.values('stem.'))),
      ),
    ).toBeLessThan(EXACT);
  });

  it('ResNet: the first stage has stride 1, and its shortcut is a convolution', () => {
    const stage = new Stage(small, 'stage1', [5, 5, 4]);
    const want = stage.want((x) => plain.bottleneck(x, stage.values('stage1.0.'), { stride: 1, projects: true }));
    expect(relativeL2(stage.get(), want)).toBeLessThan(EXACT);
  });

  it.each([6, 7])(
    'ResNet: stride 2 in the 3x3 of the first block of a later stage, none in the next, side %i',
    (side) => {
      const stage = new Stage(small, 'stage2', [side, side, 16]);
      const want = stage.want((x) =>
        plain.bottleneck(
          plain.bottleneck(x, stage.values('stage2.0.'), { stride: 2, projects: true }),
          stage.values('stage2.1.'),
          { stride: 1, projects: false },
        ),
      );
      expect(relativeL2(stage.get(), want)).toBeLessThan(EXACT);
    },
  );

  it.each([6, 7])('ResNet-18 and -34: two 3x3 convolutions, the stride in the first of them, side %i', (side) => {
    const basic = resnet('resnet18', 3, { block: 'basic', depths: [2, 2], width: 4 });
    const first = new Stage(basic, 'stage1', [side, side, 4]);
    const plainly = { stride: 1, projects: false };
    const want = first.want((x) =>
      plain.basicBlock(plain.basicBlock(x, first.values('stage1.0.'), plainly), first.values('stage1.1.'), plainly),
    );
    expect(relativeL2(first.get(), want)).toBeLessThan(EXACT);
    const second = new Stage(basic, 'stage2', [side, side, 4]);
    const halved = second.want((x) =>
      plain.basicBlock(
        plain.basicBlock(x, second.values('stage2.0.'), { stride: 2, projects: true }),
        second.values('stage2.1.'),
        plainly,
      ),
    );
    expect(relativeL2(second.get(), halved)).toBeLessThan(EXACT);
  });

  it.each([true, false])('VGG: two convolutions with biases behind a pooling, batch norm %s', (normed) => {
    const network = vgg('vgg', 3, {
      blocks: [[4], [6, 5]],
      batchNorm: normed,
      convBias: true,
      pool: 1,
      tail: [],
    });
    for (const [segment, c, convs, pooled] of [
      ['block1', 3, 1, false],
      ['block2', 4, 2, true],
    ] as const) {
      const stage = new Stage(network, segment, [7, 7, c]);
      const want = stage.want((x) => plain.vggBlock(x, stage.values(`${segment}.`), { convs, pooled, normed }));
      expect(relativeL2(stage.get(), want), segment).toBeLessThan(EXACT);
    }
  });

  // Even and odd sides: with stride 2 SAME pads them differently.
  const PADDINGS = [
    ['same', 12],
    ['same', 13],
    ['symmetric', 12],
    ['symmetric', 13],
  ] as const;
  const b0 = (padding: 'same' | 'symmetric') =>
    efficientNet(
      { variant: 'b0', classes: 3, width: 0.25, depth: 1, imageSize: 24, dropout: 0 },
      // As buildModel has it for a network without weights; torchvision's where padding is symmetric.
      padding === 'same' ? buildModel('efficientnet_b0', 3).arithmetic : { padding, bnEpsilon: 1e-5 },
    );

  it.each(PADDINGS)('EfficientNet: the stem, %s padding, side %i', (padding, side) => {
    const stage = new Stage(b0(padding), 'stem', [side, side, 3]);
    const want = stage.want((x) => plain.efficientNetStem(x, stage.values('stem.'), padding === 'same'));
    expect(relativeL2(stage.get(), want)).toBeLessThan(EXACT);
  });

  /** Stage by stage of B0: kernel size, stride of the first block, number of blocks; which is first in the network. */
  const STAGES = [
    { stage: 1, size: 3, stride: 1, blocks: 1, first: 0, c: 8 },
    { stage: 2, size: 3, stride: 2, blocks: 2, first: 1, c: 8 },
    { stage: 3, size: 5, stride: 2, blocks: 2, first: 3, c: 8 },
  ] as const;
  const stageOf = (
    run: Stage,
    { size, stride, blocks, first }: (typeof STAGES)[number],
    tensorflow: boolean,
    kept: (block: number, sample: number) => number = () => 1,
  ) =>
    run.want((x, n) => {
      let y = x;
      for (let b = 0; b < blocks; b++) {
        const values = run.values(`blocks.${first + b}.`);
        const shape = { size, stride: b === 0 ? stride : 1, expands: first > 0, tensorflow };
        // At a quarter of its width the first block has as many channels out as in.
        const residual = b > 0 || (stride === 1 && first === 0);
        y = plain.mbConv(y, values, { ...shape, residual, kept: kept(first + b, n) });
      }
      return y;
    });

  it.each(PADDINGS)('EfficientNet: its first three stages, %s padding, side %i', (padding, side) => {
    for (const row of STAGES) {
      const run = new Stage(b0(padding), `stage${row.stage}`, [side, side, row.c]);
      const got = run.get();
      expect(relativeL2(got, stageOf(run, row, padding === 'same')), `stage ${row.stage}`).toBeLessThan(EXACT);
    }
  });

  it('EfficientNet: stochastic depth drops block i of 16 with probability rate · i / 16, each sample for itself', () => {
    // tensorflow/tpu, efficientnet_model.py: drop_rate = drop_connect_rate * float(idx) / len(blocks).
    const rate = 0.9;
    let [dropped, scaled] = [0, 0];
    const kept = (block: number, sample: number) => {
      const p = (rate * block) / 16;
      const random = randomUniform(SAMPLES, NOISE.seed, NOISE.step, 1 + block)[sample];
      if (random < p) dropped++;
      else if (p > 0) scaled++;
      return random >= Math.fround(p) ? 1 / (1 - p) : 0;
    };
    // All of B0's residual blocks, at a size of one pixel: stages 2 to 6 have them.
    const network = b0('same');
    const stages = [
      { stage: 2, size: 3, stride: 2, blocks: 2, first: 1, c: 8 },
      { stage: 3, size: 5, stride: 2, blocks: 2, first: 3, c: 8 },
      { stage: 4, size: 3, stride: 2, blocks: 3, first: 5, c: 16 },
      { stage: 5, size: 5, stride: 1, blocks: 3, first: 8, c: 24 },
      { stage: 6, size: 5, stride: 2, blocks: 4, first: 11, c: 32 },
    ] as const;
    for (const row of stages) {
      const run = new Stage(network, `stage${row.stage}`, [4, 4, row.c], { dropout: 0, dropPath: rate });
      const want = stageOf(run, row as unknown as (typeof STAGES)[number], true, kept);
      expect(relativeL2(run.get(), want), `stage ${row.stage}`).toBeLessThan(EXACT);
    }
    expect([dropped > 0, scaled > 0]).toEqual([true, true]);
  });
});

describe('dropout', () => {
  const [rate, kept] = [0.5, 2];
  /** By our own convention the classifier draws from stream 0 and layer i of the tail from stream i. */
  const mask = (stream: number, width: number, sample: number) => {
    const random = randomUniform(SAMPLES * width, NOISE.seed, NOISE.step, stream);
    return (i: number) => (random[sample * width + i] < rate ? 0 : kept);
  };

  // torchvision, vgg.py: Linear, ReLU, Dropout, Linear, ReLU, Dropout, Linear.
  it('of a VGG follows each ReLU of its tail, and does not come before the first layer', () => {
    const network = vgg('vgg', 3, { blocks: [[4]], batchNorm: false, convBias: true, pool: 1, tail: [40, 30] });
    const tail = new Stage(network, 'tail', [4], { dropout: rate, dropPath: 0 });
    const want = tail.want((x, n) => {
      const first = plain.relu(plain.dense(x, tail.values('tail.0.')));
      return plain.relu(plain.dense(first, tail.values('tail.1.'), mask(1, 40, n)));
    });
    expect(relativeL2(tail.get(), want)).toBeLessThan(EXACT);
    const last = new Stage(network, 'classifier', [30], { dropout: rate, dropPath: 0 });
    const logits = last.want((x, n) => plain.dense(x, last.values('classifier.'), mask(0, 30, n)));
    expect(relativeL2(last.get(), logits)).toBeLessThan(EXACT);
  });

  it('of other networks stands before the classifier alone', () => {
    const networks = [
      efficientNet(
        { variant: 'b0', classes: 3, width: 0.25, depth: 1, imageSize: 24, dropout: 0.2 },
        {
          padding: 'same',
          bnEpsilon: 1e-3,
        },
      ),
      resnet('resnet50', 3, { block: 'bottleneck', depths: [1, 1], width: 4 }),
    ];
    for (const network of networks) {
      const width = network.specs.find(({ name }) => name === 'classifier.w')!.shape[0];
      const last = new Stage(network, 'classifier', [width], { dropout: rate, dropPath: 0 });
      const want = last.want((x, n) => plain.dense(x, last.values('classifier.'), mask(0, width, n)));
      expect(relativeL2(last.get(), want), network.name).toBeLessThan(EXACT);
      const noisy = network.segments.flatMap(({ name }) =>
        name === 'classifier'
          ? []
          : [new Stage(network, name, inputOf(network, name), { dropout: rate, dropPath: 0 }).y],
      );
      expect(topologicalOrder(noisy).filter((t) => t.op.name === 'dropout')).toEqual([]);
    }
  });

  it('none without noise, none at rate 0', () => {
    const network = vgg('vgg', 3, { blocks: [[4]], batchNorm: false, convBias: true, pool: 1, tail: [5, 6] });
    for (const noise of [undefined, { dropout: 0, dropPath: 0 }]) {
      const tail = new Stage(network, 'tail', [4], noise);
      const want = tail.want((x) =>
        plain.relu(plain.dense(plain.relu(plain.dense(x, tail.values('tail.0.'))), tail.values('tail.1.'))),
      );
      expect(relativeL2(tail.get(), want)).toBeLessThan(EXACT);
    }
  });

  /** The shape of what flows into a segment, for an image of 24 pixels. */
  function inputOf(network: Network, segment: string): readonly number[] {
    const parameters = {
      tensor: (name: string) => {
        const spec = network.specs.find((s) => s.name.replace(/\.mean$/, '.stats') === name)!;
        return input(name, spec.kind === 'mean' ? [2, ...spec.shape] : spec.shape);
      },
    };
    const before = network.segments.slice(
      0,
      network.segments.findIndex(({ name }) => name === segment),
    );
    const x = input('x', [SAMPLES, 24, 24, 3]);
    return applySegments(before, x, { parameters, batchNorm: 'running' }).shape.slice(1);
  }
});

describe('what networks begin with', () => {
  // torchvision's and efficientnet_pytorch's transforms: red, green, blue.
  it.each(['efficientnet_b0', 'vgg16_bn', 'resnet50', 'galaxy_vgg'])("%s: ImageNet's means and deviations", (name) => {
    expect(buildModel(name, 2, undefined).preprocessing).toEqual({
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
  });

  it('SAME padding and an epsilon of 1e-3 for an EfficientNet without weights, as its paper trained it', () => {
    expect(buildModel('efficientnet_b0', 2).arithmetic).toEqual({ padding: 'same', bnEpsilon: 1e-3 });
  });

  /** Mean and variance of a sample, and its fourth moment by the variance squared. */
  function moments(values: Float32Array) {
    const mean = values.reduce((a, v) => a + v, 0) / values.length;
    const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length;
    return { mean, variance, fourth: values.reduce((a, v) => a + (v - mean) ** 4, 0) / values.length / variance ** 2 };
  }
  const draw = (kind: ParameterSpec['kind'], ...shape: number[]) =>
    initialValues({ name: `${kind} of ${shape.join()}`, kind, shape, trainable: true }, 11);

  // He et al. 2015, equation 10: a normal distribution of variance 2 / fan-in.
  it.each<[ParameterSpec['kind'], number[], number]>([
    ['filter', [3, 3, 64, 48], 9 * 64],
    ['filter', [1, 1, 96, 300], 96],
    ['depthwise', [5, 5, 1000], 25],
  ])('%s %j: normal, of variance 2 over the %i numbers that one output sums', (kind, shape, fanIn) => {
    const values = draw(kind, ...shape);
    const { mean, variance, fourth } = moments(values);
    // Five standard errors of a normal sample's mean, variance and fourth moment.
    const error = 5 / Math.sqrt(values.length);
    expect(Math.abs(mean)).toBeLessThan(error * Math.sqrt(2 / fanIn));
    expect(Math.abs((variance * fanIn) / 2 - 1)).toBeLessThan(error * Math.SQRT2);
    expect(Math.abs(fourth - 3)).toBeLessThan(error * Math.sqrt(24));
  });

  it('dense weights lie evenly within 1 over the root of the inputs, biases are 0, batch norm changes nothing', () => {
    const values = draw('dense', 64, 500);
    const bound = 1 / Math.sqrt(64);
    const most = values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    expect(most).toBeLessThanOrEqual(bound);
    expect(most).toBeGreaterThan(0.999 * bound);
    const { mean, variance } = moments(values);
    const error = 5 / Math.sqrt(values.length);
    expect(Math.abs(mean)).toBeLessThan((error * bound) / Math.sqrt(3));
    // A uniform sample's variance has the relative deviation √(4/5).
    expect(Math.abs((3 * variance) / bound ** 2 - 1)).toBeLessThan(error * Math.sqrt(0.8));
    const all = (kind: ParameterSpec['kind']) => [...new Set(draw(kind, 7))];
    expect([all('gamma'), all('beta'), all('mean'), all('var'), all('bias')]).toEqual([[1], [0], [0], [1], [0]]);
  });

  it('values that depend on the seed and the name, and on nothing else', () => {
    const spec = { name: 'a', kind: 'filter', shape: [3, 3, 2, 2], trainable: true } as const;
    expect(initialValues(spec, 1)).toEqual(initialValues({ ...spec }, 1));
    expect(initialValues(spec, 2)).not.toEqual(initialValues(spec, 1));
    expect(initialValues({ ...spec, name: 'b' }, 1)).not.toEqual(initialValues(spec, 1));
  });
});
