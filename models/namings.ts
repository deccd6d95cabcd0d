import { CONVENTIONS, foreignTensors } from './efficientnet_conventions.ts';
import { efficientNet } from './efficientnet.ts';
import { efficientNetConfig } from './efficientnet_table.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import { sharedPrefix, type Expected } from './import_weights.ts';
import { efficientNetVariant, MODEL_NAMES, plainNetwork } from './model_table.ts';
import type { Network } from './network.ts';
import { torchvisionNamings } from './torchvision_names.ts';

/** Every way in which a network's tensors are named that is known here, our own among them. */
export function namings({ name, specs, config }: Pick<Network, 'name' | 'specs' | 'config'>): Expected[] {
  const variant = efficientNetVariant(name);
  if (variant === undefined) return torchvisionNamings({ name, specs });
  const efficientNetOf = efficientNetConfig(variant, Number(config['classes']));
  return CONVENTIONS.map((convention) => ({
    network: `an EfficientNet-${variant.toUpperCase()}`,
    layout: convention.layout,
    tensors: foreignTensors(convention, efficientNetOf),
    convention: convention.name,
    normalise: convention.normalise,
  }));
}

/** Which share of a network's tensors must be there, in their shapes, for a file to be taken for its weights. */
const RECOGNISED = 0.9;
/** What does not matter for the names of tensors. */
const ANY_ARITHMETIC = { padding: 'same', bnEpsilon: 1e-3 } as const;

/**
 * The network whose weights these are, by their names and shapes, whatever the classes of its classifier; undefined
 * where none fits.
 */
export function recogniseModel(tensors: ReadonlyMap<string, StoredTensor>): string | undefined {
  let best: string | undefined;
  let most = RECOGNISED;
  for (const name of MODEL_NAMES) {
    const variant = efficientNetVariant(name);
    const network = variant ? efficientNet(efficientNetConfig(variant, 2), ANY_ARITHMETIC) : plainNetwork(name, 2);
    const share = Math.max(...namings(network).map((naming) => shareOf(tensors, naming)));
    if (share > most) [best, most] = [name, share];
  }
  return best;
}

/** The share of tensors that a file and a naming have in common, of those that either has under the file's prefix. */
function shareOf(tensors: ReadonlyMap<string, StoredTensor>, naming: Expected): number {
  const { prefix, count } = sharedPrefix(tensors.keys(), naming);
  if (count === 0) return 0;
  const trunk = naming.tensors.filter(({ spec }) => !spec.name.startsWith('classifier.'));
  const shapes = new Map<string, string>();
  for (const [name, { shape }] of tensors) {
    if (!name.startsWith(prefix)) continue;
    const bare = name.slice(prefix.length);
    shapes.set(naming.normalise?.(bare) ?? bare, shape.join());
  }
  // A first layer for other colours is made to fit.
  const fits = trunk.filter(({ name, shape }, i) => (i === 0 ? shapes.has(name) : shapes.get(name) === shape.join()));
  const known = new Set(naming.tensors.map(({ name }) => name));
  const others = [...shapes.keys()].filter((name) => !known.has(name) && !/num_batches_tracked$/.test(name));
  return fits.length / (trunk.length + others.length);
}
