import { describe, expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { buildModel } from '../../models/build_network.ts';
import type { Network } from '../../models/network.ts';
import { IMAGENET } from '../../models/normalisation.ts';
import { buildOnnx } from '../../models/onnx/onnx_model.ts';
import { cutNote, cutOf } from '../../vision/train/cut.ts';
import { ocrModel } from '../models/onnx/models.ts';

/** Leaves in place of parameters: enough to know the shapes. */
const leaves = ({ specs }: Network) => ({
  tensor(name: string) {
    const found = specs.find((spec) => spec.name === name);
    return input(name, found?.shape ?? [2, ...specs.find((s) => s.name === name.replace(/stats$/, 'mean'))!.shape]);
  },
});
const cut = (network: Network, unfreeze: number | string) => cutOf(network, leaves(network), { unfreeze, size: 64 });

describe('where fine-tuning begins', () => {
  const b0 = buildModel('efficientnet_b0', 2).network;
  const small = buildModel('vgg_small', 2).network;
  const { network: cls } = buildOnnx({ bytes: ocrModel('cls'), source: 'cls' }, { classes: 2, size: 64 }, IMAGENET);

  it('counts stages where a network has them', () => {
    expect([1, 3, 7].map((n) => cut(b0, n).after)).toEqual(['stage6', 'stage4', 'stem']);
    expect(() => cut(b0, 8)).toThrow(/has 7 stages; --unfreeze takes 1 to 7 or all, not 8/);
    // Its first stage is its beginning, and stays as it is.
    expect(cut(small, 3).first).toBe('block2');
    expect(() => cut(small, 4)).toThrow(/takes 1 to 3 or all, not 4/);
  });

  it('counts layers with weights where there are none', () => {
    // The last: a convolution of 200 channels behind 32, its batch norm, and the pool without weights.
    expect(cut(cls, 1).first).toBe('p2o.BatchNormalization.34');
    expect(cut(cls, 2).first).toBe('p2o.Conv.52');
    expect(() => cut(cls, 1000)).toThrow(/layers with weights; --unfreeze takes 1 to \d+ or all, not 1000/);
  });

  it('takes the least that holds a share of the weights', () => {
    const trainable = cls.specs.filter((s) => s.trainable && !s.name.startsWith('classifier.'));
    const total = trainable.reduce((n, { shape }) => n + sizeOf(shape), 0);
    for (const share of [0.05, 0.3, 0.75]) {
      const { first, share: taken } = cut(cls, share);
      const k = cls.segments.findIndex(({ name }) => name === first);
      const held = (from: number) => {
        const names = new Set(cls.segments.slice(from).flatMap(({ prefixes }) => prefixes));
        return trainable.filter(({ name }) => names.has(name)).reduce((n, { shape }) => n + sizeOf(shape), 0) / total;
      };
      expect(taken).toBeCloseTo(held(k), 12);
      expect(held(k)).toBeGreaterThanOrEqual(share);
      expect(held(k + 1)).toBeLessThan(share);
    }
  });

  it('takes a segment, or the one that has a node, by name', () => {
    expect(cut(cls, 'p2o.Conv.52').first).toBe('p2o.Conv.52');
    // Within a block that ends with the addition of its input.
    expect(cut(cls, 'p2o.Conv.17')).toEqual(cut(cls, 'p2o.Add.24'));
    expect(cut(b0, 'blocks.10').first).toBe('stage5');
    expect(() => cut(cls, 'nowhere')).toThrow(/--unfreeze nowhere: onnx has no layer of this name; it has .*p2o\.Conv/);
  });

  it('takes all, stem included', () => {
    expect(cut(b0, 'all')).toEqual({ after: undefined, first: 'stem', share: 1 });
    expect(cut(cls, 'all').first).toBe(cls.segments[0].name);
    expect(cutNote(cut(cls, 'all'))).toBe('fine-tuning trains all weights (--unfreeze)');
  });

  it('leaves something frozen, and something to train', () => {
    expect(() => cut(cls, cls.segments[0].name)).toThrow(/leaves nothing of onnx frozen/);
    expect(() => cut(cls, 'classifier')).toThrow(/nothing of onnx but its classifier would be trained/);
  });
});
