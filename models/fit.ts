import { checkOptions, checkWhole, show, type Known } from '../engine/check.ts';
import { input } from '../engine/ops/leaves.ts';
import { compile, type Program } from '../engine/program/program.ts';
import { permutation, RandomStream } from '../engine/random.ts';
import type { Tensor } from '../engine/tensor.ts';
import { learningRateAt } from '../engine/train/schedule.ts';
import { UserError } from '../engine/user_error.ts';
import { packCheckpoint, unpackCheckpoint, type Values } from './checkpoint.ts';
import { requireModel, type Model } from './model.ts';
import { samplesOf, type Arrays, type Samples } from './samples.ts';
import { checkLoss, lossOf, targetsOf, Trainer, type Loss, type TrainerOptions } from './trainer.ts';

/** What an epoch gave. */
export interface EpochResult {
  /** From 1. */
  readonly epoch: number;
  /** The mean over the samples as they were met, each before its step. */
  readonly loss: number;
  /** Of the samples that are kept apart, after the epoch. */
  readonly validation?: Evaluation;
}

/** How well a model does on samples. */
export interface Evaluation {
  readonly loss: number;
  /** The share of samples whose class had the largest output, 0..1; absent where targets are no classes. */
  readonly accuracy?: number;
}

/** When and on what a model is trained; how, see TrainerOptions. */
export interface FitOptions extends Omit<TrainerOptions, 'batch'> {
  /** Arrays, or samples that are made when they are needed. */
  readonly data: Arrays | Samples;
  readonly epochs: number;
  /** Samples a step; 32 when absent, or all where there are fewer. */
  readonly batch?: number;
  /** Samples that are kept apart, on which each epoch is judged. */
  readonly validation?: Arrays | Samples;
  /** The learning rate over time: as it is (when absent), down to 0 along a cosine, or its factor at each step. */
  readonly schedule?: 'constant' | 'cosine' | ((step: number, steps: number) => number);
  /** Steps over which the learning rate grows from 0; 0 when absent. */
  readonly warmup?: number;
  /** Called after each epoch; `false` ends the training. */
  readonly onEpoch?: (result: EpochResult) => unknown;
  /** Ends after so many epochs without a lower validation loss, and goes back to the weights of the lowest. */
  readonly stopEarly?: { readonly patience: number };
  /** Given, after each epoch, all that the next one depends on: store the bytes where they survive. */
  readonly checkpoint?: (bytes: Uint8Array, epoch: number) => unknown;
  /** Goes on from a checkpoint of a training with the same options. */
  readonly resume?: Uint8Array;
}

/** All epochs, and the last of them or that of the lowest validation loss. */
export interface FitResult extends EpochResult {
  readonly epochs: readonly EpochResult[];
}

const FIT = {
  data: true,
  epochs: true,
  batch: true,
  validation: true,
  schedule: true,
  warmup: true,
  onEpoch: true,
  stopEarly: true,
  checkpoint: true,
  resume: true,
} as const;
const TRAINER = {
  optimizer: true,
  loss: true,
  freeze: true,
  batchNorm: true,
  seed: true,
  dropout: true,
  dropPath: true,
  precision: true,
  recompute: true,
} as const;
const OPTIONS: Known<FitOptions> = { ...FIT, ...TRAINER };
const DEFAULT_BATCH = 32;
/** Steps that run ahead of the one whose loss is read, so that the GPU need not wait. */
const AHEAD = 2;

/**
 * Trains a model for some epochs. Each sees all samples once, in an order that the seed decides; the last batch is
 * filled up from the beginning of that order. The same options give the same bits on the same adapter.
 * @throws UserError where the options are at fault, or no step of an epoch had a finite loss
 */
