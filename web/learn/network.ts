import { windowGeometry, type ConvGeometry } from '../../engine/ops/conv_geometry.ts';
import { input } from '../../engine/ops/leaves.ts';
import { sameShape, sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { CLASSES } from '../../galaxies/labels.ts';
import { initialValues } from '../../models/initialise.ts';
import { called, checkLayers, layerOf, type LayerSpec } from './layer_spec.ts';
import type { ActivationName, Settings } from './settings.ts';
import { COLOURS, SIDE } from './sky.ts';

/** Filters of the two convolutions of the standard network. */
const FILTERS = [6, 8] as const;
export const CLASS_COUNT: number = CLASSES.length;

/** More parameters than this, times the steps that one can go back, are more than the page can hold. */
const MOST_PARAMETERS = 20_000;
/** More numbers in the maps of one image than this are more than the page can show. */
const MOST_ACTIVATIONS = 150_000;

/**
 * w: filters or dense weights; b: biases; gamma, beta: of batch norm; running: its statistics [2, C], which are no
 * weights and have no gradient.
 */
export type Role = 'w' | 'b' | 'gamma' | 'beta' | 'running';
/** mean: over all places, for each channel; scale: maps times a number for each channel; add: two maps. */
export type LayerKind =
  | 'input'
  | 'conv'
  | 'depthwise'
  | 'norm'
  | 'activation'
  | 'pool'
  | 'mean'
  | 'scale'
  | 'add'
  | 'dense'
  | 'loss';

/** A layer, in numbers and names only. */
export interface LayerPlan {
  readonly name: string;
  readonly kind: LayerKind;
  /** Indices of the layers whose outputs it takes: one of each, but two of `scale` (maps, factors) and of `add`. */
  readonly inputs: readonly number[];
  /** [1, H, W, C], [1, K] or [1]: of one image. */
  readonly shape: Shape;
  readonly parameters: Readonly<Partial<Record<Role, Shape>>>;
  /** Of a convolution or a pooling, for one image. */
  readonly geometry?: ConvGeometry;
  readonly activation?: ActivationName;
  readonly pooling?: 'max' | 'average';
}

/** The network that the settings describe where they name no layers: two convolutions, each with its pooling. */
export function standardLayers(
  { filterSize, stride, padding, activation, pooling, batchNorm: hasNorm }: Settings,
  classes = CLASS_COUNT,
): LayerSpec[] {
  const convolutions = FILTERS.flatMap((filters) => [
    layerOf('conv', { filters, size: filterSize, stride, padding, bias: !hasNorm }),
    ...(hasNorm ? [layerOf('norm')] : []),
    layerOf('activation', { name: activation }),
    layerOf('pool', { how: pooling }),
  ]);
  return [...convolutions, layerOf('dense', { units: classes })];
}

/**
 * The network's layers from the image to the loss; squeeze and excite becomes its six parts.
 * @throws UserError that names the layer which does not fit
 */
export function planLayers(settings: Settings, classes = CLASS_COUNT): LayerPlan[] {
  const specs = settings.layers ?? standardLayers(settings, classes);
  checkLayers(specs);
  const planner = new Planner();
  for (let i = 0; i < specs.length; i++) planner.add(specs, i);
  const last = specs[specs.length - 1];
  if (last.kind !== 'dense' || last.units !== classes)
    throw new UserError(
      `the last layer must be a dense layer of ${classes} units, one for each class, and ${called(specs, specs.length - 1)}, ${last.kind === 'dense' ? `has ${last.units}` : 'is none'}`,
    );
  planner.push('loss', [1]);
  checkSize(planner.plans);
  return planner.plans;
}

/**
 * The shape after each layer of a list, [1, H, W, C] or [1, K]; where one does not fit, of those before it, and what
 * is wrong.
 */
export function shapesAfter(settings: Settings, classes: number): { shapes: readonly Shape[]; problem?: UserError } {
  const planner = new Planner();
  const shapes: Shape[] = [];
  try {
    const specs = settings.layers ?? standardLayers(settings, classes);
    specs.forEach((_, i) => {
      planner.add(specs, i);
      shapes.push(planner.plans[planner.plans.length - 1].shape);
    });
    planLayers(settings, classes);
    return { shapes };
  } catch (error) {
    if (error instanceof UserError) return { shapes, problem: error };
    throw error;
  }
}

function checkSize(plans: readonly LayerPlan[]): void {
  const all = parametersOf(plans).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (all > MOST_PARAMETERS)
    throw new UserError(
      `the network has ${all} parameters, and ${MOST_PARAMETERS} is the most that the page keeps: take fewer filters or units, or pool more`,
    );
  const activations = plans.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (activations > MOST_ACTIVATIONS)
    throw new UserError(
      `the maps of one image are ${activations} numbers, and ${MOST_ACTIVATIONS} is the most that the page shows: take fewer filters, or pool earlier`,
    );
}

// Tensors are descriptions: this one serves to have the engine work out the shapes.
const described = (shape: Shape): Tensor => input('described', shape);

/** Plans layers one after the other. */
class Planner {
  readonly plans: LayerPlan[] = [
    { name: 'input', kind: 'input', inputs: [], shape: [1, SIDE, SIDE, COLOURS], parameters: {} },
  ];
  /** The plan that gives the output of each layer of the list, the image first. */
  private readonly ends = [0];
  private readonly counts = new Map<LayerKind, number>();

  /** Adds what the layer `i` of the list is made of. */
  add(specs: readonly LayerSpec[], i: number): void {
    const spec = specs[i];
    const { shape } = this.plans[this.plans.length - 1];
    const fail = (problem: string): never => {
      throw new UserError(`${called(specs, i)}: ${problem}`);
    };
    const needsMaps = () => shape.length === 4 || fail('it needs maps, and after a dense layer there are none');
    switch (spec.kind) {
      case 'conv':
      case 'depthwise':
      case 'pool':
        needsMaps();
        this.slide(spec, shape, fail);
        break;
      case 'norm': {
        const k = shape[shape.length - 1];
        this.push('norm', shape, { parameters: { gamma: [k], beta: [k], running: [2, k] } });
        break;
      }
      case 'activation':
        this.push('activation', shape, { activation: spec.name });
        break;
      case 'residual':
        this.join(specs, i, spec.from, fail);
        break;
      case 'squeezeExcite':
        needsMaps();
        this.squeezeAndExcite(spec.units, shape);
        break;
      case 'dense':
        this.dense(spec.units, i === specs.length - 1);
        break;
    }
    this.ends.push(this.plans.length - 1);
  }

  /** A layer on top of the last one, or of `inputs`. */
  push(kind: LayerKind, shape: Shape, more: Partial<LayerPlan> = {}): void {
    const number = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, number);
    const name = NAMES[kind] ?? kind;
    this.plans.push({
      name: kind === 'loss' ? name : `${name}${number}`,
      kind,
      inputs: [this.plans.length - 1],
      shape,
      parameters: {},
      ...more,
    });
  }

  /** What slides a window over maps: it must fit into them. */
  private slide(
    spec: LayerSpec & { kind: 'conv' | 'depthwise' | 'pool' },
    shape: Shape,
    fail: (problem: string) => never,
  ): void {
    const [, height, width, c] = shape;
    const { size, stride } = spec;
    const padding = spec.kind === 'pool' ? 'valid' : spec.padding;
    if (padding === 'valid' && size > Math.min(height, width))
      fail(
        `a window of ${size} × ${size} does not fit into maps of ${height} × ${width}; leave it out or put it earlier`,
      );
    const k = spec.kind === 'conv' ? spec.filters : c;
    const groups = spec.kind === 'conv' ? 1 : c;
    const geometry = windowGeometry(
      spec.kind,
      [described(shape)],
      { filterH: size, filterW: size, outChannels: k, groups },
      { stride, padding },
    );
    const out = [1, geometry.outH, geometry.outW, k];
    const w = spec.kind === 'conv' ? [size, size, c, k] : [size, size, c];
    if (spec.kind === 'pool') this.push('pool', out, { geometry, pooling: spec.how });
    else this.push(spec.kind, out, { geometry, parameters: spec.bias ? { w, b: [k] } : { w } });
  }

  /** A residual addition (He et al. 2016, eq. 1). */
  private join(specs: readonly LayerSpec[], i: number, from: number, fail: (problem: string) => never): void {
    if (from > i) fail(`it adds layer ${from}, which comes after it; name an earlier one`);
    if (from === i) fail('it would add the layer before it to itself; name an earlier one');
    const [before, earlier] = [this.plans.length - 1, this.ends[from]];
    const [shape, other] = [this.plans[before].shape, this.plans[earlier].shape];
    if (!sameShape(shape, other))
      fail(
        `it adds maps of ${size(shape)} to those of ${from === 0 ? 'the image' : called(specs, from - 1)}, ${size(other)}: the two must be alike`,
      );
    this.push('add', shape, { inputs: [before, earlier] });
  }

  /** Squeeze and excite (Hu et al. 2018, section 3) as its parts. */
  private squeezeAndExcite(units: number, shape: Shape): void {
    const maps = this.plans.length - 1;
    const c = shape[3];
    this.push('mean', [1, c]);
    this.dense(units, false);
    this.push('activation', [1, units], { activation: 'relu' });
    this.dense(c, false);
    this.push('activation', [1, c], { activation: 'sigmoid' });
    this.push('scale', shape, { inputs: [maps, this.plans.length - 1] });
  }

  private dense(units: number, isLast: boolean): void {
    const w = [sizeOf(this.plans[this.plans.length - 1].shape), units];
    this.push('dense', [1, units], { parameters: { w, b: [units] }, ...(isLast && { name: 'dense' }) });
  }
}

