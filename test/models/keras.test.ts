import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { importEfficientNet } from '../../models/efficientnet_names.ts';
import { efficientNetConfig } from '../../models/efficientnet_table.ts';
import { readWeightsBytes } from '../../models/formats/read_weights.node.ts';
import { readWeights, type WeightsFile } from '../../models/formats/read_weights.ts';
import { makeZip } from '../vision/data/archive_files.ts';
import { keras as listed } from './efficientnet_b0_names.ts';
import { group, h5, keras2, keras3, kerasArchive, put, type Layer } from './keras_files.ts';
import { refusalOf } from './refusal.ts';

const CLASSES = 3;
const read = (bytes: Uint8Array) => readWeights(bytes, 'w.h5');
const refusal = (bytes: Uint8Array) => refusalOf(read(bytes));

const VARIABLE_ORDER = ['gamma', 'beta', 'moving_mean', 'moving_variance', 'kernel', 'depthwise_kernel', 'bias'];

/** EfficientNet-B0 of Keras: each array counts up from its number in the list. */
function efficientnetB0(): Layer[] {
  const layers = new Map<string, Layer & { variables: Layer['variables'][number][] }>();
  listed(CLASSES).forEach(([, path, shape], t) => {
    const [name, variable] = path.replace(/:0$/, '').split('/');
    const kind = /bn$/.test(name)
      ? 'BatchNormalization'
      : variable === 'depthwise_kernel'
        ? 'DepthwiseConv2D'
        : name === 'predictions'
          ? 'Dense'
          : 'Conv2D';
    const layer = layers.get(name) ?? { name, kind, variables: [] };
    layers.set(name, layer);
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => t + i);
    layer.variables.push({ name: variable, shape, data });
  });
  const normalization = ['mean', 'variance'].map((name, i) => ({
    name,
    shape: [3],
    data: Float32Array.from(
      [
        [0.5, 0.4, 0.3],
        [0.04, 0.09, 0.16],
      ][i],
    ),
  }));
  const all: Layer[] = [
    { name: 'input_1', kind: 'InputLayer', variables: [] },
    { name: 'rescaling', kind: 'Rescaling', variables: [] },
    { name: 'normalization', kind: 'Normalization', variables: normalization },
    ...layers.values(),
  ];
  for (const { variables } of layers.values())
    variables.sort((a, b) => VARIABLE_ORDER.indexOf(a.name) - VARIABLE_ORDER.indexOf(b.name));
  return all;
}

describe('EfficientNet-B0 of Keras', () => {
  const layers = efficientnetB0();
  it.each<[string, () => Promise<Uint8Array>]>([
    ['weights of Keras 2', () => keras2(layers)],
    ['a whole model of Keras 2', () => keras2(layers, 'model_weights')],
    ['weights of Keras 3 with the names of the layers', () => keras3(layers)],
    ['a .keras archive of a model within a Sequential', () => kerasArchive(layers, { nested: true })],
  ])('%s', async (_what, make) => {
    const file: WeightsFile = await read(await make());
    expect(file.format).toBe('keras');
    const { weights, convention, preprocessing } = importEfficientNet(
      file.tensors,
      efficientNetConfig('b0', CLASSES),
      'w.h5',
    );
    expect(convention).toBe('keras');
    expect(preprocessing.mean.map((m) => m.toFixed(3))).toEqual(['0.500', '0.400', '0.300']);
    expect(preprocessing.std.map((s) => s.toFixed(3))).toEqual(['0.200', '0.300', '0.400']);
    listed(CLASSES).forEach(([canonical, , shape], t) => {
      const values = weights.get(canonical)!;
      const size = shape.reduce((a, b) => a * b, 1);
      // Keras's layouts are ours: the order is the same.
      expect([values.length, values[0], values[size >> 1], values[size - 1]], canonical).toEqual([
        size,
        t,
        t + (size >> 1),
        t + size - 1,
      ]);
    });
  });
});

const SMALL: Layer[] = [
  { name: 'a', kind: 'Conv2D', variables: [{ name: 'kernel', shape: [1, 2], data: Float32Array.of(1, 2) }] },
  { name: 'b', kind: 'Conv2D', variables: [{ name: 'kernel', shape: [2], data: Float64Array.of(3, 4) }] },
];

