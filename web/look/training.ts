import type { Device } from '../../engine/device/device.ts';
import { UserError } from '../../engine/user_error.ts';
import { parseSynthetic, syntheticDataset } from '../../galaxies/synthetic.ts';
import { taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import type { TrainOptions } from '../../vision/train/options.ts';
import { Phase } from '../../vision/train/phase.ts';
import { ImageSource } from '../../vision/train/sample_source.ts';
import type { Prepared, Task } from '../../vision/train/task.ts';
import { trainedModel } from '../../vision/train/trained_model.ts';
import { DEFAULT_AUGMENTATION } from '../../vision/view/view.ts';
import { ViewMaker } from '../../vision/view/views.ts';
import { buildModel, type BuiltModel } from '../../models/build_network.ts';
import { packModel, type Model } from '../../models/formats/model_file.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { DeviceKeeper, type DeviceNews } from '../common/device_keeper.ts';

/** A training of a minute or two without a GPU: the small VGG on few drawn galaxies of few pixels. */
export const PAGE_TRAINING: TrainOptions<TaskChoice> = {
  task: { name: 'smooth-or-featured', threshold: 0.6, softLabels: false, labelSmoothing: 0 },
  data: 'synthetic:240',
  model: 'vgg_small',
  weights: null,
  skipBad: false,
  seed: 1,
  valFraction: 0.2,
  trainOnly: null,
  size: 48,
  crop: 212,
  batch: 16,
  views: 1,
  tta: 1,
  augmentation: DEFAULT_AUGMENTATION,
  head: { epochs: 0, learningRate: 0 },
  tune: { epochs: 10, learningRate: 2e-3 },
  unfreeze: 1,
  batchNorm: 'batch',
  schedule: 'cosine',
  warmup: 0,
  weightDecay: 0,
  clip: null,
  dropout: 0.2,
  dropPath: 0,
  patience: null,
  keep: 'last',
  checkpointSteps: 1,
};

/** Where a training stands after a step. */
export interface TrainingNews {
  /** Steps made, from 1, of how many. */
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly epochs: number;
  /** The mean over the galaxies of this step. */
  readonly loss: number;
  /** Of the galaxies kept apart, after the last step of an epoch: their mean loss and the task's figure. */
  readonly validation?: { readonly loss: number; readonly figure: string; readonly value: number };
}

/** What a training needs to go on on another device. */
interface Kept {
  readonly step: number;
  readonly weights: Model['weights'];
  readonly adamStep: number;
  readonly moments: ReadonlyMap<string, Float32Array>;
}

/** The program of a step, on a device; knows which step is next. */
class TrainingSession implements Disposable {
  constructor(
    readonly parameters: ParameterSet,
    readonly phase: Phase,
    public step: number,
  ) {}

  [Symbol.dispose](): void {
    this.phase[Symbol.dispose]();
    this.parameters[Symbol.dispose]();
  }
}

/**
 * Trains a network a step at a time, so that whoever asks can stop between any two. What a lost device took is made
 * again from the epoch's beginning.
 */
export class Training {
  private readonly task: Task;
  private readonly model: BuiltModel;
  private readonly prepared: Prepared;
  private readonly source: ImageSource;
  private readonly keeper: DeviceKeeper<TrainingSession>;
  private kept: Kept | undefined;

  constructor(
    private readonly options: TrainOptions<TaskChoice>,
    tell: (news: DeviceNews) => void,
    open?: () => Promise<Device>,
  ) {
    const { count, seed } = parseSynthetic(options.data)!;
    const dataset = syntheticDataset(count, seed);
    this.task = taskOf(options.task);
    this.model = buildModel(options.model, this.task.outputs.length);
    this.prepared = this.task.prepare(dataset, options);
    const views = new ViewMaker(
      dataset,
      { size: options.size, crop: options.crop, normalisation: this.model.preprocessing },
      options.augmentation,
      options.seed,
      count,
    );
    this.source = new ImageSource(this.prepared, views);
    this.keeper = new DeviceKeeper((device) => this.begin(device), tell, open);
  }

  private async begin(device: Device): Promise<TrainingSession> {
    const { kept, model, options } = this;
    const weights = new Map([...(kept?.weights ?? [])].map(([name, { data }]) => [name, data]));
    const parameters = new ParameterSet(device, model.network.specs, weights, options.seed);
    const spec = { number: 1, title: 'training', after: undefined, source: this.source, ...options.tune };
    const { task, prepared } = this;
    const phase = await Phase.create({ device, task, model, parameters, prepared, options }, spec);
    if (kept) phase.trainStep.restore(kept.adamStep, kept.moments);
    return new TrainingSession(parameters, phase, kept?.step ?? 0);
  }

  /** Makes the next step; undefined where the last one was made. */
  next(): Promise<TrainingNews | undefined> {
    return this.keeper.use(async (session) => {
      const { phase } = session;
      const perEpoch = phase.stepsPerEpoch;
      const { epochs } = this.options.tune;
      if (session.step === perEpoch * epochs) return undefined;
      const epoch = Math.floor(session.step / perEpoch);
      const positions = phase.batches(epoch)[session.step % perEpoch];
      const { loss } = await phase.train(positions, await phase.samples(positions, epoch), session.step);
      if (!Number.isFinite(loss))
        throw new UserError(`the loss became ${loss} in step ${session.step + 1}: the training cannot go on`);
      session.step++;
      const news = { step: session.step, steps: perEpoch * epochs, epoch: epoch + 1, epochs, loss };
      if (session.step % perEpoch !== 0) return news;
      const validation = await phase.validate();
      const { name, of } = this.task.figure;
      await this.keep(session);
      return { ...news, validation: { loss: validation.loss, figure: name, value: of(validation.mark) } };
    });
  }

  private async keep({ step, parameters, phase: { trainStep } }: TrainingSession): Promise<Kept> {
    const moments = new Map([...(await trainStep.state())].map(([name, { data }]) => [name, data]));
    return (this.kept = { step, weights: await parameters.read(), adamStep: trainStep.step, moments });
  }

  /** The model file of what was learnt so far. */
  async pack(): Promise<Uint8Array> {
    const { weights } = await this.keeper.use((session) => this.keep(session));
    return packModel(trainedModel(this.task, this.model, weights, this.options));
  }

  lose(): Promise<void> {
    return this.keeper.lose();
  }

  close(): Promise<void> {
    return this.keeper.close();
  }
}
