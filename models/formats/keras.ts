import { UserError } from '../../engine/user_error.ts';
import { readHdf5 } from './hdf5.ts';
import type { StoredTensor } from './stored_tensor.ts';
import { readZipEntry, type ZipFileEntry } from './zip_file.ts';

/*
 * Weights as Keras saves them. Keras 2 names an array by layer and variable: `stem_conv/stem_conv/kernel:0`, below
 * `model_weights` where the file holds a whole model. Keras 3 counts: `layers/conv2d_3/vars/0` is the first variable of
 * the fourth layer of its class, whose name is in the group's attributes, or in the config.json of a .keras archive.
 */

/** Groups that hold no weights of the network. */
const NOT_WEIGHTS = /^(optimizer|optimizer_weights|loss_tracker|metrics|compile_metrics|seed_generator)(\/|$)/;

/** The variables of a class of layers, in Keras's order. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  conv2d: ['kernel', 'bias'],
  depthwise_conv2d: ['kernel', 'bias'],
  dense: ['kernel', 'bias'],
  batch_normalization: ['gamma', 'beta', 'moving_mean', 'moving_variance'],
  normalization: ['mean', 'variance', 'count'],
};

/** What is needed of a model's config.json. */
interface LayerConfig {
  readonly class_name?: unknown;
  readonly config?: { readonly name?: unknown; readonly layers?: unknown };
}

/**
 * Reads an HDF5 file of weights, or of a whole model, as Keras 2 and 3 save them.
 * @param model the config.json of a .keras archive
 * @throws UserError where it is damaged, holds no weights, or does not name its layers
 */
export async function readKerasH5(
  bytes: Uint8Array,
  name: string,
  model?: LayerConfig,
): Promise<{ tensors: Map<string, StoredTensor> }> {
  const arrays = await readHdf5(bytes, name, (path) => !NOT_WEIGHTS.test(path));
  if (arrays.length === 0)
    throw new UserError(`${name} is an HDF5 file without arrays of floats: it holds no weights.`);
  const tensors = new Map<string, StoredTensor>();
  for (const { path, groupName, dtype, shape, data } of arrays) {
    const key = keras3Name(path, groupName, model, name) ?? path;
    if (tensors.has(key)) throw new UserError(`${name}: two of its arrays are '${key}'; keep one.`);
    tensors.set(key, { dtype, shape, data });
  }
  return { tensors };
}

/** Layer and variable of an array that Keras 3 counts; undefined where it is no such. */
function keras3Name(path: string, groupName: string | undefined, model: LayerConfig | undefined, file: string) {
  const [, layers, place] = /^((?:.*\/)?[^/]+)\/vars\/(\d+)$/.exec(path) ?? [];
  if (layers === undefined) return undefined;
  const counted = layers.split('/').at(-1)!;
  const variables = VARIABLES[counted.replace(/_\d+$/, '')];
  const variable = variables?.[Number(place)];
  if (variable === undefined) return undefined;
  const layer = groupName ?? configName(layers.split('/'), model);
  if (layer !== undefined) return `${layer}/${variable}`;
  if (variables === VARIABLES['normalization']) return `${counted}/${variable}`;
  throw new UserError(
    `${file}: Keras saved it without the names of its layers, such as that of ${layers}; save the whole model as a .keras file.`,
  );
}

/** The name of the layer at `layers/functional/layers/conv2d_3`, by the order of a config's layers. */
function configName(path: readonly string[], model: LayerConfig | undefined): string | undefined {
  let at = model;
  for (const part of path) {
    if (part === 'layers') continue;
    const all = at?.config?.layers;
    if (!Array.isArray(all)) return undefined;
    const used = new Map<string, number>();
    at = (all as LayerConfig[]).find((layer) => {
      const name = snakeCase(String(layer?.class_name));
      const count = used.get(name) ?? 0;
      used.set(name, count + 1);
      return (count === 0 ? name : `${name}_${count}`) === part;
    });
  }
  const layer = at?.config?.name;
  return typeof layer === 'string' ? layer : undefined;
}

/** As Keras makes a name of a class: BatchNormalization is batch_normalization, Conv2D is conv2d. */
const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/**
 * Reads a .keras archive: config.json and model.weights.h5.
 * @throws UserError as `readKerasH5` does
 */
export async function readKerasZip(
  bytes: Uint8Array,
  entries: ReadonlyMap<string, ZipFileEntry>,
  name: string,
): Promise<{ tensors: Map<string, StoredTensor> }> {
  const weights = await readZipEntry(bytes, entries.get('model.weights.h5')!, name);
  const config = entries.get('config.json');
  return readKerasH5(weights, name, config && parseConfig(await readZipEntry(bytes, config, name), name));
}

function parseConfig(bytes: Uint8Array, name: string): LayerConfig {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as LayerConfig;
  } catch {
    throw new UserError(`${name}: its config.json is no JSON; the file is damaged.`);
  }
}
