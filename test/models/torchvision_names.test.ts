import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { buildModel } from '../../models/build_network.ts';
import type { StoredTensor } from '../../models/formats/stored_tensor.ts';
import { resnet } from '../../models/resnet.ts';
import { importTorchvision, torchvisionTensors } from '../../models/torchvision_names.ts';
import { vgg } from '../../models/vgg.ts';

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Parameters without batch norm's running statistics: what torchvision's documentation counts, with 1000 classes. */
const count = ({ specs }: ReturnType<typeof vgg>) =>
  specs.filter(({ trainable }) => trainable).reduce((n, { shape }) => n + sizeOf(shape), 0);

describe('as large as torchvision says', () => {
  it.each([
    ['vgg11', 132_863_336],
    ['vgg11_bn', 132_868_840],
    ['vgg16', 138_357_544],
    ['vgg16_bn', 138_365_992],
  ])('%s', (name, parameters) => {
    expect(count(vgg(name, 1000))).toBe(parameters);
  });
  it.each([
    ['resnet18', 11_689_512],
    ['resnet34', 21_797_672],
    ['resnet50', 25_557_032],
    ['resnet101', 44_549_160],
  ])('%s', (name, parameters) => {
    expect(count(resnet(name, 1000))).toBe(parameters);
  });
});

// Typed from the state dictionaries of torchvision's models.
const LISTED: Readonly<Record<string, readonly (readonly [name: string, shape: readonly number[]])[]>> = {
  vgg11: [
    ['features.0.weight', [64, 3, 3, 3]],
    ['features.0.bias', [64]],
    ['features.3.weight', [128, 64, 3, 3]],
    ['features.6.weight', [256, 128, 3, 3]],
    ['features.8.weight', [256, 256, 3, 3]],
    ['features.11.weight', [512, 256, 3, 3]],
    ['features.13.weight', [512, 512, 3, 3]],
    ['features.16.weight', [512, 512, 3, 3]],
    ['features.18.bias', [512]],
    ['classifier.0.weight', [4096, 25088]],
    ['classifier.3.bias', [4096]],
    ['classifier.6.weight', [1000, 4096]],
  ],
  vgg16: [
    ['features.0.weight', [64, 3, 3, 3]],
    ['features.10.weight', [256, 128, 3, 3]],
    ['features.14.weight', [256, 256, 3, 3]],
    ['features.28.weight', [512, 512, 3, 3]],
  ],
  vgg16_bn: [
    ['features.0.weight', [64, 3, 3, 3]],
    ['features.1.running_mean', [64]],
    ['features.3.weight', [64, 64, 3, 3]],
    ['features.7.weight', [128, 64, 3, 3]],
    ['features.14.weight', [256, 128, 3, 3]],
    ['features.40.weight', [512, 512, 3, 3]],
    ['features.41.weight', [512]],
    ['features.41.running_var', [512]],
  ],
  resnet18: [
    ['conv1.weight', [64, 3, 7, 7]],
    ['layer1.0.conv1.weight', [64, 64, 3, 3]],
    ['layer1.1.bn2.running_var', [64]],
    ['layer2.0.conv1.weight', [128, 64, 3, 3]],
    ['layer2.0.conv2.weight', [128, 128, 3, 3]],
    ['layer2.0.downsample.0.weight', [128, 64, 1, 1]],
    ['layer2.0.downsample.1.weight', [128]],
    ['layer4.1.conv2.weight', [512, 512, 3, 3]],
    ['fc.weight', [1000, 512]],
  ],
  resnet101: [
    ['layer3.22.conv3.weight', [1024, 256, 1, 1]],
    ['layer4.2.bn3.bias', [2048]],
  ],
  resnet50: [
    ['conv1.weight', [64, 3, 7, 7]],
    ['bn1.weight', [64]],
    ['layer1.0.conv1.weight', [64, 64, 1, 1]],
    ['layer1.0.downsample.0.weight', [256, 64, 1, 1]],
    ['layer1.0.downsample.1.running_var', [256]],
    ['layer1.2.conv3.weight', [256, 64, 1, 1]],
    ['layer2.0.conv2.weight', [128, 128, 3, 3]],
    ['layer3.5.bn3.bias', [1024]],
    ['layer4.0.downsample.0.weight', [2048, 1024, 1, 1]],
    ['layer4.2.conv3.weight', [2048, 512, 1, 1]],
    ['fc.weight', [1000, 2048]],
    ['fc.bias', [1000]],
  ],
};

