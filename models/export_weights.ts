import { UserError } from '../engine/user_error.ts';
import type { ExportName } from './export_names.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import { MODEL_NAMES } from './model_table.ts';
import type { ForeignTensor, Layout } from './import_weights.ts';
import { namings } from './namings.ts';
import type { Network } from './network.ts';
import type { Weights } from './parameter_set.ts';
import { c1hwFromHwc, oihwFromHwio, transposed } from './weight_layouts.ts';

/** Tensors as another program has them, and what the user should know of them, a sentence each. */
export interface ExportedWeights {
  readonly tensors: Map<string, StoredTensor>;
  readonly layout: Layout;
  readonly notes: readonly string[];
}

/**
 * Weights under the names and in the layouts of another program: the inverse of importing them. For PyTorch the step
 * counters of batch norm are among them, since `load_state_dict` asks for them.
 * @param weights by our names; a classifier may be absent
 * @throws UserError where that program's names for this network are not known, as of one that came as ONNX
 */
export function exportWeights(network: Network, weights: Weights, names: ExportName): ExportedWeights {
  if (!MODEL_NAMES.includes(network.name))
    throw new UserError(`nobody's names for ${network.name} are known; export it as ONNX, whole.`);
  const known = namings(network).filter(({ convention }) => convention !== 'tuningfork');
  const naming = known.find(({ convention }) => convention === names);
  if (!naming)
    throw new UserError(
      `${names}'s names for ${network.name} are not known; give --names ${known.map(({ convention }) => convention).join(' or ')}.`,
    );
  const tensors = new Map<string, StoredTensor>();
  const missing: string[] = [];
  for (const foreign of naming.tensors) {
    const values = weights.get(foreign.spec.name);
    if (!values) {
      missing.push(foreign.name);
      continue;
    }
    tensors.set(foreign.name, {
      dtype: 'f32',
      shape: foreign.shape,
      data: inTheirLayout(values, foreign, naming.layout),
    });
    if (naming.layout === 'torch' && foreign.spec.kind === 'var')
      tensors.set(foreign.name.replace(/running_var$/, 'num_batches_tracked'), {
        dtype: 'i64',
        shape: [],
        data: new BigInt64Array(1),
      });
  }
  const notes = missing.length
    ? [`${missing.join(', ')}: not in the model, and so not in the file; load it with strict=False.`]
    : [];
  return { tensors, layout: naming.layout, notes };
}

/** The inverse of `inOurLayout` of import_weights.ts. */
function inTheirLayout(values: Float32Array, { spec, image }: ForeignTensor, layout: Layout): Float32Array {
  if (layout !== 'torch') return values;
  const { kind, shape } = spec;
  if (image) return oihwFromHwio(values, [...image, shape[1]]);
  if (kind === 'filter') return oihwFromHwio(values, shape);
  if (kind === 'depthwise') return c1hwFromHwc(values, shape);
  return kind === 'dense' ? transposed(values, shape) : values;
}
