import { checkNumber, checkOneOf, checkOptions, checkWhole, show, type Known } from '../engine/check.ts';
import { numbersFor, type Numbers } from '../engine/device/numbers.ts';
import { updateRunningStats } from '../engine/ops/assign.ts';
import { input, reshape } from '../engine/ops/leaves.ts';
import { square, sub } from '../engine/ops/pointwise.ts';
import { mean } from '../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../engine/ops/softmax_cross_entropy.ts';
import type { Precision } from '../engine/program/precision.ts';
import { Tensor } from '../engine/tensor.ts';
import { DEFAULT_ADAM, DEFAULT_SGD, TrainStep, type TrainStepSpec } from '../engine/train/train_step.ts';
import { UserError } from '../engine/user_error.ts';
import { requireModel, type Model } from './model.ts';

/** Names of parameters: all that begin with a text, such as the name of a layer, or that fit a pattern. */
export type Select = string | RegExp | ((name: string) => boolean);

/** Parameters that learn otherwise than the rest. */
export interface GroupOptions {
  readonly select: Select;
  /** What the learning rate is multiplied by; 1 when absent. */
  readonly rate?: number;
  /** Weight decay of all of them, biases too. */
  readonly weightDecay?: number;
}

/** Which optimizer, and its constants; what is absent is as in PyTorch, but weight decay leaves vectors alone. */
export interface OptimizerOptions {
  readonly name: 'sgd' | 'adam' | 'adamw';
  /** 1e-3 when absent, of `sgd` 1e-2. */
  readonly learningRate?: number;
  /**
   * Of filters and dense weights: added to the gradient by `sgd`, decoupled in `adamw` (1e-2 when absent), none in
   * `adam`.
   */
  readonly weightDecay?: number;
  /** Gradients are scaled down together where their global L2 norm is larger. */
  readonly clipNorm?: number;
  /** Of `sgd`; 0.9 when absent. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** Of `adam` and `adamw`. */
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** The first that selects a parameter counts. */
  readonly groups?: readonly GroupOptions[];
}

/**
 * What is minimised: the cross entropy of the outputs' softmax, the mean squared error, or a scalar made of outputs and
 * targets, which have one shape.
 */
export type Loss = 'crossEntropy' | 'meanSquaredError' | ((outputs: Tensor, targets: Tensor) => Tensor);

/** How a model is trained. */
export interface TrainerOptions {
  /** Samples a step. */
  readonly batch: number;
  /** `{ name: 'adam' }` when absent. */
  readonly optimizer?: OptimizerOptions;
  /** `crossEntropy` when absent. */
  readonly loss?: Loss;
  /** Parameters that stay as they are. */
  readonly freeze?: Select | readonly Select[];
  /** Batch norm by the `batch` (when absent), or by the statistics that are there, for fine-tuning. */
  readonly batchNorm?: 'batch' | 'running';
  /** What dropout draws from; 0 when absent. */
  readonly seed?: number;
  /** Of networks of `buildModel`, which name no rates of their own; 0 when absent. */
  readonly dropout?: number;
  readonly dropPath?: number;
  /** How activations are stored; f32 when absent. */
  readonly precision?: Precision;
  /** What is computed a second time rather than held, as in `compile`. */
  readonly recompute?: TrainStepSpec['recompute'];
}

const OPTIONS: Known<TrainerOptions> = {
  batch: true,
  optimizer: true,
  loss: true,
  freeze: true,
  batchNorm: true,
  seed: true,
  dropout: true,
  dropPath: true,
  precision: true,
  recompute: true,
};
const ADAM = { beta1: true, beta2: true, epsilon: true };
const COMMON = { name: true, learningRate: true, clipNorm: true, groups: true };
/** The constants that each optimizer knows. */
const OPTIMIZERS: Readonly<Record<OptimizerOptions['name'], Readonly<Record<string, true>>>> = {
  sgd: { ...COMMON, weightDecay: true, momentum: true, nesterov: true },
  adam: { ...COMMON, ...ADAM },
  adamw: { ...COMMON, ...ADAM, weightDecay: true },
} as never;
const DEFAULT_OPTIMIZER: OptimizerOptions = { name: 'adam' };
const RUNNING_MOMENTUM = 0.1;
const LEARNING_RATE = { sgd: 1e-2, adam: 1e-3, adamw: 1e-3 } as const;