describe('names', () => {
  it.each(Object.keys(LISTED))('of %s', (name) => {
    const tensors = new Map(
      torchvisionTensors(name.startsWith('resnet') ? resnet(name, 1000) : vgg(name, 1000)).map((t) => [
        t.name,
        t.shape,
      ]),
    );
    for (const [foreign, shape] of LISTED[name]) expect(tensors.get(foreign), foreign).toEqual(shape);
    expect(tensors.size).toBe(new Set(tensors.keys()).size);
  });
});

describe('layouts', () => {
  it('torch flattens an image by channel, we by pixel', () => {
    // As importTorchvision sees it: the dense layer after a 2 x 2 image of 5 channels, [6, 5 · 2 · 2] there and [2 · 2
    // · 5, 6] here.
    const config = { blocks: [[4], [5]], batchNorm: false, convBias: true, pool: 2, tail: [6] };
    const network = vgg('vgg11', 3, config);
    const names = ['features.0', 'features.3'];
    const tensors = new Map<string, StoredTensor>();
    const put = (name: string, shape: number[]) =>
      tensors.set(name, {
        dtype: 'f32',
        shape,
        data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => i),
      } as StoredTensor);
    put(`${names[0]}.weight`, [4, 3, 3, 3]);
    put(`${names[0]}.bias`, [4]);
    put(`${names[1]}.weight`, [5, 4, 3, 3]);
    put(`${names[1]}.bias`, [5]);
    put('classifier.0.weight', [6, 20]);
    put('classifier.0.bias', [6]);
    put('classifier.3.weight', [3, 6]);
    put('classifier.3.bias', [3]);
    const { weights, missingClassifier } = importTorchvision(tensors, network, 'w.safetensors');
    expect(missingClassifier).toBe(false);
    const w = weights.get('tail.0.w')!;
    for (const [h, v, c, k] of [
      [0, 1, 3, 2],
      [1, 0, 4, 5],
      [1, 1, 0, 0],
    ])
      expect(w[((h * 2 + v) * 5 + c) * 6 + k]).toBe(k * 20 + (c * 2 + h) * 2 + v);
    expect(weights.get('classifier.w')![4 * 3 + 2]).toBe(2 * 6 + 4);
    const conv = weights.get('block2.0.conv.w')!;
    expect(conv[((2 * 3 + 1) * 4 + 3) * 5 + 4]).toBe(((4 * 4 + 3) * 3 + 2) * 3 + 1);
  });
});

describe('a file that does not fit', () => {
  const tensors = () =>
    new Map(
      torchvisionTensors(resnet('resnet50', 2)).map(({ name, shape }) => [
        name,
        { dtype: 'f32', shape, data: new Float32Array(sizeOf(shape)) } as StoredTensor,
      ]),
    );
  it('is refused by the names and shapes of what is wrong', () => {
    const broken = tensors();
    broken.delete('layer1.0.conv1.weight');
    broken.set('layer2.0.bn1.bias', { dtype: 'f32', shape: [3], data: new Float32Array(3) } as StoredTensor);
    broken.set('layer9.weight', { dtype: 'f32', shape: [1], data: new Float32Array(1) } as StoredTensor);
    const load = () => buildModel('resnet50', 2, { tensors: broken, source: 'w.safetensors' });
    expect(load).toThrow(UserError);
    expect(load).toThrow(
      /w\.safetensors.*resnet50.*layer1\.0\.conv1\.weight.*layer9\.weight.*'layer2\.0\.bn1\.bias' is \[3\] and should be \[128\]/s,
    );
  });
  it('has a classifier for other classes: a new one is made', () => {
    const { weights, notes } = buildModel('resnet50', 7, { tensors: tensors(), source: 'w.safetensors' });
    expect(weights.has('classifier.w')).toBe(false);
    expect(weights.has('stage4.2.expand.conv.w')).toBe(true);
    expect(notes.join()).toMatch(/classifier of 2 classes/);
  });
});
