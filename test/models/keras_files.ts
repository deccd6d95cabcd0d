import * as hdf5 from 'h5wasm';
import { makeZip } from '../vision/data/archive_files.ts';

/** A variable of a layer: its name, shape and numbers. */
export interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}
export interface Layer {
  readonly name: string;
  /** As Keras calls it: Conv2D. */
  readonly kind: string;
  readonly variables: readonly Variable[];
}

let files = 0;

/** The bytes of an HDF5 file that `fill` writes. */
export async function h5(fill: (file: hdf5.File) => void): Promise<Uint8Array> {
  const { FS } = await hdf5.ready;
  const path = `/written-${files++}.h5`;
  const file = new hdf5.File(path, 'w');
  fill(file);
  file.close();
  const bytes = new Uint8Array(FS.readFile(path));
  FS.unlink(path);
  return bytes;
}

/** Groups one below another, made where they are not there yet. */
export function group(root: hdf5.Group, path: string): hdf5.Group {
  return path.split('/').reduce((at, name) => (at.get(name) as hdf5.Group | null) ?? at.create_group(name), root);
}
export const put = (at: hdf5.Group, { name, shape, data }: Variable): unknown =>
  at.create_dataset({ name, data, shape: [...shape] });

/** As `save_weights` of Keras 2 writes: layer/layer/variable:0, below `model_weights` in a whole model. */
export const keras2 = (layers: readonly Layer[], root = ''): Promise<Uint8Array> =>
  h5((file) => {
    const at = root === '' ? file : group(file, root);
    at.create_attribute(
      'layer_names',
      layers.map(({ name }) => name),
    );
    for (const { name, variables } of layers) {
      const below = group(at, `${name}/${name}`);
      for (const variable of variables) put(below, { ...variable, name: `${variable.name}:0` });
    }
    if (root !== '') put(group(file, 'optimizer_weights/Adam'), { name: 'm:0', shape: [1], data: new Float32Array(1) });
  });

/** What Keras 3 calls a layer in a file: the class in small letters, counted. */
function counted(layers: readonly Layer[]): string[] {
  const spelled: Record<string, string> = {
    Conv2D: 'conv2d',
    DepthwiseConv2D: 'depthwise_conv2d',
    Dense: 'dense',
    BatchNormalization: 'batch_normalization',
    Normalization: 'normalization',
    Rescaling: 'rescaling',
    InputLayer: 'input_layer',
  };
  const used: Record<string, number> = {};
  return layers.map(({ kind }) => {
    const name = spelled[kind];
    const count = (used[name] = (used[name] ?? -1) + 1);
    return count === 0 ? name : `${name}_${count}`;
  });
}

/** As Keras 3 writes weights: variables by number in groups that are counted by class. */
export const keras3 = (layers: readonly Layer[], { named = true, root = 'layers' } = {}): Promise<Uint8Array> =>
  h5((file) => {
    const paths = counted(layers);
    layers.forEach(({ name, variables }, i) => {
      const vars = group(file, `${root}/${paths[i]}/vars`);
      if (named) vars.create_attribute('name', name);
      variables.forEach((variable, v) => put(vars, { ...variable, name: String(v) }));
    });
    put(group(file, 'optimizer/vars'), { name: '0', shape: [1], data: new Float32Array(1) });
  });

const configOf = (layers: readonly Layer[]) =>
  layers.map(({ name, kind }) => ({ module: 'keras.layers', class_name: kind, config: { name } }));

/** A .keras archive: the layers' names are in its config.json alone. `nested`: a model within a Sequential. */
export async function kerasArchive(layers: readonly Layer[], { nested = false, method = 8 } = {}): Promise<Uint8Array> {
  const functional = { class_name: 'Functional', config: { name: 'efficientnetb0', layers: configOf(layers) } };
  const config = nested
    ? {
        class_name: 'Sequential',
        config: { name: 'sequential', layers: [{ class_name: 'InputLayer', config: { name: 'x' } }, functional] },
      }
    : functional;
  const root = nested ? 'layers/functional/layers' : 'layers';
  const files: [string, Uint8Array][] = [
    ['metadata.json', Buffer.from('{"keras_version": "3.4.1"}')],
    ['config.json', Buffer.from(JSON.stringify(config))],
    ['model.weights.h5', await keras3(layers, { named: false, root })],
  ];
  return new Uint8Array(makeZip(files.map(([path, bytes]) => ({ path, bytes, method }))));
}