export async function fit(model: Model, options: FitOptions): Promise<FitResult> {
  requireModel('fit', model);
  checkOptions('fit', options, OPTIONS);
  const { epochs, batch = DEFAULT_BATCH, seed = 0, stopEarly, schedule = 'constant', loss = 'crossEntropy' } = options;
  checkWhole('fit', 'epochs', epochs, 1);
  checkWhole('fit', 'batch', batch, 1);
  if (schedule !== 'constant' && schedule !== 'cosine' && typeof schedule !== 'function')
    throw new UserError(`fit: schedule must be "constant", "cosine" or a function of the step, not ${show(schedule)}`);
  checkWhole('fit', 'warmup', options.warmup ?? 0);
  if (stopEarly) {
    checkOptions('fit: stopEarly', stopEarly, { patience: true });
    checkWhole('fit: stopEarly', 'patience', stopEarly.patience, 1);
    if (!options.validation) throw new UserError('fit: stopEarly needs samples to judge by; give validation');
  }
  const data = samplesOf('fit: data', options.data, model.inputShape);
  const judged = options.validation && samplesOf('fit: validation', options.validation, model.inputShape);
  const size = Math.min(batch, data.count);
  const kept = Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(TRAINER, name)));
  using trainer = await Trainer.create(model, { ...kept, batch: size });
  using judge = judged && new Evaluator(model, judged, size, loss);
  const rateAt = ratesOf(trainer.learningRate, options, epochs * Math.ceil(data.count / size));
  const results: EpochResult[] = [];
  let best: { readonly result: EpochResult; readonly weights: Values } | undefined;
  if (options.resume) {
    const { epochs: told, weights, steps, moments, best: lowest } = unpackCheckpoint(options.resume);
    model.parameters.write(weights, 'fit: the checkpoint');
    trainer.restore(steps, moments);
    results.push(...(told as unknown as EpochResult[]));
    if (lowest) best = { result: results[lowest.epoch - 1], weights: lowest.weights };
  }
  for (let epoch = results.length + 1; epoch <= epochs && !isStale(results, best?.result, stopEarly); epoch++) {
    const order = permutation(data.count, new RandomStream(seed, epoch));
    const trained = await trainEpoch(trainer, data, order, epoch - 1, rateAt);
    const validation = await judge?.evaluate();
    const result = { epoch, loss: trained, ...(validation && { validation }) };
    results.push(result);
    if (stopEarly && validation && validation.loss < (best?.result.validation?.loss ?? Infinity))
      best = { result, weights: await model.parameters.read() };
    await options.checkpoint?.(await checkpointOf(model, trainer, results, best), epoch);
    if ((await options.onEpoch?.(result)) === false) break;
  }
  if (best) model.parameters.write(best.weights, 'fit');
  return { ...(best?.result ?? results[results.length - 1]), epochs: results };
}

/** Whether the validation loss was not lower for as many epochs as patience allows. */
const isStale = (results: readonly EpochResult[], best: EpochResult | undefined, stopEarly: FitOptions['stopEarly']) =>
  stopEarly !== undefined && best !== undefined && results.length - best.epoch >= stopEarly.patience;

function ratesOf(learningRate: number, { schedule = 'constant', warmup = 0 }: FitOptions, totalSteps: number) {
  const kind = typeof schedule === 'function' ? 'constant' : schedule;
  return (step: number): number => {
    const rate = learningRateAt({ kind, learningRate, warmupSteps: warmup, totalSteps }, step);
    return typeof schedule === 'function' ? rate * schedule(step, totalSteps) : rate;
  };
}

/** One epoch; its mean loss. */
async function trainEpoch(
  trainer: Trainer,
  data: Samples,
  order: Uint32Array,
  seen: number,
  rateAt: (step: number) => number,
): Promise<number> {
  const { batch } = trainer.options;
  const losses: Promise<number>[] = [];
  for (let start = 0; start < order.length; start += batch) {
    const indices = Array.from({ length: batch }, (_, i) => order[(start + i) % order.length]);
    const { x, y } = await data.at(indices, seen);
    trainer.step(x, y, rateAt(trainer.steps));
    losses.push(trainer.loss());
    await losses[losses.length - 1 - AHEAD];
  }
  const finite = (await Promise.all(losses)).filter(Number.isFinite);
  if (finite.length === 0)
    throw new UserError(
      `fit: no step of epoch ${seen + 1} has a finite loss; give a lower learning rate, clipNorm, or data without NaN`,
    );
  return finite.reduce((a, b) => a + b) / finite.length;
}

