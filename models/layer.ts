import { show } from '../engine/check.ts';
import type { BatchNormAttributes } from '../engine/ops/batch_norm.ts';
import { input } from '../engine/ops/leaves.ts';
import { hashText } from '../engine/random.ts';
import { checkShape, sameShape, showShape, Tensor, type Shape } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import { normalise } from './layers.ts';
import type { ForwardContext, Network, Segment } from './network.ts';
import type { ParameterSource } from './parameter_set.ts';
import { ParameterList, type ParameterKind } from './parameter_spec.ts';

/**
 * A layer: a function from a batch [N, ...] to another one, which asks its scope for the parameters that it needs. An
 * op of one tensor, such as `relu`, is a layer without parameters.
 */
export interface Layer {
  (x: Tensor, scope: Scope): Tensor;
  /** What it is called in names of parameters and segments, with a number behind it; `layer` when absent. */
  readonly kind?: string;
  /** The layers that it applies one after another, each with its name: they become the segments of a network. */
  readonly parts?: readonly { readonly name: string; readonly layer: Layer }[];
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Where a layer finds its parameters: a name for all of them, and how the network is being used. */
export class Scope {
  /**
   * @param path begins the names of the parameters, as in `block1.conv1`
   * @param declared collects the parameters that are asked for; absent where they are there already
   */
  constructor(
    readonly path: string,
    readonly context: ForwardContext,
    private readonly declared?: ParameterList,
  ) {}

  /** Whether the network is being trained: noise is drawn, batch norm takes the batch's statistics. */
  get training(): boolean {
    return this.context.noise !== undefined;
  }

  /** The scope of a part of the layer, by its name. */
  child(name: string): Scope {
    if (typeof name !== 'string' || name === '' || name.includes('.'))
      throw new UserError(`the name of a layer must be text without dots, not ${show(name)}`);
    return new Scope(join(this.path, name), this.context, this.declared);
  }

  /**
   * The parameter of this name, made where the network is made.
   * @param kind decides what it holds at first: `filter` [r, s, c, k], `depthwise` [r, s, c] and `dense` [in, out]
   *   small random numbers (see initialise.ts), `gamma` ones, `bias` and `beta` zeros
   * @throws UserError where the layer has another one of this name, or it was made with another shape
   */
  parameter(name: string, shape: Shape, kind: Exclude<ParameterKind, 'mean' | 'var'>): Tensor {
    const full = join(this.path, name);
    checkShape(`parameter ${full}`, shape);
    if (this.declared?.specs.some((spec) => spec.name === full))
      throw new UserError(`there are two parameters named ${full}; give one of them another name`);
    this.declared?.add(full, kind, ...shape);
    const made = this.context.parameters.tensor(full);
    if (!sameShape(made.shape, shape))
      throw new UserError(
        `parameter ${full} is ${showShape(made.shape)}, and this input needs ${showShape(shape)}; give inputs of the shape that the model was made for`,
      );
    return made;
  }

  /** Batch norm of the last dimension with parameters of its own: by the batch while training, else as was learnt. */
  batchNorm(x: Tensor, options: BatchNormAttributes): Tensor {
    this.declared?.addBatchNorm(this.path, x.shape[x.shape.length - 1]);
    return normalise(x, this.path, options, this.context);
  }

  /** Names the stream of random numbers that this layer draws. */
  get stream(): number {
    return hashText(this.path);
  }
}

/** Applies a layer. @throws UserError that names it where it cannot take its input, or is no layer */
export function applyLayer(layer: Layer, x: Tensor, scope: Scope): Tensor {
  const where = `layer ${scope.path}`;
  if (typeof layer !== 'function')
    throw new UserError(`${where} must be a function such as relu or conv(16), not ${show(layer)}`);
  let y: Tensor;
  try {
    y = layer(x, scope);
  } catch (error) {
    if (!(error instanceof UserError) || error.message.startsWith('layer ')) throw error;
    throw new UserError(`${where}: ${error.message}`, { cause: error });
  }
  if (typeof y === 'function') throw new UserError(`${where} gives a function: call it, as in conv(16) or maxPool()`);
  if (!(y instanceof Tensor)) throw new UserError(`${where} must give a tensor, not ${show(y)}`);
  return y;
}

/** Parameters that are not there yet: leaves of their shapes. */
class DeclaredSource implements ParameterSource {
  constructor(private readonly list: ParameterList) {}

  tensor(name: string): Tensor {
    const isStatistics = name.endsWith('.stats');
    const spec = this.list.specs.find((each) => each.name === (isStatistics ? name.replace(/stats$/, 'mean') : name))!;
    return input(name, isStatistics ? [2, ...spec.shape] : spec.shape);
  }
}

/**
 * The network that a layer is, for inputs [N, ...inputShape]: its parameters have the shapes that those need. Its
 * segments are the parts of the layer. What Grad-CAM looks at is the output of the last segment that gives an image.
 * @throws UserError where a layer does not take what the one before it gives
 */
export function networkOf(layer: Layer, inputShape: Shape, name = 'network'): Network {
  checkShape('the shape of an input', inputShape);
  const parts = layer.parts ?? [{ name: layer.kind ?? 'body', layer }];
  const list = new ParameterList();
  const declaring = new Scope('', { parameters: new DeclaredSource(list), batchNorm: 'running' }, list);
  const outputs: Tensor[] = [];
  let x = input('x', [1, ...inputShape]);
  for (const part of parts) outputs.push((x = applyLayer(part.layer, x, declaring.child(part.name))));
  const segments = parts.map(
    (part): Segment => ({
      name: part.name,
      prefixes: [`${part.name}.`],
      apply: (input, context) => applyLayer(part.layer, input, new Scope(part.name, context)),
    }),
  );
  const isImage = ({ shape }: Tensor) => shape.length === 4 && shape[1] * shape[2] > 1;
  const isRow = ({ shape }: Tensor) => shape.length === 2;
  const last = parts.length - 1;
  const features = [outputs.slice(0, -1).findLastIndex(isRow), outputs.findLastIndex(isRow), last].find((i) => i >= 0)!;
  return {
    name,
    config: {},
    specs: list.specs,
    segments,
    lastConv: parts[Math.max(0, outputs.findLastIndex(isImage))].name,
    features: parts[features].name,
  };
}
