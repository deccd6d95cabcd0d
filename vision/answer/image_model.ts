import { checkOptions, checkWhole, show } from '../../engine/check.ts';
import type { Device } from '../../engine/device/device.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { packModel } from '../../models/formats/model_file.ts';
import type { Network } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import type { Dataset } from '../data/dataset.ts';
import type { FileReader } from '../data/file_reader.ts';
import { nameOf, rgbOf, type Picture } from '../data/picture.ts';
import { SILENT } from '../progress.ts';
import type { Task } from '../train/task.ts';
import { imageInput, plainViews, type ViewMaker } from '../view/views.ts';
import { predictionRecord, type PredictionRecord } from './prediction_record.ts';
import { runBatches, type Samples } from './batches.ts';
import { BATCH, Predictor, predictWith } from './predictor.ts';
import { viewsFor, type StoredModel } from './stored_model.ts';

/** How an ImageModel is asked. */
export interface PredictOptions {
  /** Views of each image over which its prediction is averaged, as `--tta` of the command line; 1 when absent. */
  readonly tta?: number;
}

/** What an ImageModel is made of. */
interface Parts {
  readonly stored: StoredModel;
  /** Absent where the file holds bare weights. */
  readonly task?: Task;
  /** What errors call the file. */
  readonly source: string;
  readonly reader: FileReader;
}

/** A network for images on a device, as `loadModel` gives it: it predicts what it was trained for. */
export class ImageModel implements Disposable {
  /** The network as a chain of segments: `gradCam` and `applySegments` take it. */
  readonly network: Network;
  readonly parameters: ParameterSet;
  /** What the outputs stand for, in their order; empty for bare weights. */
  readonly classes: readonly string[];
  /** What was assumed or left out when the file was read, a sentence each. */
  readonly notes: readonly string[];
  private readonly predictors = new Map<number, Promise<Predictor>>();
  private readonly open: Predictor[] = [];
  private closed = false;

  constructor(
    private readonly device: Device,
    private readonly parts: Parts,
  ) {
    const { built, classes } = parts.stored;
    this.network = built.network;
    this.classes = classes;
    this.notes = built.notes;
    this.parameters = new ParameterSet(device, built.network.specs, built.weights, 0);
  }

  /** Side in pixels of the square that the network is given. */
  get size(): number {
    return this.parts.stored.size;
  }

  /**
   * What the network says of each picture: of a classifier the probability of each class and the likeliest; of other
   * tasks fractions or values. These are the numbers of `tuningfork predict --json`.
   * @throws UserError where a picture cannot be decoded, or the file that was loaded holds no classes
   */
  async predict(pictures: readonly Picture[], options: PredictOptions = {}): Promise<PredictionRecord[]> {
    checkOptions('predict', options, { tta: true });
    const { stored, source, task } = this.parts;
    const dataset = this.datasetOf('predict', pictures);
    if (!task) throw new UserError(`predict: ${source} holds weights without classes; train it first`);
    const views = viewsFor(stored, dataset);
    const { tta = 1 } = options;
    checkWhole('predict', 'tta', tta, 1, plainViews(views.geometry).length);
    if (pictures.length === 0) return [];
    const predictor = await this.predictor(task, views, pictures.length * tta === 1 ? 1 : BATCH);
    const rows = await predictWith(predictor, views, [...pictures.keys()], tta, SILENT);
    const { width } = predictor;
    return dataset.examples.map(({ id }, i) => predictionRecord(id, task, rows.subarray(i * width, (i + 1) * width)));
  }

  /**
   * What the network is given for these pictures, [N, size, size, 3] one after another: to train it further by
   * `fit`, or to explain what it says of them.
   * @throws UserError where a picture cannot be decoded
   */
  async inputs(pictures: readonly Picture[]): Promise<Float32Array> {
    const views = viewsFor(this.parts.stored, this.datasetOf('inputs', pictures));
    const { side, geometry } = views;
    const batch = Math.min(pictures.length, BATCH);
    if (batch === 0) return new Float32Array();
    const x = imageInput(batch, side, geometry);
    using program = await compile(this.device, { outputs: [x] });
    const inputs = new Float32Array((pictures.length * x.size) / batch);
    const samples: Samples = {
      count: pictures.length,
      feeds: (positions) => views.feeds(positions.map((example) => views.plain(example))),
      nameOf: (position) => views.nameOf(position),
    };
    for await (const { start, rows } of runBatches(program, x, samples)) inputs.set(rows, (start * x.size) / batch);
    return inputs;
  }

  /** Pictures as a dataset. @throws UserError where they are no list of them */
  private datasetOf(what: string, pictures: readonly Picture[]): Dataset {
    if (!Array.isArray(pictures)) throw new UserError(`${what}: it takes a list of pictures, not ${show(pictures)}`);
    if (this.closed) throw new UserError(`${what}: the model is used after it was disposed`);
    const { stored, reader } = this.parts;
    return {
      name: 'the pictures',
      examples: pictures.map((picture, i) => ({ id: nameOf(picture, `picture ${i}`) })),
      notes: [],
      load: (i) => rgbOf(pictures[i], `picture ${i}`, reader, stored.stretch),
      close: async () => undefined,
    };
  }

  private predictor(task: Task, views: ViewMaker, batch: number): Promise<Predictor> {
    const made = this.predictors.get(batch) ?? this.makePredictor(task, views, batch);
    this.predictors.set(batch, made);
    return made;
  }

  private async makePredictor(task: Task, { side, geometry }: ViewMaker, batch: number): Promise<Predictor> {
    const { network, parameters } = this;
    const made = await Predictor.create(this.device, { network, parameters, task }, imageInput(batch, side, geometry));
    this.open.push(made);
    if (this.closed) made[Symbol.dispose]();
    return made;
  }

  /** The bytes of a model file with the weights as they are now: what `loadModel` and the command line read. */
  async save(): Promise<Uint8Array> {
    const { file } = this.parts.stored;
    if (!file)
      throw new UserError(
        `${this.parts.source} holds bare weights, of which no model file can be made; train it first`,
      );
    return packModel({ ...file, weights: await this.parameters.read() });
  }

  /** Gives back the memory of the weights and of the programs. */
  [Symbol.dispose](): void {
    this.closed = true;
    for (const predictor of this.open) predictor[Symbol.dispose]();
    this.parameters[Symbol.dispose]();
  }
}
