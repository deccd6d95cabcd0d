import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { buildModel } from '../../models/build_network.ts';
import { exportWeights } from '../../models/export_weights.ts';
import { EXPORT_NAMES, type ExportName } from '../../models/export_names.ts';
import { importWeights } from '../../models/import_weights.ts';
import { initialValues } from '../../models/initialise.ts';
import { namings } from '../../models/namings.ts';
import type { Network } from '../../models/network.ts';
import { efficientnetPytorch, keras, timm, torchvision, type Listed } from './efficientnet_b0_names.ts';

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
/** Every number tells where it is from. */
const counting = ({ specs }: Network) =>
  new Map(specs.map(({ name, shape }, t) => [name, Float32Array.from({ length: sizeOf(shape) }, (_, i) => 1 + t + i)]));

const LISTS: Readonly<Record<ExportName, (classes: number) => Listed[]>> = {
  torchvision,
  timm,
  keras,
  efficientnet_pytorch: efficientnetPytorch,
};

describe.each(EXPORT_NAMES)('EfficientNet-B0 as %s has it', (names) => {
  const { network } = buildModel('efficientnet_b0', 7);
  const weights = counting(network);
  const { tensors, notes } = exportWeights(network, weights, names);
  const listed = LISTS[names](7);

  it('has the names and shapes of its own models, and the counters of batch norm for PyTorch', () => {
    const named = [...tensors].filter(([name]) => !name.endsWith('num_batches_tracked'));
    expect(named.map(([name, { shape }]) => `${name} ${shape.join()}`).sort()).toEqual(
      listed.map(([, name, shape]) => `${name.replace(/:0$/, '')} ${shape.join()}`).sort(),
    );
    // 49 batch norms: state dictionaries of B0 have 360 entries.
    expect(tensors.size).toBe(names === 'keras' ? 311 : 360);
    expect(notes).toEqual([]);
  });

  it('has every number where its layout says', () => {
    for (const [canonical, name, shape] of listed) {
      const [ours, theirs] = [weights.get(canonical)!, tensors.get(name.replace(/:0$/, ''))!.data];
      const [K, C, R, S] = shape;
      if (names === 'keras' || shape.length === 1) expect(theirs, name).toEqual(ours);
      else if (shape.length === 2) expect(theirs[3 * C + 11], name).toBe(ours[11 * K + 3]);
      else
        for (const [k, c, r, s] of [
          [K - 1, 0, R - 1, 0],
          [1, C - 1, 0, S - 1],
        ])
          expect(theirs[((k * C + c) * R + r) * S + s], name).toBe(
            C === 1 ? ours[(r * S + s) * K + k] : ours[((r * S + s) * C + c) * K + k],
          );
    }
  });
});

/** As PyTorch flattens state dictionaries of torchvision: the number of entries, the first ones and the last. */
const STATE_DICTS: [name: string, entries: number, first: string[], last: string[]][] = [
  [
    'resnet50',
    320,
    [
      'conv1.weight',
      'bn1.weight',
      'bn1.bias',
      'bn1.running_mean',
      'bn1.running_var',
      'bn1.num_batches_tracked',
      'layer1.0.conv1.weight',
    ],
    ['layer4.2.bn3.num_batches_tracked', 'fc.weight', 'fc.bias'],
  ],
  ['resnet18', 122, ['conv1.weight'], ['layer4.1.bn2.num_batches_tracked', 'fc.weight', 'fc.bias']],
  ['resnet34', 218, ['conv1.weight'], ['fc.weight', 'fc.bias']],
  ['resnet101', 626, ['conv1.weight'], ['fc.weight', 'fc.bias']],
  [
    'vgg11',
    22,
    ['features.0.weight', 'features.0.bias', 'features.3.weight'],
    ['classifier.3.bias', 'classifier.6.weight', 'classifier.6.bias'],
  ],
  [
    'vgg16_bn',
    97,
    ['features.0.weight', 'features.0.bias', 'features.1.weight'],
    ['classifier.6.weight', 'classifier.6.bias'],
  ],
  [
    'efficientnet_b0',
    360,
    ['features.0.0.weight', 'features.0.1.weight'],
    ['classifier.1.weight', 'classifier.1.bias'],
  ],
];

