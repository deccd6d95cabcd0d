import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { buildModel } from '../../models/build_network.ts';
import { convNext } from '../../models/convnext.ts';
import { exportWeights } from '../../models/export_weights.ts';
import { initialValues } from '../../models/initialise.ts';
import { mobileNetV3, type MobileBlock } from '../../models/mobilenet_v3.ts';
import { recogniseModel } from '../../models/namings.ts';
import type { Network } from '../../models/network.ts';
import * as plain from '../reference/mobile_blocks.ts';
import { relativeL2 } from '../tolerance.ts';
import { EXACT, Stage } from './stage.ts';

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const count = ({ specs }: Network) =>
  specs.filter(({ trainable }) => trainable).reduce((n, { shape }) => n + sizeOf(shape), 0);

describe('as large as torchvision, and timm of the nano, say', () => {
  it.each([
    ['mobilenet_v3_small', 2_542_856],
    ['mobilenet_v3_large', 5_483_032],
    ['convnext_tiny', 28_589_128],
    ['convnext_nano', 15_593_560],
  ])('%s', (name, parameters) => {
    expect(count(buildModel(name, 1000).network)).toBe(parameters);
  });
});

/** Typed from the state dictionaries of torchvision and timm: how many entries there are, and some of them. */
const LISTED: [name: string, by: 'torchvision' | 'timm', entries: number, some: [string, number[]][]][] = [
  [
    'mobilenet_v3_large',
    'torchvision',
    312,
    [
      ['features.0.0.weight', [16, 3, 3, 3]],
      ['features.0.1.running_mean', [16]],
      ['features.1.block.0.0.weight', [16, 1, 3, 3]],
      ['features.1.block.1.0.weight', [16, 16, 1, 1]],
      ['features.1.block.1.1.bias', [16]],
      ['features.2.block.0.0.weight', [64, 16, 1, 1]],
      ['features.2.block.2.0.weight', [24, 64, 1, 1]],
      ['features.4.block.1.0.weight', [72, 1, 5, 5]],
      ['features.4.block.2.fc1.weight', [24, 72, 1, 1]],
      ['features.4.block.2.fc2.bias', [72]],
      ['features.4.block.3.0.weight', [40, 72, 1, 1]],
      ['features.11.block.2.fc1.weight', [120, 480, 1, 1]],
      ['features.15.block.3.1.running_var', [160]],
      ['features.16.0.weight', [960, 160, 1, 1]],
      ['features.16.1.weight', [960]],
      ['classifier.0.weight', [1280, 960]],
      ['classifier.3.bias', [1000]],
    ],
  ],
  [
    'mobilenet_v3_small',
    'torchvision',
    244,
    [
      ['features.1.block.0.0.weight', [16, 1, 3, 3]],
      ['features.1.block.1.fc1.weight', [8, 16, 1, 1]],
      ['features.1.block.2.0.weight', [16, 16, 1, 1]],
      ['features.4.block.2.fc1.weight', [24, 96, 1, 1]],
      ['features.9.block.2.fc1.weight', [72, 288, 1, 1]],
      ['features.12.0.weight', [576, 96, 1, 1]],
      ['classifier.0.weight', [1024, 576]],
      ['classifier.3.weight', [1000, 1024]],
    ],
  ],
  [
    'convnext_tiny',
    'torchvision',
    182,
    [
      ['features.0.0.weight', [96, 3, 4, 4]],
      ['features.0.1.bias', [96]],
      ['features.1.0.layer_scale', [96, 1, 1]],
      ['features.1.0.block.0.weight', [96, 1, 7, 7]],
      ['features.1.0.block.2.weight', [96]],
      ['features.1.0.block.3.weight', [384, 96]],
      ['features.1.2.block.5.weight', [96, 384]],
      ['features.2.0.weight', [96]],
      ['features.2.1.weight', [192, 96, 2, 2]],
      ['features.5.8.block.5.bias', [384]],
      ['features.6.1.bias', [768]],
      ['features.7.2.layer_scale', [768, 1, 1]],
      ['classifier.0.weight', [768]],
      ['classifier.2.weight', [1000, 768]],
    ],
  ],
  [
    'convnext_nano',
    'timm',
    146,
    [
      ['stem.0.weight', [80, 3, 4, 4]],
      ['stem.1.weight', [80]],
      ['stages.0.blocks.0.gamma', [80]],
      ['stages.0.blocks.0.conv_dw.weight', [80, 1, 7, 7]],
      ['stages.0.blocks.1.norm.bias', [80]],
      ['stages.0.blocks.0.mlp.fc1.weight', [320, 80, 1, 1]],
      ['stages.1.downsample.0.weight', [80]],
      ['stages.1.downsample.1.weight', [160, 80, 2, 2]],
      ['stages.2.blocks.7.mlp.fc2.weight', [320, 1280, 1, 1]],
      ['stages.3.blocks.1.gamma', [640]],
      ['head.norm.weight', [640]],
      ['head.fc.weight', [1000, 640]],
    ],
  ],
  ['convnext_tiny', 'timm', 182, [['stages.3.blocks.2.mlp.fc1.weight', [3072, 768]]]],
];

