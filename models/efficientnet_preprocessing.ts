import { UserError } from '../engine/user_error.ts';
import { toFloat32 } from './formats/stored_tensor.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import type { ConventionName } from './efficientnet_conventions.ts';

/** x = (pixel · scale − mean) / std, per channel (R, G, B), for pixels in 0..255. */
export interface Normalisation {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What a checkpoint's numbers were trained with and its names do not say. */
export interface Arithmetic {
  /** same: TensorFlow's, more at the bottom and right with stride 2; symmetric: floor(k/2) on every side. */
  readonly padding: 'same' | 'symmetric';
  readonly bnEpsilon: number;
  readonly preprocessing: Normalisation;
  /** What was assumed, where there was a choice. */
  readonly notes: readonly string[];
}

export const IMAGENET: Normalisation = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** To -1..1: what the AdvProp checkpoints were trained with. */
const INCEPTION: Normalisation = { scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

const TENSORFLOW = { padding: 'same', bnEpsilon: 1e-3 } as const;
const TORCH = { padding: 'symmetric', bnEpsilon: 1e-5 } as const;

/**
 * The arithmetic a convention implies. efficientnet_pytorch and Keras hold TensorFlow's checkpoints: SAME padding,
 * epsilon 1e-3. torchvision's B0 to B3 were trained in PyTorch: symmetric padding, 1e-5. timm has both under the same
 * tensor names; its `tf_` models are TensorFlow's, and only the name of the file tells.
 * @param source the file's name.
 */
export function impliedArithmetic(
  convention: ConventionName,
  source: string,
  tensors: ReadonlyMap<string, StoredTensor>,
): Arithmetic {
  switch (convention) {
    case 'efficientnet_pytorch':
    case 'tuningfork':
      return { ...TENSORFLOW, preprocessing: IMAGENET, notes: [] };
    case 'torchvision':
      return { ...TORCH, preprocessing: IMAGENET, notes: [] };
    case 'keras':
      return { ...TENSORFLOW, preprocessing: kerasNormalisation(tensors, source), notes: [] };
    case 'timm':
      return timmArithmetic(source);
  }
}

function timmArithmetic(source: string): Arithmetic {
  const tensorflow = /tf_efficientnet/i.test(source);
  // timm's AdvProp weights: tf_efficientnet_b0.ap_in1k, tf_efficientnet_b0_ap.
  const preprocessing = /tf_efficientnet_b\d[._]ap\b|tf_efficientnet_b\d[._]ap_/i.test(source) ? INCEPTION : IMAGENET;
  const note = tensorflow
    ? `${source}: taken for a timm tf_efficientnet by its name: SAME padding, batch-norm epsilon 1e-3.`
    : `${source}: taken for a timm efficientnet: symmetric padding, batch-norm epsilon 1e-5. If it is a tf_efficientnet, say so by padding and epsilon, or by 'tf_efficientnet' in the file's name.`;
  return { ...(tensorflow ? TENSORFLOW : TORCH), preprocessing, notes: [note] };
}

/**
 * Keras normalises inside the network: 1/255, then a Normalization layer, (x - mean) / sqrt(variance). Its ImageNet
 * files hold the standard deviations 0.229, 0.224, 0.225 in the place of the variances, and newer versions of Keras
 * mend that by a further division by sqrt(variance) (tensorflow issue 49930): the whole is again (x - mean) / 0.229. A
 * file without the layer means ImageNet's numbers.
 */
function kerasNormalisation(tensors: ReadonlyMap<string, StoredTensor>, source: string): Normalisation {
  const find = (field: string): number[] | null => {
    for (const [name, tensor] of tensors) {
      if (!new RegExp(`(^|/)normalization(_\\d+)?/${field}(:0)?$`).test(name)) continue;
      const values = [...toFloat32(tensor, `${source}: tensor '${name}'`)];
      if (values.length !== 3 || !values.every(Number.isFinite)) {
        throw new UserError(
          `${source}: tensor '${name}' has shape [${tensor.shape.join(', ')}], where 3 finite numbers are needed, one for each colour.`,
        );
      }
      return values;
    }
    return null;
  };
  const mean = find('mean');
  const variance = find('variance');
  if (!mean || !variance) return IMAGENET;
  if (variance.some((v) => v <= 0))
    throw new UserError(`${source}: the normalization layer's variance [${variance.join(', ')}] is not above 0.`);
  const holdsDeviations = variance.every((v, channel) => Math.abs(v - IMAGENET.std[channel]) < 1e-4);
  return { scale: 1 / 255, mean, std: holdsDeviations ? variance : variance.map(Math.sqrt) };
}
