import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { buildModel } from '../../models/build_network.ts';
import { packModel, unpackModel } from '../../models/formats/model_file.ts';
import type { Model } from '../../models/formats/model_file.ts';
import { parseSafetensors, writeSafetensors } from '../../models/formats/safetensors.ts';

const model: Model = {
  architecture: { name: 'efficientnet', config: { variant: 'b0' } },
  classes: ['smooth', 'featured'],
  preprocessing: { size: 224, crop: 212, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  padding: 'same',
  bnEpsilon: 1e-3,
  config: { seed: 7, phases: [{ epochs: 10, rate: 1e-3 }] },
  weights: new Map([
    ['stem.conv.w', { shape: [1, 2], data: new Float32Array([1, 2]) }],
    ['classifier.b', { shape: [2], data: new Float32Array([3, 4]) }],
  ]),
};

describe('model files', () => {
  it('come back as they went, the same bytes each time', () => {
    const bytes = packModel(model);
    expect(unpackModel(bytes, 'm')).toEqual(model);
    expect(packModel(unpackModel(bytes, 'm'))).toEqual(bytes);
    const whole = { ...model, preprocessing: { ...model.preprocessing, crop: null } };
    expect(unpackModel(packModel(whole), 'm').preprocessing.crop).toBeNull();
  });

  it('are plain safetensors with one key of JSON', () => {
    const { tensors, metadata } = parseSafetensors(packModel(model), 'm');
    // Its filters lie as ours do, and not as PyTorch's.
    expect(metadata.format).toBe('tuningfork');
    expect(metadata.layout).toMatch(/^filters \[r, s, in, out\]/);
    expect(tensors.get('classifier.b')!.data).toEqual(new Float32Array([3, 4]));
    expect(JSON.parse(metadata.tuningfork)).toMatchObject({
      version: 1,
      classes: ['smooth', 'featured'],
      padding: 'same',
    });
  });

  const sound = JSON.parse(parseSafetensors(packModel(model), 'm').metadata.tuningfork);
  const withText = (tuningfork: string): Uint8Array => writeSafetensors(new Map(), { tuningfork });
  const changed = (change: (json: typeof sound) => void): Uint8Array => {
    const json = structuredClone(sound);
    change(json);
    return withText(JSON.stringify(json));
  };
  it.each<[string, Uint8Array, RegExp]>([
    ['bare weights', writeSafetensors(new Map()), /m: its metadata has no 'tuningfork' key/],
    ['broken JSON', withText('{'), /metadata is not JSON/],
    ['a list', withText('[]'), /metadata is not an object/],
    [
      'a later version',
      changed((j) => {
        j.version = 2;
      }),
      /saved in version 2 .* reads version 1/,
    ],
    [
      'no version that there ever was',
      changed((j) => {
        j.version = 0;
      }),
      /saved in version 0 .* reads version 1/,
    ],
    [
      'no version',
      changed((j) => {
        delete j.version;
      }),
      /'version' .* is missing/,
    ],
    [
      'no classes',
      changed((j) => {
        delete j.classes;
      }),
      /'classes' .* is missing/,
    ],
    [
      'no class',
      changed((j) => {
        j.classes = [];
      }),
      /'classes' .* not a list of names/,
    ],
    [
      'a class twice',
      changed((j) => {
        j.classes = ['a', 'a'];
      }),
      /a name twice/,
    ],
    [
      'no architecture name',
      changed((j) => {
        delete j.architecture.name;
      }),
      /'architecture\.name' .* is missing/,
    ],
    [
      'size as text',
      changed((j) => {
        j.preprocessing.size = '224';
      }),
      /'preprocessing\.size' .* not a number/,
    ],
    [
      'half a pixel',
      changed((j) => {
        j.preprocessing.crop = 10.5;
      }),
      /'preprocessing\.crop' .* 10\.5, not a whole number/,
    ],
    [
      'more pixels than memory',
      changed((j) => {
        j.preprocessing.size = 1e9;
      }),
      /'preprocessing\.size' .* 1000000000, more than 16384/,
    ],
    [
      'no crop',
      changed((j) => {
        delete j.preprocessing.crop;
      }),
      /'preprocessing\.crop' .* is missing/,
    ],
    [
      'zero deviation',
      changed((j) => {
        j.preprocessing.std = [1, 0, 1];
      }),
      /'preprocessing\.std' .* not three positive numbers/,
    ],
    [
      'two means',
      changed((j) => {
        j.preprocessing.mean = [1, 0];
      }),
      /'preprocessing\.mean' .* not three numbers/,
    ],
    [
      'other padding',
      changed((j) => {
        j.padding = 'valid';
      }),
      /'padding' .* neither/,
    ],
    [
      'epsilon of 0',
      changed((j) => {
        j.bnEpsilon = 0;
      }),
      /'bnEpsilon' .* 0, not above 0/,
    ],
    [
      'no configuration',
      changed((j) => {
        delete j.config;
      }),
      /'config' .* is missing/,
    ],
    [
      'a borrowed property',
      changed((j) => {
        delete j.config;
        j.constructor = {};
      }),
      /'config' .* is missing/,
    ],
    ...(
      [
        ['bnEpsilon', -1e-3, /'bnEpsilon' .* -0\.001, not above 0/],
        ['bnEpsilon', 2, /'bnEpsilon' .* 2, not a number from 1e-12 to 1/],
        ['bnEpsilon', 1e-40, /'bnEpsilon' .* 1e-40, not a number from/],
        ['bnEpsilon', null, /'bnEpsilon' .* not a number/], // what JSON.stringify makes of NaN
        ['preprocessing.std', [1, null, 1], /'preprocessing\.std' .* not three positive numbers/],
        ['preprocessing.std', [0.2, -0.2, 0.2], /'preprocessing\.std' .* not three positive numbers/],
        [
          'preprocessing.std',
          [58.4, 57.1, 57.4],
          /'preprocessing\.std' .* 58\.4, 57\.1, 57\.4, which are not all from/,
        ],
        ['preprocessing.std', [1e-9, 1, 1], /'preprocessing\.std' .* which are not all from 0\.001 to 1/],
        ['preprocessing.mean', [123.7, 116.8, 103.9], /'preprocessing\.mean' .* 123\.7, .* not all from 0 to 1/],
        ['preprocessing.mean', [-0.1, 0, 0], /'preprocessing\.mean' .* -0\.1, 0, 0, which are not/],
        ['preprocessing.mean', [null, 0, 0], /'preprocessing\.mean' .* not three numbers/],
      ] as const
    ).map(([path, value, sentence]): [string, Uint8Array, RegExp] => [
      `${path} ${JSON.stringify(value)}`,
      changed((j) => {
        const keys = path.split('.');
        const last = keys.pop()!;
        keys.reduce((object, key) => object[key], j)[last] = value;
      }),
      sentence,
    ]),
    ['an infinite epsilon', withText(JSON.stringify(sound).replace('0.001', '1e999')), /'bnEpsilon' .* Infinity, not/],
    [
      'an infinite deviation',
      withText(JSON.stringify(sound).replace('0.229', '1e999')),
      /'preprocessing\.std' .* Infinity/,
    ],
  ])('refuses %s', (_what, bytes, sentence) => {
    expect(() => unpackModel(bytes, 'm')).toThrow(UserError);
    expect(() => unpackModel(bytes, 'm')).toThrow(sentence);
  });
});

describe('weights with which no network can answer are refused by the name of their tensor', () => {
  const names = ['stem.conv.w', 'block1.0.bn.beta', 'stem.bn.mean', 'stem.bn.var', 'classifier.w', 'classifier.b'];
  const sound = () => Float32Array.of(0.5, 0, 1, 2);
  const file = (name: string, values: Float32Array, dtype: 'f32' | 'f16' | 'f64' = 'f32') => {
    const { metadata } = parseSafetensors(packModel(model), 'm');
    const stored = (data: Float32Array) =>
      dtype === 'f16'
        ? { dtype, shape: [4], data: Uint16Array.from(data, halfBits) }
        : { dtype, shape: [4], data: dtype === 'f64' ? Float64Array.from(data) : data };
    return writeSafetensors(new Map(names.map((each) => [each, stored(each === name ? values : sound())])), metadata);
  };
  /** The few halves that are used here. */
  const halfBits = (value: number) =>
    Number.isNaN(value)
      ? 0x7e00
      : ((
          { Infinity: 0x7c00, '-Infinity': 0xfc00, '-1': 0xbc00, 0.5: 0x3800, 1: 0x3c00, 2: 0x4000 } as Record<
            string,
            number
          >
        )[value] ?? 0);

  it.each(names.flatMap((name) => [NaN, Infinity, -Infinity].map((value) => [name, value] as const)))(
    '%s holds %d',
    (name, value) => {
      for (const dtype of ['f32', 'f16', 'f64'] as const) {
        const read = () => unpackModel(file(name, sound().fill(value, 2, 3), dtype), 'm');
        expect(read).toThrow(UserError);
        expect(read).toThrow(`m: tensor '${name}' holds ${value} at element 2; the file is damaged`);
      }
    },
  );

  it('a variance is negative; a mean may be', () => {
    const negative = sound().fill(-1, 1, 2);
    expect(() => unpackModel(file('stem.bn.var', negative), 'm')).toThrow(
      "m: tensor 'stem.bn.var' holds -1 at element 1, and a variance cannot be negative",
    );
    expect(unpackModel(file('stem.bn.mean', negative), 'm').weights.get('stem.bn.mean')!.data).toEqual(negative);
    expect(unpackModel(file('stem.bn.var', sound()), 'm').weights.size).toBe(names.length);
  });
});

describe('what a saved model says of its arithmetic', () => {
  it('is kept where it is the beginning of another training', () => {
    const stated = { ...model, preprocessing: { ...model.preprocessing, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } };
    const { metadata } = parseSafetensors(packModel(stated), 'm');
    const full = buildModel('vgg_small', 2).network.specs;
    const tensors = new Map(
      full.map(({ name, shape }) => [
        name,
        { dtype: 'f32' as const, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
      ]),
    );
    const built = buildModel('vgg_small', 2, { tensors, metadata, source: 'm.safetensors' });
    expect(built.preprocessing).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    expect(built.notes).toEqual([]);
    expect(buildModel('vgg_small', 2, { tensors, source: 'm.safetensors' }).notes.join()).toMatch(/are assumed/);
  });
});