/** What the layers' names begin with, where it is not their kind; weights are drawn from names. */
const NAMES: Partial<Record<LayerKind, string>> = { activation: 'act' };

const size = ([, ...dims]: Shape) => dims.join(' × ');

export const parameterName = (layer: string, role: Role): string => `${layer}/${role}`;

/** Names, roles and shapes of all parameters in their order. */
export const parametersOf = (plans: readonly LayerPlan[]): { name: string; role: Role; shape: Shape }[] =>
  plans.flatMap((plan) =>
    (Object.entries(plan.parameters) as [Role, Shape][]).map(([role, shape]) => ({
      name: parameterName(plan.name, role),
      role,
      shape,
    })),
  );

/** What batch norm adds to the variance. */
export const NORM_EPSILON = 1e-5;

/**
 * First values, drawn per parameter from (seed, name): see models/initialise.ts. Running means are 0 and variances 1.
 */
export function firstValues(name: string, role: Role, shape: Shape, seed: number): Float32Array {
  if (role === 'running') return new Float32Array(sizeOf(shape)).fill(1, shape[1]);
  const weights = ({ 2: 'dense', 3: 'depthwise', 4: 'filter' } as const)[shape.length as 2 | 3 | 4];
  const kind = role === 'gamma' ? 'gamma' : role !== 'w' ? 'bias' : weights;
  return initialValues({ name, shape, kind, trainable: true }, seed);
}
