import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
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
  ])('refuses %s', (_what, bytes, sentence) => {
    expect(() => unpackModel(bytes, 'm')).toThrow(UserError);
    expect(() => unpackModel(bytes, 'm')).toThrow(sentence);
  });
});