async function checkpointOf(
  model: Model,
  trainer: Trainer,
  epochs: readonly EpochResult[],
  best: { readonly result: EpochResult; readonly weights: Values } | undefined,
): Promise<Uint8Array> {
  return packCheckpoint({
    epochs: JSON.parse(JSON.stringify(epochs)),
    steps: trainer.steps,
    weights: await model.parameters.read(),
    moments: await trainer.state(),
    ...(best && { best: { epoch: best.result.epoch, weights: best.weights } }),
  });
}

/** How a model is judged. */
export interface EvaluateOptions {
  /** `crossEntropy` when absent. */
  readonly loss?: Loss;
  /** Samples at a time; 64 when absent. */
  readonly batch?: number;
}

/** The loss of a model on samples, and of classes how many it tells rightly. */
export async function evaluate(
  model: Model,
  data: Arrays | Samples,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  requireModel('evaluate', model);
  checkOptions('evaluate', options, { loss: true, batch: true });
  model.requireOpen('evaluate');
  const { loss = 'crossEntropy', batch = 64 } = options;
  checkLoss('evaluate', loss);
  checkWhole('evaluate', 'batch', batch, 1);
  using evaluator = new Evaluator(model, samplesOf('evaluate: data', data, model.inputShape), batch, loss);
  return await evaluator.evaluate();
}

/** Judges a model on the same samples again and again. The last batch may be smaller: it has a program of its own. */
class Evaluator implements Disposable {
  private readonly programs = new Map<number, { program: Program; outputs: Tensor; loss: Tensor }>();

  constructor(
    private readonly model: Model,
    private readonly samples: Samples,
    private readonly batch: number,
    private readonly loss: Loss,
  ) {}

  private async program(size: number) {
    const outputs = this.model.apply(input('x', [size, ...this.model.inputShape]));
    const loss = lossOf(this.loss, outputs, input('targets', outputs.shape));
    const made = { program: await compile(this.model.device, { outputs: [loss, outputs] }), outputs, loss };
    this.programs.set(size, made);
    return made;
  }

  async evaluate(): Promise<Evaluation> {
    const { count } = this.samples;
    let [total, right] = [0, 0];
    let areClasses = this.loss === 'crossEntropy';
    for (let start = 0; start < count; start += this.batch) {
      const indices = Array.from({ length: Math.min(this.batch, count - start) }, (_, i) => start + i);
      const size = indices.length;
      const { program, outputs, loss } = this.programs.get(size) ?? (await this.program(size));
      const { x, y } = await this.samples.at(indices, 0);
      const known = targetsOf(this.loss, y, outputs.shape, start);
      program.run({ x, targets: known });
      const [[mean], rows] = await Promise.all([program.read(loss), program.read(outputs)]);
      total += mean * size;
      areClasses &&= outputs.shape.length === 2 && outputs.shape[1] > 1;
      const width = outputs.size / size;
      for (let i = 0; areClasses && i < size; i++)
        right += Number(largest(rows, i * width, width) === largest(known, i * width, width));
    }
    return { loss: total / count, ...(areClasses && { accuracy: right / count }) };
  }

  [Symbol.dispose](): void {
    for (const { program } of this.programs.values()) program[Symbol.dispose]();
  }
}

/** The place of the largest of `width` numbers from `start` on. */
function largest(values: Float32Array, start: number, width: number): number {
  let best = 0;
  for (let k = 1; k < width; k++) if (values[start + k] > values[start + best]) best = k;
  return best;
}
