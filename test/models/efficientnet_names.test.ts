import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { importEfficientNet } from '../../models/efficientnet_names.ts';
import type { ImportOptions } from '../../models/efficientnet_names.ts';
import { efficientNetParameters } from '../../models/efficientnet_parameters.ts';
import { conventionalArithmetic } from '../../models/efficientnet_preprocessing.ts';
import { efficientNetConfig } from '../../models/efficientnet_table.ts';
import { foreignShape, type Layout } from '../../models/import_weights.ts';
import type { ParameterSpec } from '../../models/parameter_spec.ts';
import { readSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import type { StoredTensor } from '../../models/formats/stored_tensor.ts';
import { testData } from '../data.ts';
import { efficientnetPytorch, keras, timm, torchvision } from './efficientnet_b0_names.ts';
import type { Listed } from './efficientnet_b0_names.ts';

const CLASSES = 5;
const config = efficientNetConfig('b0', CLASSES);
const f32 = (shape: number[], data: Float32Array): StoredTensor => ({ dtype: 'f32', shape, data });

/**
 * Tensor number t of the list holds t, t+1, t+2, ... in its own row-major order: every value tells where it came from.
 */
function ramps(list: Listed[]): Map<string, StoredTensor> {
  return new Map(
    list.map(([, name, shape], t) => [
      name,
      f32(
        shape,
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => t + i),
      ),
    ]),
  );
}
const imported = (
  tensors: Map<string, StoredTensor>,
  source = 'w.safetensors',
  options?: ImportOptions,
): ReturnType<typeof importEfficientNet> => importEfficientNet(tensors, config, source, options);
const refusal = (tensors: Map<string, StoredTensor>): string => {
  try {
    imported(tensors);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  throw new Error('was accepted');
};

describe.each<[string, Listed[]]>([
  ['efficientnet_pytorch', efficientnetPytorch(CLASSES)],
  ['torchvision', torchvision(CLASSES)],
  ['timm', timm(CLASSES)],
  ['keras', keras(CLASSES)],
])('%s', (convention, list) => {
  const { weights, missingClassifier, ...rest } = imported(ramps(list));

  it('is recognised, and every tensor finds its place', () => {
    expect(rest.convention).toBe(convention);
    expect(missingClassifier).toBe(false);
    expect(list).toHaveLength(311);
    expect([...weights.keys()].sort()).toEqual(list.map(([canonical]) => canonical).sort());
    const shapes = new Map(efficientNetParameters(config).map(({ name, shape }) => [name, shape]));
    for (const [name, values] of weights)
      expect(values.length, name).toBe(shapes.get(name)!.reduce((a, b) => a * b, 1));
  });

  it('has every value where the layouts say', () => {
    list.forEach(([canonical, , shape], t) => {
      const w = weights.get(canonical)!;
      const isKeras = convention === 'keras';
      // The last element is last in every layout, the first is first.
      expect([w[0], w[w.length - 1]], canonical).toEqual([t, t + w.length - 1]);
      if (shape.length === 4 && !isKeras) {
        const [K, C, R, S] = shape;
        for (const [r, s, c, k] of [
          [R - 1, 0, C - 1, 1],
          [0, S - 1, 0, K - 2],
          [R >> 1, 0, C >> 1, K >> 1],
        ]) {
          // Depthwise: [r, s, c], c being torch's K.
          const ours = C === 1 ? (r * S + s) * K + k : ((r * S + s) * C + c) * K + k;
          expect(w[ours], canonical).toBe(t + ((k * C + c) * R + r) * S + s);
        }
      } else if (canonical === 'classifier.w' && !isKeras) {
        expect(w[7 * CLASSES + 2]).toBe(t + 2 * 1280 + 7);
      } else {
        expect(w[w.length >> 1], canonical).toBe(t + (w.length >> 1));
      }
    });
  });
});

describe('arithmetic', () => {
  const of = (list: Listed[], source?: string, options?: ImportOptions): [string, number, number] => {
    const { padding, bnEpsilon, preprocessing } = imported(ramps(list), source, options);
    return [padding, bnEpsilon, preprocessing.std[0]];
  };
  it('follows the source', () => {
    expect(of(efficientnetPytorch(CLASSES))).toEqual(['same', 1e-3, 0.229]);
    expect(of(keras(CLASSES))).toEqual(['same', 1e-3, 0.229]);
    expect(of(torchvision(CLASSES))).toEqual(['symmetric', 1e-5, 0.229]);
    expect(of(timm(CLASSES))).toEqual(['symmetric', 1e-5, 0.229]);
  });
  it("tells timm's tf_ models by the file's name, and says what it took", () => {
    expect(of(timm(CLASSES), 'a/tf_efficientnet_b0.in1k.safetensors')).toEqual(['same', 1e-3, 0.229]);
    expect(of(timm(CLASSES), 'tf_efficientnet_b0.ap_in1k.safetensors')).toEqual(['same', 1e-3, 0.5]);
    expect(imported(ramps(timm(CLASSES))).notes.join()).toMatch(/timm efficientnet: symmetric padding/);
  });
  it("of torchvision's B5 to B7, which hold TensorFlow's weights, keeps its epsilon", () => {
    expect(conventionalArithmetic('torchvision', 'b4')).toEqual({ padding: 'symmetric', bnEpsilon: 1e-5 });
    for (const variant of ['b5', 'b6', 'b7'])
      expect(conventionalArithmetic('torchvision', variant)).toEqual({ padding: 'symmetric', bnEpsilon: 1e-3 });
  });
  it('can be overridden', () => {
    const options: ImportOptions = { padding: 'same', bnEpsilon: 1e-3 };
    expect(of(timm(CLASSES), 'w', options)).toEqual(['same', 1e-3, 0.229]);
    expect(imported(ramps(timm(CLASSES)), 'w', options).notes).toEqual([]);
    expect(of(torchvision(CLASSES), 'w', { padding: 'same' })).toEqual(['same', 1e-5, 0.229]);
  });
});

const ASSUMED = /nothing says how its pixels were normalised; ImageNet's mean and deviation are assumed/;

describe('weights trained with another normalisation are recognised', () => {
  const of = (list: Listed[], source: string, options?: ImportOptions) => {
    const { preprocessing, notes } = imported(ramps(list), source, options);
    return { mean: preprocessing.mean[0], std: preprocessing.std[0], notes: notes.join('\n') };
  };
  const [torch, pytorch] = [timm(CLASSES), efficientnetPytorch(CLASSES)];
  it.each<[string, Listed[]]>([
    ['tf_efficientnet_b0.ap_in1k.safetensors', torch],
    ['tf_efficientnet_b0_ap-f262efe1.safetensors', torch],
    ['tf_efficientnet_b0.ap_in1k/model.safetensors', torch],
    ['efficientnet_b0.ra4_e3600_r224_in1k.safetensors', torch],
    ['adv-efficientnet-b0-b64d5a18.safetensors', pytorch],
    ['efficientnet-b0-advprop.safetensors', pytorch],
    ['b0_AdvProp.safetensors', keras(CLASSES)],
    ['b0-inception-preprocessing.safetensors', torchvision(CLASSES)],
  ])('by the name %s: -1..1, and it is told', (source, list) => {
    const { mean, std, notes } = of(list, source);
    expect([mean, std]).toEqual([0.5, 0.5]);
    expect(notes).toMatch(/taken for weights that want pixels in -1\.\.1, as '/);
  });
  it('by what the metadata says', () => {
    const metadata = { format: 'pt', architecture: 'tf_efficientnet_b0.ap_in1k' };
    expect(of(pytorch, 'w.safetensors', { metadata })).toMatchObject({ mean: 0.5, std: 0.5 });
    expect(of(pytorch, 'w.safetensors', { metadata: { format: 'pt' } })).toMatchObject({ mean: 0.485 });
  });
  it.each<[string, Listed[]]>([
    ['tf_efficientnet_b0.ns_jft_in1k.safetensors', torch],
    ['tf_efficientnet_b0_ns-c0e6a31c.safetensors', torch],
    ['efficientnet-b0_noisy-student.safetensors', pytorch],
    ['tf_efficientnet_b0.aa_in1k.safetensors', torch],
    ['efficientnet-b0-355c32eb.safetensors', pytorch],
    ['anything.safetensors', torchvision(CLASSES)],
  ])("by the name %s: ImageNet's, NoisyStudent's among them", (source, list) => {
    const { mean, std, notes } = of(list, source);
    expect([mean, std]).toEqual([0.485, 0.229]);
    expect(notes).not.toMatch(ASSUMED);
  });
  it.each<[string, Listed[]]>([
    ['w.safetensors', pytorch],
    ['model.safetensors', torch],
    ['maps/apple.safetensors', keras(CLASSES)],
    ['/home/adv/ap/propose/b0.safetensors', pytorch],
  ])('and where nothing says it, as of %s, the assumption is told', (source, list) => {
    const { mean, notes } = of(list, source);
    expect(mean).toBe(0.485);
    expect(notes).toMatch(ASSUMED);
  });
});

describe("Keras's own ways", () => {
  const withNormalisation = (variance: number[]): Map<string, StoredTensor> =>
    ramps(keras(CLASSES))
      .set('normalization/mean:0', f32([3], new Float32Array([0.485, 0.456, 0.406])))
      .set('normalization/variance:0', f32([variance.length], new Float32Array(variance)))
      .set('normalization/count:0', { dtype: 'i64', shape: [], data: new BigInt64Array(1) });
  it("reads the ImageNet files' deviations in the place of variances", () => {
    const { preprocessing } = imported(withNormalisation([0.229, 0.224, 0.225]));
    expect(preprocessing.scale).toBe(1 / 255);
    [0.229, 0.224, 0.225].forEach((std, c) => expect(preprocessing.std[c]).toBeCloseTo(std, 6));
    expect(preprocessing.mean[2]).toBeCloseTo(0.406, 6);
  });
  it('takes the root of true variances and refuses none', () => {
    expect(imported(withNormalisation([0.04, 0.0625, 0.09])).preprocessing.std[1]).toBeCloseTo(0.25, 6);
    expect(() => imported(withNormalisation([0.04, 0, 0.09]))).toThrow(/variance .* is not above 0/);
    expect(() => imported(withNormalisation([0.04]))).toThrow(
      /'normalization\/variance:0' has shape \[1\], where 3 finite numbers/,
    );
  });
  it("accepts names without :0, nested as in HDF5, and Keras 3's depthwise kernel", () => {
    const renamed = (change: (name: string) => string): Map<string, StoredTensor> =>
      new Map([...ramps(keras(CLASSES))].map(([name, t]) => [change(name), t]));
    for (const change of [
      (name: string) => name.replace(':0', ''),
      (name: string) => `model_weights/${name.split('/')[0]}/${name}`,
      (name: string) => name.replace(':0', '').replace('depthwise_kernel', 'kernel'),
    ]) {
      const { convention, weights } = imported(renamed(change));
      expect([convention, weights.size]).toEqual(['keras', 311]);
    }
  });
  it('refuses the same tensor under two of these names', () => {
    const twice = ramps(keras(CLASSES)).set('stem_conv/kernel', f32([3, 3, 3, 32], new Float32Array(864)));
    expect(refusal(twice)).toMatch(/'stem_conv\/kernel:0' and 'stem_conv\/kernel' are both/);
  });
});

describe('the classifier', () => {
  it('may be absent, and a bias without its matrix is ignored', () => {
    const tensors = ramps(efficientnetPytorch(CLASSES));
    tensors.delete('_fc.weight');
    const result = imported(tensors);
    expect(result.missingClassifier).toBe(true);
    expect(result.notes.join()).toMatch(/'_fc.bias' is ignored/);
    expect(result.weights.size).toBe(309);
    tensors.delete('_fc.bias');
    expect(imported(tensors, 'efficientnet-b0-355c32eb.safetensors').notes).toEqual([]);
  });
  it.each([
    ['torchvision', torchvision],
    ['keras', keras],
  ])('of other classes is left out with a note (%s)', (_name, list) => {
    const result = imported(ramps(list(1000)));
    expect(result.missingClassifier).toBe(true);
    expect(result.notes.filter((note) => !ASSUMED.test(note))).toEqual([
      'w.safetensors: its classifier of 1000 classes is left out, since 5 are wanted.',
    ]);
  });
  it('without its bias is an error', () => {
    const tensors = ramps(timm(CLASSES));
    tensors.delete('classifier.bias');
    expect(refusal(tensors)).toMatch(/1 missing: 'classifier.bias' \[5\]/);
  });
});

describe('what is not right is named', () => {
  it('missing, extra and misshapen tensors, with both shapes', () => {
    const tensors = ramps(efficientnetPytorch(CLASSES));
    tensors.delete('_blocks.3._bn1.running_var');
    tensors.set('_blocks.16._bn1.weight', f32([7], new Float32Array(7)));
    tensors.set('_conv_head.weight', f32([1280, 319, 1, 1], new Float32Array(1280 * 319)));
    expect(refusal(tensors)).toBe(
      'w.safetensors: its tensors are not those of an EfficientNet-B0: ' +
        "1 missing: '_blocks.3._bn1.running_var' [144]; 1 not of this network: '_blocks.16._bn1.weight' [7]; " +
        "1 misshapen: '_conv_head.weight' is [1280, 319, 1, 1] and should be [1280, 320, 1, 1].",
    );
  });
  it('a tensor of more or fewer dimensions', () => {
    const tensors = ramps(efficientnetPytorch(CLASSES))
      .set('_fc.weight', f32([CLASSES, 1280, 1, 1], new Float32Array(CLASSES * 1280)))
      .set('_conv_head.weight', f32([1280, 320], new Float32Array(1280 * 320)));
    expect(refusal(tensors)).toContain(
      "2 misshapen: '_conv_head.weight' is [1280, 320] and should be [1280, 320, 1, 1], " +
        "'_fc.weight' is [5, 1280, 1, 1] and should be [5, 1280].",
    );
  });
  it('at most five of each', () => {
    const tensors = ramps(timm(CLASSES));
    for (const name of [...tensors.keys()].filter((n) => n.startsWith('blocks.5.')).slice(0, 7)) tensors.delete(name);
    expect(refusal(tensors)).toMatch(/7 missing: ('[^']*' \[[\d, ]*\], ){4}'[^']*' \[[\d, ]*\] and 2 more\./);
  });
  it('the wrong layout', () => {
    const tensors = ramps(keras(CLASSES)).set(
      'block1a_dwconv/depthwise_kernel:0',
      f32([32, 1, 3, 3], new Float32Array(288)),
    );
    expect(refusal(tensors)).toMatch(
      /'block1a_dwconv\/depthwise_kernel:0' is \[32, 1, 3, 3\] and should be \[3, 3, 32, 1\]/,
    );
  });
  it('integers, NaN, a negative variance', () => {
    const list = torchvision(CLASSES);
    const set = (name: string, t: StoredTensor): Map<string, StoredTensor> => ramps(list).set(name, t);
    expect(refusal(set('features.0.1.bias', { dtype: 'i32', shape: [32], data: new Int32Array(32) }))).toMatch(
      /'features.0.1.bias': its values are i32/,
    );
    expect(refusal(set('features.0.1.bias', f32([32], new Float32Array(32).fill(NaN, 9))))).toMatch(
      /'features.0.1.bias' holds NaN at element 9/,
    );
    expect(refusal(set('features.0.1.running_var', f32([32], new Float32Array(32).fill(-1, 3))))).toMatch(
      /holds -1 at element 3, and a variance/,
    );
  });
  it('another network, and nothing', () => {
    expect(refusal(new Map([['conv1.weight', f32([1], new Float32Array(1))]]))).toMatch(
      /not the weights of an EfficientNet-B0 .* begin with 'conv1.weight'/,
    );
    expect(refusal(new Map())).toMatch(/begin with none/);
  });
  it("but not PyTorch's step counters", () => {
    const tensors = ramps(timm(CLASSES)).set('bn1.num_batches_tracked', {
      dtype: 'i64',
      shape: [],
      data: new BigInt64Array(1),
    });
    expect(imported(tensors).weights.size).toBe(311);
  });
});

it('knows the shapes of filters that are not square', () => {
  const shapeOf = (layout: Layout, kind: ParameterSpec['kind'], ...shape: number[]) =>
    foreignShape(layout, { name: kind, trainable: true, kind, shape });
  // PyTorch: [out, in, height, width]; Keras: [height, width, in, out], or of a depthwise filter [.., channels, 1].
  expect(shapeOf('torch', 'filter', 3, 5, 8, 16)).toEqual([16, 8, 3, 5]);
  expect(shapeOf('torch', 'depthwise', 3, 5, 8)).toEqual([8, 1, 3, 5]);
  expect(shapeOf('torch', 'dense', 8, 16)).toEqual([16, 8]);
  expect(shapeOf('keras', 'filter', 3, 5, 8, 16)).toEqual([3, 5, 8, 16]);
  expect(shapeOf('keras', 'depthwise', 3, 5, 8)).toEqual([3, 5, 8, 1]);
});

it("recognises the project's own names, unchanged", () => {
  const { weights } = imported(ramps(keras(CLASSES)));
  const own = new Map(
    efficientNetParameters(config).map(({ name, shape }) => [name, f32([...shape], weights.get(name)!)]),
  );
  const again = imported(own);
  expect(again.convention).toBe('tuningfork');
  expect(again.weights.size).toBe(311);
  for (const [name, values] of again.weights) expect(values, name).toBe(weights.get(name));
});

const data = testData();
it.runIf(data)('maps the real trunk', async () => {
  const path = join(data!, 'weights/efficientnet_b0_imagenet_notop.safetensors');
  const { tensors } = await readSafetensorsFile(path);
  const result = importEfficientNet(tensors, efficientNetConfig('b0', 2), path);
  expect(result).toMatchObject({
    convention: 'efficientnet_pytorch',
    padding: 'same',
    bnEpsilon: 1e-3,
    missingClassifier: true,
  });
  expect(result.weights.size).toBe(tensors.size - 1); // all but _fc.bias
  const stored = tensors.get('_blocks.4._depthwise_conv.weight')!.data;
  const ours = result.weights.get('blocks.4.depthwise.w')!;
  expect(ours[(3 * 5 + 1) * 240 + 17]).toBe(stored[17 * 25 + 3 * 5 + 1]);
});
