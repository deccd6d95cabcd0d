import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { buildModel } from '../../models/build_network.ts';
import { importEfficientNet } from '../../models/efficientnet_names.ts';
import { efficientNetConfig } from '../../models/efficientnet_table.ts';
import type { StoredTensor } from '../../models/formats/stored_tensor.ts';
import { recogniseModel } from '../../models/namings.ts';
import { adaptStem } from '../../models/stem_channels.ts';
import { keras, timm, torchvision, type Listed } from './efficientnet_b0_names.ts';

const f32 = (shape: readonly number[], first = 0): StoredTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + (i % 97)),
});
const CLASSES = 4;
const stored = (list: readonly Listed[], prefix = '') =>
  new Map(list.map(([, name, shape], t) => [`${prefix}${name}`, f32(shape, t)]));
/** A tensor of which only the shape is asked for. */
const bare = (shape: readonly number[]): StoredTensor => ({ dtype: 'f32', shape, data: new Float32Array(0) });
const bytesOf = (weights: ReadonlyMap<string, Float32Array>) =>
  new Map([...weights].map(([name, { buffer }]) => [name, Buffer.from(buffer as ArrayBuffer).toString('latin1')]));
const b0 = efficientNetConfig('b0', CLASSES);

describe('a prefix that the names of a network share', () => {
  const plain = bytesOf(importEfficientNet(stored(timm(CLASSES)), b0, 'w').weights);
  it.each(['encoder.', 'module.', 'model.', 'backbone.', 'module.model.encoder.', 'student_net.0.'])(
    '%s is taken off, and told',
    (prefix) => {
      const { weights, notes, convention } = importEfficientNet(stored(timm(CLASSES), prefix), b0, 'w');
      expect(convention).toBe('timm');
      expect(bytesOf(weights)).toEqual(plain);
      expect(notes).toContain(`w: its names begin with '${prefix}', which is taken off.`);
    },
  );
  it('and what has other names is left out, and told', () => {
    const tensors = stored(timm(CLASSES), 'encoder.')
      .set('head.1.weight', f32([4, 1280]))
      .set('head.1.bias', f32([4]))
      .set('head.bn.num_batches_tracked', f32([]));
    for (const name of ['classifier.weight', 'classifier.bias']) tensors.delete(`encoder.${name}`);
    const { notes, missingClassifier } = importEfficientNet(tensors, b0, 'w');
    expect(missingClassifier).toBe(true);
    expect(notes).toContain(
      "w: its names begin with 'encoder.', which is taken off; 2 of other names left out: 'head.1.weight', 'head.1.bias'.",
    );
  });
  it('of several networks in one file the first is taken', () => {
    const tensors = new Map([...stored(timm(CLASSES), 'teacher.'), ...stored(timm(CLASSES), 'student.')]);
    const { weights, notes } = importEfficientNet(tensors, b0, 'w');
    expect(bytesOf(weights)).toEqual(plain);
    expect(notes.join()).toMatch(/begin with 'teacher\.', which is taken off; 311 of other names left out: 'student\./);
  });
  it('does not hide what is wrong', () => {
    const tensors = stored(timm(CLASSES), 'encoder.');
    tensors.delete('encoder.bn1.weight');
    expect(() => importEfficientNet(tensors, b0, 'w')).toThrow(/1 missing: 'bn1\.weight'/);
    tensors.set('encoder.bn1.weight', f32([31]));
    expect(() => importEfficientNet(tensors, b0, 'w')).toThrow(/'encoder\.bn1\.weight' is \[31\] and should be \[32\]/);
  });
});

describe('a first layer for other colours', () => {
  it('of grey images is repeated for red, green and blue, each in its share', () => {
    const w = Float32Array.of(3, 6, 9, 12); // [2, 1, 1, 2]
    expect([...adaptStem(w, 1, 3, 2)!]).toEqual([1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4]);
  });
  it('of colours is summed for grey, and repeated in order for more channels', () => {
    const w = Float32Array.of(1, 10, 2, 20, 4, 40); // [1, 1, 3, 2]
    expect([...adaptStem(w, 3, 1, 2)!]).toEqual([7, 70]);
    expect([...adaptStem(w, 3, 5, 2)!]).toEqual(
      [1, 10, 2, 20, 4, 40, 1, 10, 2, 20].map((v) => Math.fround((v * 3) / 5)),
    );
  });
  it('of other numbers of channels cannot be made', () => {
    for (const [from, to] of [
      [4, 3],
      [5, 1],
      [3, 2],
      [2, 4],
    ])
      expect(adaptStem(new Float32Array(from), from, to, 1)).toBeNull();
  });
  it.each<[string, (classes: number) => Listed[], number[]]>([
    ['torchvision', torchvision, [32, 1, 3, 3]],
    ['keras', keras, [3, 3, 1, 32]],
  ])('is made as a file of %s is read, and told', (_name, list, shape) => {
    const tensors = stored(list(CLASSES));
    const [, stem] = list(CLASSES)[0];
    tensors.set(stem, f32(shape));
    const { weights, notes } = importEfficientNet(tensors, b0, 'w');
    expect(notes).toContain(
      `w: '${stem}' is for images of 1 channel; they are repeated, each in its share, for images of 3.`,
    );
    const w = weights.get('stem.conv.w')!;
    expect(w).toHaveLength(3 * 3 * 3 * 32);
    // Place 5 (of 9), output channel 7: from [32, 1, 3, 3] or [3, 3, 1, 32].
    const from = shape[0] === 32 ? 7 * 9 + 5 : 5 * 32 + 7;
    for (const c of [0, 1, 2]) expect(w[(5 * 3 + c) * 32 + 7]).toBe(Math.fround((from % 97) / 3));
  });
  it('of four channels is refused with both shapes', () => {
    const tensors = stored(timm(CLASSES)).set('conv_stem.weight', f32([32, 4, 3, 3]));
    expect(() => importEfficientNet(tensors, b0, 'w')).toThrow(/is \[32, 4, 3, 3\] and should be \[32, 3, 3, 3\]/);
  });
});

/** The names and shapes of torchvision's ResNet-50, trunk and classifier, spelled out. */
function resnet50(): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const conv = (name: string, shape: number[]) => tensors.set(`${name}.weight`, bare(shape));
  const bn = (name: string, c: number) => {
    for (const field of ['weight', 'bias', 'running_mean', 'running_var']) tensors.set(`${name}.${field}`, bare([c]));
  };
  conv('conv1', [64, 3, 7, 7]);
  bn('bn1', 64);
  let input = 64;
  [3, 4, 6, 3].forEach((depth, stage) => {
    const inner = 64 * 2 ** stage;
    for (let b = 0; b < depth; b++) {
      const at = `layer${stage + 1}.${b}`;
      conv(`${at}.conv1`, [inner, input, 1, 1]);
      conv(`${at}.conv2`, [inner, inner, 3, 3]);
      conv(`${at}.conv3`, [4 * inner, inner, 1, 1]);
      [inner, inner, 4 * inner].forEach((c, i) => bn(`${at}.bn${i + 1}`, c));
      if (b === 0) {
        conv(`${at}.downsample.0`, [4 * inner, input, 1, 1]);
        bn(`${at}.downsample.1`, 4 * inner);
      }
      input = 4 * inner;
    }
  });
  tensors.set('fc.weight', bare([1000, 2048])).set('fc.bias', bare([1000]));
  return tensors;
}