describe('names', () => {
  it.each(LISTED)('of %s by %s: %i entries', (name, by, entries, some) => {
    const { network } = buildModel(name, 1000);
    const bare = new Map(network.specs.map((spec) => [spec.name, new Float32Array(0)]));
    const { tensors } = exportWeights(network, bare, by);
    expect(tensors.size).toBe(entries);
    for (const [foreign, shape] of some) expect(tensors.get(foreign)?.shape, foreign).toEqual(shape);
    expect(recogniseModel(tensors)).toBe(name);
  });
  it.each(LISTED)('of %s by %s are read back, bit by bit', (name, by) => {
    const { network } = buildModel(name, 2);
    const weights = new Map(network.specs.map((spec) => [spec.name, initialValues(spec, 5)]));
    const { tensors } = exportWeights(network, weights, by);
    const back = buildModel(name, 2, { tensors, source: 'w' });
    for (const [key, values] of weights)
      expect(Buffer.compare(Buffer.from(back.weights.get(key)!.buffer), Buffer.from(values.buffer)), key).toBe(0);
  });
});

describe('MobileNetV3 in plain loops', () => {
  const block = (
    kernelSize: number,
    expanded: number,
    out: number,
    squeezes: boolean,
    activation: MobileBlock['activation'],
    stride: 1 | 2,
  ): MobileBlock => ({ kernelSize, expanded, out, squeezes, activation, stride });
  const small = mobileNetV3('mobilenet_v3_small', 3, {
    tail: 5,
    blocks: [
      block(3, 16, 16, true, 'relu', 1),
      block(3, 24, 8, false, 'relu', 2),
      block(5, 24, 8, true, 'hardSwish', 1),
      block(5, 20, 12, true, 'hardSwish', 2),
    ],
  });

  it.each([18, 19])('the stem of an image of %i', (side) => {
    const stage = new Stage(small, 'stem', [side, side, 3]);
    const want = stage.want((x) => plain.mobileStem(x, stage.values('stem.')));
    expect(relativeL2(stage.get(), want)).toBeLessThan(EXACT);
  });
  it.each([6, 7])('a block without expansion, with and without squeeze and excite, strides, side %i', (side) => {
    const base = { size: 3, stride: 1, expands: true, squeezes: true, swish: true, residual: false };
    const first = new Stage(small, 'stage1', [side, side, 16]);
    const shape = { ...base, expands: false, swish: false, residual: true };
    const want = first.want((x) => plain.mobileBlock(x, first.values('blocks.0.'), shape));
    expect(relativeL2(first.get(), want)).toBeLessThan(EXACT);

    const second = new Stage(small, 'stage2', [side, side, 16]);
    const two = second.want((x) => {
      const y = plain.mobileBlock(x, second.values('blocks.1.'), { ...base, stride: 2, squeezes: false, swish: false });
      return plain.mobileBlock(y, second.values('blocks.2.'), { ...base, size: 5, residual: true });
    });
    expect(relativeL2(second.get(), two)).toBeLessThan(EXACT);

    const third = new Stage(small, 'stage3', [side, side, 8]);
    const last = third.want((x) => plain.mobileBlock(x, third.values('blocks.3.'), { ...base, size: 5, stride: 2 }));
    expect(relativeL2(third.get(), last)).toBeLessThan(EXACT);
  });
  it('its stages begin where the image is halved', () => {
    const prefixes = buildModel('mobilenet_v3_large', 2).network.segments.map(({ prefixes: p }) => p.length);
    // stem, five stages of 1, 2, 3, 6 and 3 blocks, head, pool, tail, classifier
    expect(prefixes).toEqual([1, 1, 2, 3, 6, 3, 1, 0, 1, 1]);
  });
});

describe('ConvNeXt in plain loops', () => {
  const small = convNext('convnext_nano', 3, { depths: [1, 2], widths: [6, 10] });
  it.each([12, 15])('the stem of an image of %i', (side) => {
    const stage = new Stage(small, 'stem', [side, side, 3]);
    const want = stage.want((x) => plain.convNextStem(x, stage.values('stem.')));
    expect(relativeL2(stage.get(), want)).toBeLessThan(EXACT);
  });
  it.each([6, 9])('a block, and what halves the image before others, side %i', (side) => {
    const first = new Stage(small, 'stage1', [side, side, 6]);
    const want = first.want((x) => plain.convNextBlock(x, first.values('stage1.0.')));
    expect(relativeL2(first.get(), want)).toBeLessThan(EXACT);
    const second = new Stage(small, 'stage2', [side, side, 6]);
    const two = second.want((x) => {
      let y = plain.convNextDown(x, second.values('stage2.down.'));
      for (const b of [0, 1]) y = plain.convNextBlock(y, second.values(`stage2.${b}.`));
      return y;
    });
    expect(relativeL2(second.get(), two)).toBeLessThan(EXACT);
  });
  it('the mean of the image is normed before the classifier', () => {
    const stage = new Stage(small, 'pool', [3, 4, 10]);
    const want = stage.want((x) => {
      const values = Float64Array.from({ length: x.c }, (_, c) => {
        let total = 0;
        for (let p = 0; p < x.h * x.w; p++) total += x.values[p * x.c + c];
        return total / (x.h * x.w);
      });
      return plain.layerNorm({ h: 1, w: 1, c: x.c, values }, 'norm', stage.values('pool.'));
    });
    expect(relativeL2(stage.get(), want)).toBeLessThan(EXACT);
  });
  it('its residual branches begin near 0', () => {
    expect([...initialValues({ name: 'stage1.0.scale', kind: 'scale', shape: [2], trainable: true }, 1)]).toEqual([
      Math.fround(1e-6),
      Math.fround(1e-6),
    ]);
  });
});

it('has its published width only', () => {
  for (const name of ['mobilenet_v3_large', 'convnext_nano']) {
    const narrow = (): unknown => buildModel(name, 2, undefined, { width: 0.5 });
    expect(narrow).toThrow(UserError);
    expect(narrow).toThrow(`${name} comes in its published width only`);
  }
});