/** Throws a UserError where it is no loss. */
export function checkLoss(what: string, loss: Loss): void {
  if (typeof loss !== 'function') checkOneOf(what, 'loss', loss, ['crossEntropy', 'meanSquaredError']);
}

/** The loss as a scalar of outputs and targets. */
export function lossOf(loss: Loss, outputs: Tensor, targets: Tensor): Tensor {
  const made =
    typeof loss === 'function'
      ? loss(outputs, targets)
      : mean(loss === 'crossEntropy' ? softmaxCrossEntropy(outputs, targets) : square(sub(outputs, targets)));
  if (!(made instanceof Tensor) || made.size !== 1)
    throw new UserError(
      `the loss must be a tensor of one number, and is ${show(made instanceof Tensor ? made.shape : made)}; take its mean`,
    );
  return reshape(made, []);
}

/** Targets [batch, K] as they are fed: of numbers of classes a one for each. */
export function targetsOf(loss: Loss, y: Numbers, [batch, ...shape]: readonly number[], at = 0): Float32Array {
  const width = shape.reduce((a, b) => a * b, 1);
  const length = (y as ArrayLike<number>).length ?? 1;
  if (loss !== 'crossEntropy' || length !== batch || width === 1)
    return numbersFor('the targets', y, [batch, ...shape], 'f32');
  const classes = numbersFor('the classes', y, [batch], 'f32');
  const targets = new Float32Array(batch * width);
  classes.forEach((k, i) => {
    if (!(Number.isInteger(k) && k >= 0 && k < width))
      throw new UserError(
        `sample ${at + i} is of class ${k}, and the network tells ${width} classes, from 0 to ${width - 1}`,
      );
    targets[i * width + k] = 1;
  });
  return targets;
}

const isSelected = (select: Select, name: string): boolean =>
  typeof select === 'string' ? name.startsWith(select) : select instanceof RegExp ? select.test(name) : select(name);

/** Steps of training by hand, a batch at a time; `fit` makes whole epochs of them. */
export class Trainer implements Disposable {
  private readonly noise = new Uint32Array(2);

  private constructor(
    readonly model: Model,
    readonly options: TrainerOptions,
    private readonly made: { readonly step: TrainStep; readonly loss: Tensor; readonly outputs: Tensor },
  ) {}

  /**
   * Compiles a step for a model.
   * @throws UserError where the options are at fault, or the adapter cannot hold it
   */
  static async create(model: Model, options: TrainerOptions): Promise<Trainer> {
    requireModel('Trainer', model);
    checkOptions('Trainer', options, OPTIONS);
    model.requireOpen('Trainer');
    const { batch, loss: kind = 'crossEntropy', batchNorm = 'batch', seed = 0, precision, recompute } = options;
    checkWhole('Trainer', 'batch', batch, 1);
    checkWhole('Trainer', 'seed', seed, 0, 2 ** 32 - 1);
    checkOneOf('Trainer', 'batchNorm', batchNorm, ['batch', 'running']);
    checkLoss('Trainer', kind);
    const { dropout = 0, dropPath = 0 } = options;
    const updates: Tensor[] = [];
    const outputs = model.apply(input('x', [batch, ...model.inputShape]), {
      batchNorm,
      noise: { seed: input('noise_seed', [2], 'u32'), dropout, dropPath },
      onStatistics: (name, stats, count) =>
        updates.push(updateRunningStats(model.parameters.tensor(name), stats, count, RUNNING_MOMENTUM)),
    });
    const loss = lossOf(kind, outputs, input('targets', outputs.shape));
    const { trainable, ...optimizing } = optimizingOf(model, options);
    const spec = { loss, outputs: [outputs], trainable, updates, precision, recompute, ...optimizing };
    return new Trainer(model, options, { step: await TrainStep.create(model.device, spec), loss, outputs });
  }

