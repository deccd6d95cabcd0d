import { grad } from '../../engine/autodiff.ts';
import { parameterOf } from '../../engine/device/parameter.ts';
import { compile, type MemoryNeed } from '../../engine/program/program.ts';
import { MEMORY_LEVELS } from '../../engine/program/recompute.ts';
import { RandomStream, permutation } from '../../engine/random.ts';
import { learningRateAt } from '../../engine/train/schedule.ts';
import { DEFAULT_ADAM, TrainStep } from '../../engine/train/train_step.ts';
import { topologicalOrder, type Tensor } from '../../engine/tensor.ts';
import { belongsTo, segmentsBetween } from '../../models/network.ts';
import type { Learner } from './learner.ts';
import type { PhaseOptions } from './options.ts';
import { Predictor } from '../answer/predictor.ts';
import type { Feeds, SampleSource } from './sample_source.ts';
import { trainingGraph } from './training_graph.ts';

/** A stretch of training: which part of the network, on which samples, for how long. */
export interface PhaseSpec extends PhaseOptions {
  /** Counted from 1; numbers the streams of random draws too. */
  readonly number: number;
  readonly title: string;
  /** The segment whose output the samples are; undefined: images. */
  readonly after: string | undefined;
  readonly source: SampleSource;
}

/** What a step gave. */
export interface StepResult {
  readonly loss: number;
  /** Sum over the images seen. */
  readonly marks: number;
  readonly seen: number;
  /** False where the loss or a gradient was not finite: the step left everything as it was. */
  readonly changed: boolean;
}

/** What a phase computes, and the programs that do: see TrainingGraph. */
interface Made {
  readonly trainStep: TrainStep;
  readonly predictor: Predictor;
  readonly loss: Tensor;
  readonly scores: Tensor;
  /** What is trained. */
  readonly weights: readonly Tensor[];
}

const allFinite = (values: ArrayLike<number>) => Array.prototype.every.call(values, Number.isFinite);

/** One phase made runnable: its training program and its predictor for validation. */
export class Phase implements Disposable {
  private readonly targets: Float32Array;
  private readonly noiseSeed = new Uint32Array(2);

  private constructor(
    private readonly learner: Learner,
    readonly spec: PhaseSpec,
    private readonly made: Made,
  ) {
    this.targets = new Float32Array(made.scores.size);
  }

  /** @param onMemory hears what a step takes on the adapter, before it is taken */
  static async create(learner: Learner, spec: PhaseSpec, onMemory?: (need: MemoryNeed) => void): Promise<Phase> {
    const {
      device,
      task,
      model: { network },
      parameters,
      options,
    } = learner;
    const segments = segmentsBetween(network, spec.after);
    const { scores, loss, updates } = trainingGraph(
      segments,
      spec.source.input(options.batch),
      task,
      parameters,
      options,
    );
    const trainable = parameters.trainable(belongsTo(segments));
    const trainStep = await TrainStep.create(device, {
      loss,
      outputs: [scores],
      trainable,
      updates,
      adam: { ...DEFAULT_ADAM, weightDecay: options.weightDecay, clipNorm: options.clip ?? undefined },
      recompute: MEMORY_LEVELS[options.memory ?? 'full'],
      precision: options.precision,
      onMemory,
    });
    try {
      const x = spec.source.input(options.batch);
      const predictor = await Predictor.create(device, { network, parameters, task }, x, spec.after);
      const weights = trainable.map(({ tensor }) => tensor);
      return new Phase(learner, spec, { trainStep, predictor, loss, scores, weights });
    } catch (error) {
      trainStep[Symbol.dispose]();
      throw error;
    }
  }

  get trainStep(): TrainStep {
    return this.made.trainStep;
  }

  get stepsPerEpoch(): number {
    return Math.ceil(this.learner.prepared.train.length / this.learner.options.batch);
  }

  /**
   * The batches of an epoch: positions in the training list. The last batch is filled up from the beginning of the same
   * order.
   */
  batches(epoch: number): number[][] {
    const { batch, seed } = this.learner.options;
    const order = permutation(this.learner.prepared.train.length, new RandomStream(seed, this.spec.number, epoch));
    return Array.from({ length: this.stepsPerEpoch }, (_, s) =>
      Array.from({ length: batch }, (_, i) => order[(s * batch + i) % order.length]),
    );
  }

