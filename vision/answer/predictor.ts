import type { Device } from '../../engine/device/device.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { applySegments, segmentsBetween, type Network } from '../../models/network.ts';
import type { ParameterSet, ParameterSource } from '../../models/parameter_set.ts';
import type { Dataset, Example } from '../data/dataset.ts';
import { UserError } from '../../engine/user_error.ts';
import { imageInput, plainViews, type ViewMaker } from '../view/views.ts';
import { runBatches, type Samples } from './batches.ts';
import type { Progress } from '../progress.ts';
import type { Task } from '../train/task.ts';

/** How a row of the network's last layer becomes a prediction. */
type Head = Pick<Task, 'scores' | 'prediction'>;

/** A network with its weights, and what its last layer stands for. */
interface Answerer {
  readonly network: Network;
  readonly parameters: ParameterSource;
  readonly task: Head;
}

/** A network from some place on to its predictions, for inference, in batches of a fixed size. */
export class Predictor implements Disposable {
  private constructor(
    private readonly program: Program,
    private readonly scores: Tensor,
    private readonly head: Head,
    /** Numbers in a prediction. */
    readonly width: number,
  ) {}

  /** @param after the segment whose output `x` is; undefined: x is an image batch */
  static async create(
    device: Device,
    { network, parameters, task }: Answerer,
    x: Tensor,
    after?: string,
  ): Promise<Predictor> {
    const scores = task.scores(applySegments(segmentsBetween(network, after), x, { parameters, batchNorm: 'running' }));
    return new Predictor(await compile(device, { outputs: [scores] }), scores, task, scores.shape[1]);
  }

  /**
   * Predictions [n, width] of n samples. Throws a UserError with the name of a sample whose scores are not finite.
   */
  async predict(samples: Samples, onProgress?: (done: number) => void): Promise<Float64Array> {
    const { width } = this;
    const result = new Float64Array(samples.count * width);
    for await (const { start, count, rows } of runBatches(this.program, this.scores, samples)) {
      for (let i = 0; i < count; i++)
        result.set(this.head.prediction(rows.subarray(i * width, (i + 1) * width)), (start + i) * width);
      onProgress?.(start + count);
    }
    return result;
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
  }
}

/** Images at a time; together with the views of each it bounds the memory of a prediction. */
export const BATCH = 8;

/** A network that answers for images: what it is, what it was trained for, and how it is shown them. */
export interface Answering extends Answerer {
  readonly parameters: ParameterSet;
  readonly views: ViewMaker;
}

/** Predictions [n, K] of images as the network sees them, each averaged over its first `tta` plain views. */
export async function predictExamples(
  device: Device,
  answering: Answering,
  examples: readonly number[],
  tta: number,
  progress: Progress,
): Promise<Float64Array> {
  const { views } = answering;
  using predictor = await Predictor.create(device, answering, imageInput(BATCH, views.side, views.geometry));
  return await predictWith(predictor, views, examples, tta, progress);
}

/** The same with a predictor of images that is there already. */
export async function predictWith(
  predictor: Predictor,
  views: ViewMaker,
  examples: readonly number[],
  tta: number,
  progress: Progress,
): Promise<Float64Array> {
  const { width } = predictor;
  const most = plainViews(views.geometry).length;
  if (tta > most)
    throw new UserError(
      `--tta ${tta}: images that have an up are seen in ${most} views, as they are and mirrored; give 1 or ${most}`,
    );
  // All views of an image together, so that each image is decoded once.
  const n = examples.length * tta;
  progress.start('predicting', examples.length);
  const viewAt = (i: number) => views.plain(examples[Math.floor(i / tta)], i % tta);
  const all = await predictor.predict(
    {
      count: n,
      feeds: (positions) => views.feeds(positions.map(viewAt)),
      nameOf: (position) => views.nameOf(viewAt(position).example),
    },
    (done) => progress.tick(Math.floor(done / tta)),
  );
  progress.end();
  const result = new Float64Array(examples.length * width);
  all.forEach((p, i) => (result[Math.floor(i / (tta * width)) * width + (i % width)] += p / tta));
  return result;
}

/** How images are predicted: rows [n, K]. */
export type Predict = (examples: readonly number[], tta: number, progress: Progress) => Promise<Float64Array>;

/** A network and the labelled images that it is judged on. */
export interface Examination<E extends Example = Example> extends Answering {
  readonly task: Head & Pick<Task, 'outputs'>;
  /** Where others answer with the network: what they say together. It is still the network alone that is explained. */
  readonly predict?: Predict;
  readonly dataset: Dataset<E>;
  /** Indices into the dataset. */
  readonly examples: readonly number[];
  /** Plain views over which each image's predictions are averaged: 1 to 16. */
  readonly tta: number;
  /** What the images are, as a phrase: `the validation split, which took no part in training`. */
  readonly measuredOn: string;
}

/** The answers of an examination: the network's, or what it says together with others. */
export function answersOf(device: Device, examination: Examination, progress: Progress): Promise<Float64Array> {
  const { examples, tta, predict } = examination;
  return predict ? predict(examples, tta, progress) : predictExamples(device, examination, examples, tta, progress);
}

/** What predictions were measured on, and over how many views each was averaged, as a phrase. */
export function measurement({ measuredOn, tta, views }: Examination): string {
  if (tta === 1) return measuredOn;
  if (plainViews(views.geometry).length === 2)
    return `${measuredOn}, each image averaged over itself and its mirror image`;
  return `${measuredOn}, each image averaged over ${tta <= 8 ? `${tta} symmetries of the square` : `${tta} views: the symmetries of the square, upright and at 45 degrees`}`;
}