  /** Steps made, counted from 0. */
  get steps(): number {
    return this.made.step.step;
  }

  /** The learning rate where a step is given none. */
  get learningRate(): number {
    const { name, learningRate } = this.options.optimizer ?? DEFAULT_OPTIMIZER;
    return learningRate ?? LEARNING_RATE[name];
  }

  /**
   * Takes a step on a batch; returns at once.
   * @param x inputs [batch, ...]
   * @param y the class of each, or its targets [batch, K]
   */
  step(x: Numbers, y: Numbers, learningRate: number = this.learningRate): void {
    const { step, outputs } = this.made;
    this.noise.set([this.options.seed ?? 0, step.step]);
    const targets = targetsOf(this.options.loss ?? 'crossEntropy', y, outputs.shape);
    step.run({ x, targets, ...(step.program.hasInput('noise_seed') && { noise_seed: this.noise }) }, learningRate);
  }

  /** The mean loss over the batch of the last step, before the step changed anything. */
  async loss(): Promise<number> {
    return (await this.made.step.read(this.made.loss))[0];
  }

  /** The outputs [batch, K] of the last step, before it changed anything. */
  outputs(): Promise<Float32Array> {
    return this.made.step.read(this.made.outputs);
  }

  /** Whether the last step changed anything: not where its loss or a gradient was not finite. */
  changed(): Promise<boolean> {
    return this.made.step.changed();
  }

  /** The moments of the optimizer by name, for a checkpoint; `steps` belongs to it too. */
  state(): ReturnType<TrainStep['state']> {
    return this.made.step.state();
  }

  /** Goes on from a checkpoint: `steps` there, and what `state` gave. */
  restore(steps: number, state: ReadonlyMap<string, Float32Array>): void {
    this.made.step.restore(steps, state);
  }

  /** Gives back the memory of the step; the model is the caller's. */
  [Symbol.dispose](): void {
    this.made.step[Symbol.dispose]();
  }
}

const shown = (select: Select): string => (select instanceof RegExp ? String(select) : show(select));
const some = (names: readonly string[]): string =>
  `${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}`;

/** What is trained, and how, in the words of a TrainStep. */
function optimizingOf(model: Model, { optimizer = DEFAULT_OPTIMIZER, freeze = [] }: TrainerOptions) {
  checkOptions('optimizer', optimizer, { name: true, ...OPTIMIZERS.sgd, ...OPTIMIZERS.adamw } as never);
  checkOneOf('optimizer', 'name', optimizer.name ?? show(undefined), Object.keys(OPTIMIZERS));
  for (const name of Object.keys(optimizer))
    if (!Object.hasOwn(OPTIMIZERS[optimizer.name], name))
      throw new UserError(
        `optimizer: ${optimizer.name} has no ${name}${name === 'weightDecay' ? '; take adamw' : `; it has ${Object.keys(OPTIMIZERS[optimizer.name]).join(', ')}`}`,
      );
  const { name, learningRate, groups = [], ...constants } = optimizer;
  if (learningRate !== undefined) checkNumber('optimizer', 'learningRate', learningRate);
  const frozen = Array.isArray(freeze) ? (freeze as readonly Select[]) : [freeze as Select];
  const all = model.parameters.trainable();
  const selected = (select: Select) => {
    const found = all.filter((p) => isSelected(select, p.name));
    if (found.length === 0)
      throw new UserError(`no parameter is selected by ${shown(select)}; there are ${some(all.map((p) => p.name))}`);
    return found;
  };
  const idle = new Set(frozen.flatMap(selected));
  const trainable = all.filter((p) => !idle.has(p));
  if (trainable.length === 0) throw new UserError('all parameters are frozen: there is nothing to train');
  return {
    trainable,
    ...(name === 'sgd'
      ? { sgd: { ...DEFAULT_SGD, ...constants } }
      : { adam: { ...DEFAULT_ADAM, ...(name === 'adamw' && { weightDecay: 1e-2 }), ...constants } }),
    groups: groups.map(({ select, ...rest }) => ({
      parameters: selected(select).filter((p) => !idle.has(p)),
      ...rest,
    })),
  };
}