  learningRate(step: number): number {
    const { schedule, warmup } = this.learner.options;
    return learningRateAt(
      {
        kind: schedule,
        learningRate: this.spec.learningRate,
        warmupSteps: warmup,
        totalSteps: this.stepsPerEpoch * this.spec.epochs,
      },
      step,
    );
  }

  samples(positions: readonly number[], epoch: number): Promise<Feeds> {
    return this.spec.source.train(positions, epoch);
  }

  private feeds(positions: readonly number[], samples: Feeds, total: number): Feeds {
    const { targets, noiseSeed } = this;
    const { prepared, options } = this.learner;
    positions.forEach((p, i) => targets.set(prepared.target(prepared.train[p]), i * this.made.predictor.width));
    noiseSeed.set([options.seed, this.spec.number * 2 ** 24 + total]);
    return { ...samples, targets, ...(this.trainStep.program.hasInput('noise_seed') && { noise_seed: noiseSeed }) };
  }

  /**
   * Where a step first made a value that is not finite, forwards or backwards: such a step changes nothing, so it can
   * be repeated.
   */
  async diagnose(positions: readonly number[], samples: Feeds, total: number): Promise<string> {
    const { loss, weights } = this.made;
    const gradients = grad(loss, weights);
    using program = await compile(this.learner.device, {
      outputs: [loss, ...gradients],
      keep: 'all',
      precision: this.learner.options.precision,
    });
    program.run(this.feeds(positions, samples, total));
    const tensors = program.steps.map(({ tensor }) => tensor);
    const forwards = new Set(topologicalOrder([loss]));
    for (const [i, tensor] of tensors.entries()) {
      // A layer's name is on what it gives: the next named tensor. A gradient's layer is that of what it is made from.
      const named = forwards.has(tensor) ? tensors.slice(i) : tensor.inputs;
      const layer = named.find(({ name }) => name !== undefined)?.name ?? 'loss';
      for (const operand of tensor.inputs) {
        const parameter = parameterOf(operand);
        if (parameter && !allFinite(await parameter.read()))
          return `${parameter.name} in layer ${layer} holds values that are not finite`;
      }
      if (!allFinite(await program.read(tensor)))
        return `the first value that is not finite is ${forwards.has(tensor) ? '' : 'a gradient '}in layer ${layer} (${tensor})`;
    }
    return 'the step repeated is finite';
  }

  /** One step on these samples. `total` counts the steps of the phase from 0. */
  async train(positions: readonly number[], samples: Feeds, total: number): Promise<StepResult> {
    const { prepared, task } = this.learner;
    const { width } = this.made.predictor;
    this.trainStep.run(this.feeds(positions, samples, total), this.learningRate(total));
    const [[loss], scores, changed] = await Promise.all([
      this.trainStep.read(this.made.loss),
      this.trainStep.read(this.made.scores),
      this.trainStep.changed(),
    ]);
    const marks = positions.reduce(
      (sum, p, i) =>
        sum + prepared.mark(task.prediction(scores.subarray(i * width, (i + 1) * width)), prepared.train[p]),
      0,
    );
    return { loss, marks, seen: positions.length, changed };
  }

  /** The mean loss and the mean mark of the validation images as they are. */
  async validate(): Promise<{ loss: number; mark: number }> {
    const { prepared } = this.learner;
    const { predictor } = this.made;
    const n = prepared.validation.length;
    const predictions = await predictor.predict({
      count: n,
      feeds: (positions) => this.spec.source.validation(positions),
      nameOf: (position) => `validation of image ${prepared.dataset.examples[prepared.validation[position]].id}`,
    });
    let loss = 0;
    let marks = 0;
    prepared.validation.forEach((example, i) => {
      const row = predictions.subarray(i * predictor.width, (i + 1) * predictor.width);
      loss += prepared.loss(row, example) / n;
      marks += prepared.mark(row, example);
    });
    return { loss, mark: marks / n };
  }

  [Symbol.dispose](): void {
    this.trainStep[Symbol.dispose]();
    this.made.predictor[Symbol.dispose]();
  }
}
