import { describe, expect, it } from 'vitest';
import { gradCam, input, Model, mul, networkOf, oneHot, type Layer } from '../../index.ts';
import * as layers from '../../index.layers.ts';
import { UserError } from '../../engine/user_error.ts';
import { findTensor } from '../../models/grad_cam.ts';
import { compile } from '../../engine/program/program.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/conv2d.ts';
import { depthwiseConv2d } from '../reference/depthwise_conv2d.ts';
import { matmul } from '../reference/matmul.ts';
import { maxPool as maxPoolReference } from '../reference/pool.ts';
import { expectWithin, sumBound, UNIT } from '../tolerance.ts';

const { avgPool, batchNorm, conv, dense, depthwise, dropout, flatten, globalPool, maxPool, named, relu, residual } =
  layers;
const { sequential, sigmoid } = layers;

const specsOf = (layer: Layer, shape: readonly number[]) =>
  networkOf(layer, shape).specs.map((spec) => `${spec.name} ${spec.kind} [${spec.shape}]`);

describe('layers', () => {
  it('have parameters of the shapes that their inputs need', () => {
    const net = sequential(
      conv(8),
      batchNorm({ activation: 'relu' }),
      maxPool(),
      conv(12, { size: [1, 5], stride: 2, groups: 4, bias: false }),
      depthwise({ size: 5 }),
      avgPool({ size: 3, stride: 1 }),
      flatten,
      dense(6),
      sigmoid,
      dense(2, { bias: false }),
    );
    expect(specsOf(net, [16, 20, 3])).toEqual([
      'conv1.w filter [3,3,3,8]',
      'conv1.b bias [8]',
      'batchNorm1.gamma gamma [8]',
      'batchNorm1.beta beta [8]',
      'batchNorm1.mean mean [8]',
      'batchNorm1.var var [8]',
      // 16 x 20, pooled to 8 x 10, by stride 2 to 4 x 5
      'conv2.w filter [1,5,2,12]',
      'depthwise1.w depthwise [5,5,12]',
      'depthwise1.b bias [12]',
      // the mean of 3 x 3 leaves 2 x 3
      'dense1.w dense [72,6]',
      'dense1.b bias [6]',
      'dense2.w dense [6,2]',
    ]);
  });

  it('are named by kind and place, within each other and by hand', () => {
    const block = sequential(conv(4), named('second', conv(4)), relu);
    const net = sequential(named('stem', conv(4)), residual(block), residual(block, conv(4, { size: 1 })), globalPool);
    const body = ['conv1.w', 'conv1.b', 'second.w', 'second.b'].map((name) => `body.${name}`);
    expect(specsOf(net, [8, 8, 4]).map((spec) => spec.split(' ')[0])).toEqual([
      'stem.w',
      'stem.b',
      ...body.map((name) => `residual1.${name}`),
      ...[...body, 'shortcut.w', 'shortcut.b'].map((name) => `residual2.${name}`),
    ]);
    const network = networkOf(net, [8, 8, 4]);
    expect(network.segments.map(({ name }) => name)).toEqual(['stem', 'residual1', 'residual2', 'globalPool1']);
    expect([network.lastConv, network.features]).toEqual(['residual2', 'globalPool1']);
    const classifier = networkOf(sequential(net, dense(3)), [8, 8, 4]);
    expect([classifier.lastConv, classifier.features]).toEqual(['sequential1', 'sequential1']);
  });

  it("may be functions of one's own, with parameters", () => {
    const scale: Layer = (x, scope) => mul(x, scope.parameter('factor', [x.shape[x.shape.length - 1]], 'gamma'));
    expect(specsOf(sequential(scale, relu, scale), [4, 4, 3])).toEqual([
      'layer1.factor gamma [3]',
      'layer2.factor gamma [3]',
    ]);
    expect(specsOf(scale, [4, 4, 3])).toEqual(['body.factor gamma [3]']);
  });

  const image = [8, 8, 3];
  it.each<[string, () => unknown, RegExp]>([
    ['no layers', () => sequential(), /^sequential: it needs a layer at least$/],
    ['a layer that was not called', () => networkOf(sequential(maxPool as never), image), /^layer layer1: maxPool: /],
    [
      'a factory',
      () => networkOf(sequential((() => conv(3)) as never), image),
      /^layer layer1 gives a function: call it/,
    ],
    [
      'no function',
      () => networkOf(sequential(relu, 7 as never), image),
      /^layer layer1 must be a function such as relu/,
    ],
    ['dense on images', () => networkOf(sequential(relu, dense(3)), image), /^layer dense1: dense: .*put flatten or/],
    ['conv on rows', () => networkOf(sequential(flatten, conv(3)), image), /^layer conv1: conv: it takes images/],
    [
      'a pool larger than the image',
      () => networkOf(maxPool({ size: 9 }), image),
      /^layer maxPool: max_pool2d: the window spans/,
    ],
    ['a residual that changes the shape', () => networkOf(residual(conv(4)), image), /^layer residual: .*a shortcut/],
    [
      'two parameters of a name',
      () =>
        networkOf(
          sequential((x, s) => mul(mul(x, s.parameter('a', [1], 'bias')), s.parameter('a', [1], 'bias'))),
          image,
        ),
      /^layer layer1: there are two parameters named layer1\.a/,
    ],
    [
      'two layers of a name',
      () => sequential(named('a', relu), named('a', relu)),
      /^sequential: two layers are named a/,
    ],
    ['filters', () => conv(0), /^conv: the number of filters must be a whole number of at least 1, not 0$/],
    ['an option', () => conv(3, { strid: 2 } as never), /^conv: there is no option strid; it knows size, stride/],
    ['a rate', () => dropout(1), /^dropout: the rate must be at least 0 and less than 1, not 1$/],
    [
      'groups',
      () => networkOf(conv(4, { groups: 2 }), image),
      /2 groups must divide both the channels and the 4 filters/,
    ],
    ['a shape', () => networkOf(relu, [8, NaN] as never), /^the shape of an input: a shape is a list of whole numbers/],
  ])('refuse %s', (_, misuse, sentence) => {
    let thrown: unknown;
    try {
      misuse();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UserError);
    expect((thrown as UserError).message).toMatch(sentence);
  });
});