describe('the state dictionaries of torchvision', () => {
  it.each(STATE_DICTS)('%s has %i entries', (name, entries, first, last) => {
    const { network } = buildModel(name, 1000);
    const bare = new Map(network.specs.map((spec) => [spec.name, new Float32Array(0)]));
    const keys = [...exportWeights(network, bare, 'torchvision').tensors.keys()];
    expect(keys).toHaveLength(entries);
    expect(keys.slice(0, first.length)).toEqual(first);
    expect(keys.slice(-last.length)).toEqual(last);
  });
});

it("timm's VGG has convolutions before its classifier, with torchvision's numbers in their order", () => {
  const { network } = buildModel('vgg11', 3, undefined, { width: 0.05 });
  const weights = counting(network);
  const [ours, theirs] = (['torchvision', 'timm'] as const).map(
    (names) => exportWeights(network, weights, names).tensors,
  );
  const pairs = [
    ['features.0.weight', 'features.0.weight'],
    ['classifier.0.weight', 'pre_logits.fc1.weight'],
    ['classifier.0.bias', 'pre_logits.fc1.bias'],
    ['classifier.3.weight', 'pre_logits.fc2.weight'],
    ['classifier.6.weight', 'head.fc.weight'],
  ];
  for (const [a, b] of pairs) expect(theirs.get(b)!.data, b).toEqual(ours.get(a)!.data);
  const [inputs, width] = [ours.get('classifier.0.weight')!.shape[1] / 49, ours.get('classifier.3.weight')!.shape[0]];
  expect(theirs.get('pre_logits.fc1.weight')!.shape).toEqual([width, inputs, 7, 7]);
  expect(theirs.get('pre_logits.fc2.weight')!.shape).toEqual([width, width, 1, 1]);
  expect(theirs.get('head.fc.weight')!.shape).toEqual([3, width]);
});

describe('what is exported and read back is the same, bit by bit', () => {
  const cases = ['efficientnet_b0', 'resnet50', 'vgg_small', 'galaxy_vgg', 'vgg11'].flatMap((name) => {
    const { network } = buildModel(name, 3, undefined, name === 'efficientnet_b0' ? {} : { width: 0.25 });
    return namings(network)
      .map(({ convention }) => convention)
      .filter((convention) => convention !== 'tuningfork')
      .map((convention) => [name, convention as ExportName, network] as const);
  });
  it.each(cases)('%s by %s', (_name, convention, network) => {
    const weights = new Map(network.specs.map((spec) => [spec.name, initialValues(spec, 5)]));
    const { tensors } = exportWeights(network, weights, convention);
    const naming = namings(network).find((each) => each.convention === convention)!;
    const back = importWeights(tensors, naming, 'w');
    expect(back.notes).toEqual([]);
    expect([...back.weights.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [name, values] of weights) {
      const read = back.weights.get(name)!;
      expect(
        Buffer.from(read.buffer, read.byteOffset, read.byteLength).equals(
          Buffer.from(values.buffer, values.byteOffset, values.byteLength),
        ),
        name,
      ).toBe(true);
    }
  });
});

describe('what cannot be exported is told', () => {
  it('names that are not known, with those that are', () => {
    const { network } = buildModel('resnet50', 2, undefined, { width: 0.25 });
    const load = (): unknown => exportWeights(network, new Map(), 'efficientnet_pytorch');
    expect(load).toThrow(UserError);
    expect(load).toThrow("efficientnet_pytorch's names for resnet50 are not known; give --names torchvision or timm.");
  });
  it('a network that is none of ours', () => {
    const network = { ...buildModel('vgg_small', 2).network, name: 'net.onnx' };
    expect(() => exportWeights(network, new Map(), 'torchvision')).toThrow(
      "nobody's names for net.onnx are known; export it as ONNX, whole.",
    );
  });
  it('a classifier that is not there', () => {
    const { network } = buildModel('efficientnet_b0', 2);
    const weights = counting(network);
    for (const name of ['classifier.w', 'classifier.b']) weights.delete(name);
    expect(exportWeights(network, weights, 'timm').notes).toEqual([
      'classifier.weight, classifier.bias: not in the model, and so not in the file; load it with strict=False.',
    ]);
  });
});