describe('an HDF5 file', () => {
  it('keeps types and shapes, and leaves out whole numbers, texts and what optimizers hold', async () => {
    const bytes = await h5((file) => {
      put(group(file, 'a'), { name: 'w', shape: [2, 1], data: Float32Array.of(1, 2) });
      put(group(file, 'a'), { name: 'd', shape: [], data: Float64Array.of(0.1) });
      file.create_dataset({ name: 'n', data: Int32Array.of(1) });
      file.create_dataset({ name: 's', data: 'text' });
      file.create_dataset({ name: 'z', data: new Float32Array(10_000).fill(3), chunks: [100], compression: 4 });
      put(group(file, 'optimizer_weights'), { name: 'm', shape: [1], data: Float32Array.of(1) });
    });
    const { tensors } = await read(bytes);
    expect([...tensors.keys()].sort()).toEqual(['a/d', 'a/w', 'z']);
    expect(tensors.get('a/w')).toEqual({ dtype: 'f32', shape: [2, 1], data: Float32Array.of(1, 2) });
    expect(tensors.get('a/d')).toEqual({ dtype: 'f64', shape: [], data: Float64Array.of(0.1) });
    expect([...tensors.get('z')!.data].every((value) => value === 3)).toBe(true);
  });
  it('does not follow links out of it, or in circles', async () => {
    const bytes = await h5((file) => {
      put(group(file, 'a'), { name: 'w', shape: [1], data: Float32Array.of(1) });
      file.create_external_link('/etc/hostname', 'x', 'out');
      file.create_soft_link('/nowhere', 'broken');
    });
    expect([...(await read(bytes)).tensors.keys()]).toEqual(['a/w']);
    const circles = await h5((file) => {
      group(file, 'a');
      for (const name of ['b', 'c', 'd']) file.create_hard_link('/a', `/a/${name}`);
    });
    expect(await refusal(circles)).toMatch(/its groups have no end/);
  });
  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ['no arrays', () => h5((file) => void group(file, 'a')), /without arrays of floats: it holds no weights/],
    [
      'no names of layers',
      () => keras3(SMALL, { named: false }),
      /saved it without the names of its layers, such as that of layers\/conv2d; save the whole model as a \.keras file/,
    ],
    [
      'one name twice',
      () => keras3(SMALL.map((layer) => ({ ...layer, name: 'a' }))),
      /two of its arrays are 'a\/kernel'/,
    ],
    [
      'an array that is larger than the file',
      () =>
        h5(
          (file) =>
            void file
              .create_dataset({ name: 'w', data: new Float32Array(1), shape: [1], maxshape: [2 ** 31], chunks: [1] })
              .resize([2 ** 31]),
        ),
      /'w': its shape \[2147483648\] is larger than any that the file can hold/,
    ],
    [
      'a .keras archive whose config is no JSON',
      async () =>
        new Uint8Array(
          makeZip([
            { path: 'config.json', bytes: Buffer.from('{') },
            { path: 'model.weights.h5', bytes: await keras3(SMALL, { named: false }) },
          ]),
        ),
      /its config\.json is no JSON/,
    ],
    [
      'a .keras archive whose weights are none',
      async () => new Uint8Array(makeZip([{ path: 'model.weights.h5', bytes: Buffer.from('x') }])),
      /damaged or cut short/,
    ],
  ])('with %s is refused', async (_what, make, sentence) => {
    expect(await refusal(await make())).toMatch(sentence);
  });
  it('that is cut is refused, and one that is damaged is read or refused', async () => {
    const bytes = await keras2(SMALL);
    for (let length = 9; length < bytes.length - 1; length += 97)
      expect(await refusal(bytes.slice(0, length))).toMatch(/^w\.h5/);
    let state = 1;
    const random = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const damaged = bytes.slice();
      for (let n = 0; n < 8; n++) damaged[8 + random(damaged.length - 8)] = random(256);
      await read(damaged).catch((error: Error) => {
        expect(error, error.stack).toBeInstanceOf(UserError);
        refused++;
      });
    }
    expect(refused).toBeGreaterThan(50);
  });
  it('is read in a thread that is given up when it takes too long; the next file has another', async () => {
    const bytes = await keras2(SMALL);
    const want = await read(bytes);
    // A new thread needs longer than that to load the library.
    await expect(readWeightsBytes(bytes, 'w.h5', 1e-3)).rejects.toThrow(
      'w.h5 takes more than 1 s to read; it is damaged: get the file anew.',
    );
    for (let round = 0; round < 2; round++) {
      expect(await readWeightsBytes(bytes, 'w.h5')).toEqual(want);
      await expect(readWeightsBytes(bytes.slice(0, 300), 'w.h5')).rejects.toThrow(/^w\.h5 is an HDF5 file/);
    }
  });
});
