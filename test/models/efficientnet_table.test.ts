import { describe, expect, it } from 'vitest';
import { efficientNetParameters } from '../../models/efficientnet_parameters.ts';
import { efficientNetConfig, efficientNetShape, roundChannels } from '../../models/efficientnet_table.ts';

/** Trainable parameters of the ImageNet models, as their public model cards state them. */
const PUBLISHED: [string, number][] = [
  ['b0', 5_288_548],
  ['b1', 7_794_184],
  ['b2', 9_109_994],
  ['b3', 12_233_232],
  ['b4', 19_341_616],
  ['b5', 30_389_784],
  ['b6', 43_040_704],
  ['b7', 66_347_960],
];

describe('the table', () => {
  it.each(PUBLISHED)('EfficientNet-%s has %i trainable parameters', (variant, published) => {
    const count = efficientNetParameters(efficientNetConfig(variant, 1000))
      .filter((spec) => spec.trainable)
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count).toBe(published);
  });

  it('names B0 as agreed', () => {
    const specs = new Map(efficientNetParameters(efficientNetConfig('b0', 2)).map((spec) => [spec.name, spec]));
    expect(specs.get('stem.conv.w')).toEqual({
      name: 'stem.conv.w',
      shape: [3, 3, 3, 32],
      kind: 'filter',
      trainable: true,
    });
    expect(specs.get('stem.bn.var')).toEqual({ name: 'stem.bn.var', shape: [32], kind: 'var', trainable: false });
    expect(specs.has('blocks.0.expand.w')).toBe(false);
    expect(specs.get('blocks.3.depthwise.w')).toEqual({
      name: 'blocks.3.depthwise.w',
      shape: [5, 5, 144],
      kind: 'depthwise',
      trainable: true,
    });
    expect(specs.get('blocks.15.se_reduce.w')!.shape).toEqual([1, 1, 1152, 48]);
    expect(specs.get('blocks.15.se_reduce.b')!.shape).toEqual([48]);
    expect(specs.get('blocks.15.project.w')!.shape).toEqual([1, 1, 1152, 320]);
    expect(specs.get('head.conv.w')!.shape).toEqual([1, 1, 320, 1280]);
    expect(specs.get('classifier.w')).toEqual({
      name: 'classifier.w',
      shape: [1280, 2],
      kind: 'dense',
      trainable: true,
    });
    expect(specs.get('classifier.b')!.kind).toBe('bias');
    expect(specs.size).toBe(311);
  });

  it('strides and residuals of B0', () => {
    const { blocks } = efficientNetShape({ width: 1, depth: 1 });
    expect(blocks.filter((b) => b.stride === 2).map((b) => b.index)).toEqual([1, 3, 5, 11]);
    expect(blocks.filter((b) => !b.residual).map((b) => b.index)).toEqual([0, 1, 3, 5, 8, 11, 15]);
    expect(blocks.map((b) => b.stage)).toEqual([0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6]);
  });

  it('rounds channels to 8, and up where rounding down would lose a tenth', () => {
    expect([roundChannels(24, 1.1), roundChannels(40, 1.1), roundChannels(80, 1.1), roundChannels(1280, 1.1)]).toEqual([
      24, 48, 88, 1408,
    ]);
    expect([roundChannels(11, 1), roundChannels(3, 1)]).toEqual([16, 8]);
  });

  it('refuses an unknown variant and no class', () => {
    expect(() => efficientNetConfig('b9', 2)).toThrow(/'b9' is unknown; choose one of b0, b1, b2, b3/);
    expect(() => efficientNetConfig('constructor', 2)).toThrow(/is unknown/);
    expect(() => efficientNetConfig('b0', 0)).toThrow(/at least one class/);
  });
});