describeAdapters('a model of layers', (device) => {
  it('computes what its layers say, sample by sample', async () => {
    const net = sequential(conv(4), relu, depthwise({ stride: 2, bias: false }), maxPool(), flatten, dense(3));
    using model = new Model(device(), net, [8, 8, 2], { seed: 5 });
    const values = await model.parameters.read();
    const p = (name: string) => values.get(name)!.data;
    const bias = randomArray(4, 9);
    model.parameters.parameter('conv1.b').write(bias);
    const count = 5;
    const x = randomArray(count * 128, 1);
    const same = { inH: 8, inW: 8, filterH: 3, filterW: 3, dilationH: 1, dilationW: 1 };
    // Of stride 2 over 8 pixels, SAME needs one zero: behind.
    const first = { ...same, batch: count, inChannels: 2, outChannels: 4, outH: 8, outW: 8, strideH: 1, strideW: 1 };
    const pads = { padTop: 1, padLeft: 1, padBottom: 1, padRight: 1, groups: 1 };
    const a = reference.conv2d(x, p('conv1.w'), { ...first, ...pads }).map((v, i) => Math.max(0, v + bias[i % 4]));
    const b = depthwiseConv2d(
      { x: [count, 8, 8, 4], filter: [3, 3], out: [4, 4], stride: [2, 2], dilation: [1, 1], pad: [0, 0] },
      a,
      p('depthwise1.w'),
    );
    const c = maxPoolReference({ x: [count, 4, 4, 4], size: [2, 2], out: [2, 2], stride: [2, 2], pad: [0, 0] }, b);
    const want = matmul(c, p('dense1.w'), count, 3, 16);
    expectWithin(await model.predict(x), want, () => 4 * sumBound(18 + 9 + 16, 40), 'outputs');
    // Batches of two: the last one holds a single sample.
    expectWithin(await model.predict(x, { batch: 2 }), want, () => 4 * sumBound(18 + 9 + 16, 40), 'outputs in batches');
    const shares = await model.probabilities(x);
    for (let i = 0; i < count; i++) {
      const powers = [0, 1, 2].map((k) => Math.exp(want[3 * i + k]));
      const total = powers.reduce((s, v) => s + v);
      expectWithin(
        shares.subarray(3 * i, 3 * i + 3),
        powers.map((v) => v / total),
        () => 1e-5,
        'probabilities',
      );
    }
  });

  it('is saved and loaded, running statistics too, and refuses what is of other layers', async () => {
    const net = () => sequential(conv(3), batchNorm(), relu, globalPool, dense(2));
    using a = new Model(device(), net(), [6, 6, 1], { seed: 1 });
    a.parameters.parameter('batchNorm1.stats').write([1, 2, 3, 4, 5, 6]);
    const bytes = await a.save();
    using b = new Model(device(), net(), [6, 6, 1], { seed: 2 });
    const x = randomArray(36, 3);
    expect(await b.predict(x)).not.toEqual(await a.predict(x));
    b.load(bytes);
    expect(await b.predict(x)).toEqual(await a.predict(x));
    expect(Buffer.compare(await b.save(), bytes)).toBe(0);
    using other = new Model(device(), sequential(conv(4), batchNorm(), relu, globalPool, dense(2)), [6, 6, 1]);
    const before = await other.save();
    expect(() => other.load(bytes, 'a.safetensors')).toThrow(
      'a.safetensors: conv1.w has the shape [3, 3, 1, 3], and the model wants [3, 3, 1, 4]',
    );
    expect(Buffer.compare(await other.save(), before)).toBe(0);
  });

  it('is explained by Grad-CAM at its last image', async () => {
    using model = new Model(device(), sequential(conv(3), relu, globalPool, dense(2)), [6, 6, 1], { seed: 1 });
    const logits = model.apply(input('x', [1, 6, 6, 1]));
    expect(model.network.lastConv).toBe('relu1');
    const chosen = input('explained_class', [1, 2]);
    const map = gradCam(logits, chosen, findTensor(logits, model.network.lastConv));
    using program = await compile(device(), { outputs: [map] });
    const x = randomArray(36, 2);
    program.run({ x, explained_class: oneHot([1], 2) });
    const got = await program.read(map);
    // The gradient of a logit at the pooled features is the dense weight / 36, so the map is relu(Σ a·w/36).
    const values = await model.parameters.read();
    const g = { batch: 1, inH: 6, inW: 6, inChannels: 1, filterH: 3, filterW: 3, outH: 6, outW: 6, outChannels: 3 };
    const rest = {
      strideH: 1,
      strideW: 1,
      dilationH: 1,
      dilationW: 1,
      padTop: 1,
      padLeft: 1,
      padBottom: 1,
      padRight: 1,
    };
    const a = reference.conv2d(x, values.get('conv1.w')!.data, { ...g, ...rest, groups: 1 });
    const w = values.get('dense1.w')!.data;
    const want = Array.from({ length: 36 }, (_, i) =>
      Math.max(
        0,
        [0, 1, 2].reduce((sum, k) => sum + (Math.max(0, a[3 * i + k]) * w[2 * k + 1]) / 36, 0),
      ),
    );
    expectWithin(got, want, () => 64 * UNIT, 'map');
  });
});