describe('a network is told by the names and shapes of its weights', () => {
  it('whatever its prefix, its colours and its classes', () => {
    expect(recogniseModel(stored(timm(1000)))).toBe('efficientnet_b0');
    expect(recogniseModel(stored(keras(3)))).toBe('efficientnet_b0');
    const grey = stored(torchvision(2), 'module.').set('module.features.0.0.weight', f32([32, 1, 3, 3]));
    expect(recogniseModel(grey)).toBe('efficientnet_b0');
    expect(recogniseModel(resnet50())).toBe('resnet50');
  });
  it('and not where it is none that is known', () => {
    expect(recogniseModel(new Map())).toBeUndefined();
    expect(recogniseModel(new Map([['conv1.weight', bare([64, 3, 7, 7])]]))).toBeUndefined();
    const wide = resnet50();
    for (const [name, { shape }] of wide)
      if (/conv\d\.weight$/.test(name)) wide.set(name, bare([2 * shape[0], ...shape.slice(1)]));
    expect(recogniseModel(wide)).toBeUndefined();
  });
  it('so that weights of another are refused by its name', () => {
    const load = (): unknown => buildModel('efficientnet_b0', 2, { tensors: resnet50(), source: 'r.pth' });
    expect(load).toThrow(UserError);
    expect(load).toThrow(
      'r.pth holds weights of resnet50, and not of efficientnet_b0; give --model resnet50 for them.',
    );
  });
});
