import type { Device } from '../../engine/device/device.ts';
import { input } from '../../engine/ops/leaves.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Votes } from '../../galaxies/galaxy.ts';
import { gradientImage, gradientPeak, overlayHeatmap } from '../../vision/report/pictures.ts';
import { cropResize } from '../../vision/view/resample.ts';
import { readModel, type StoredModel } from '../../vision/answer/stored_model.ts';
import { DEFAULT_TASK, storedTask, taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { plainPicture } from '../../vision/answer/draw.ts';
import type { Faithfulness } from '../../vision/answer/asked/faithfulness.ts';
import type { Explainer } from '../../vision/answer/explain.ts';
import { measureMaps } from '../../vision/answer/measure_maps.ts';
import { TRAITS, type Method } from '../../vision/answer/methods.ts';
import { costOf, planModel, type ModelCost } from '../../vision/train/model_cost.ts';
import { predictWith } from '../../vision/answer/predictor.ts';
import { SILENT } from '../../vision/progress.ts';
import { predictionRecord, type PredictionRecord } from '../../vision/answer/prediction_record.ts';
import { buildModel } from '../../models/build_network.ts';
import { imageLayers, layerTable, type LayerRow } from '../../models/layer_table.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { DeviceKeeper, type DeviceNews } from '../common/device_keeper.ts';
import { Album } from './album.ts';
import { LookSession } from './look_session.ts';
import { rgba, type Picture } from './picture.ts';

/** What the page says of the model that it looks through. */
export interface ModelFacts {
  readonly name: string;
  readonly file: string;
  readonly task: TaskChoice['name'];
  readonly classes: readonly string[];
  readonly size: number;
  readonly crop: number;
  /** To which the shorter side of an image is scaled first; absent: not at all. */
  readonly shortSide?: number;
  /** The layers that a map can be drawn at, first to last, by name; the shape is that of one image. */
  readonly layers: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** The index of the layer that Grad-CAM looks at where nothing else is said. */
  readonly lastConv: number;
}

export interface Thumbnail {
  readonly index: number;
  readonly id: string;
  readonly picture: Picture;
  /** What volunteers would say; null for images of the user's. */
  readonly votes: Votes | null;
}

/** What the page asks about an image. */
export interface Question {
  /** Counts up: a question that is stopped is named by it. */
  readonly number: number;
  readonly image: number;
  readonly method: Method;
  readonly layer: string;
  /** The output that is explained. */
  readonly explained: number;
}

/** How far a question is that runs the network often. */
export interface AskingNews {
  readonly question: number;
  readonly done: number;
  readonly total: number;
}

/** What ends a question that was stopped. */
class Stopped extends Error {}

export interface Explanation {
  /** The map alone, as large as the picture beside it. */
  readonly picture: Picture;
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
  /** The number that the brightest colour stands for: the map's largest, or `gradientPeak`. */
  readonly peak: number;
  /** Bytes on the adapter: of this program, and of all that the page holds there. */
  readonly memory: { readonly program: number; readonly all: number; readonly programs: number };
}

export interface Inspected extends ModelCost {
  readonly adapter: string;
  readonly rows: readonly LayerRow[];
}

const THUMBNAIL = 96;
/** Side of the pictures that are looked at closely. */
const CLOSE = 320;

/** What the worker of the page does, without the worker: a model, galaxies, and a device that may be lost. */
export class Look {
  readonly album = new Album();
  private model: (StoredModel<TaskChoice> & { readonly name: string }) | undefined;
  private readonly keeper: DeviceKeeper<LookSession | EmptySession>;
  /** Questions up to this one are stopped. */
  private stopped = -1;
  /** Told how far a long question is. */
  onAsking: (news: AskingNews) => void = () => {};

  constructor(tell: (news: DeviceNews) => void, open?: () => Promise<Device>) {
    this.keeper = new DeviceKeeper(
      async (device) => (this.model ? new LookSession(device, this.model, this.album) : new EmptySession()),
      tell,
      open,
    );
  }

  /** Looks through another model from now on. Where the file is none, the one before stays. */
  async load(bytes: Uint8Array, name: string): Promise<ModelFacts> {
    const model = await readModel(bytes, name, storedTask);
    if (!model.task)
      throw new UserError(
        `${name} holds weights without classes: there is nothing to predict with it; train it first by \`tuningfork train --weights\`, and give the model.safetensors that comes of it`,
      );
    const before = this.model;
    await this.keeper.close();
    this.model = { ...model, name };
    try {
      return await this.facts();
    } catch (error) {
      await this.keeper.close();
      this.model = before;
      throw error instanceof UserError ? new UserError(`${name} cannot be used: ${error.message}`) : error;
    }
  }

  private async facts(): Promise<ModelFacts> {
    const {
      name: file,
      built: { network },
      task,
      classes,
      size,
      crop,
      shortSide,
    } = this.requireModel();
    const layers = await this.keeper.use(async (session) =>
      imageLayers(layerTable(network, (session as LookSession).answering.parameters, input('x', [1, size, size, 3]))),
    );
    return {
      name: network.name,
      file,
      task: task!.name,
      classes,
      size,
      crop: crop ?? 212,
      ...(shortSide !== undefined && { shortSide }),
      layers: layers.map(({ names, shape }) => ({ name: names[names.length - 1], shape: shape.slice(1) })),
      lastConv: layers.findIndex(({ names }) => names.includes(network.lastConv)),
    };
  }

  private requireModel() {
    if (!this.model) throw new UserError('there is no model yet: load one, or train one here');
    return this.model;
  }

  async thumbnail(index: number): Promise<Thumbnail> {
    const { id, votes } = this.album.examples[index];
    return { index, id, votes, picture: rgba(cropResize(await this.album.load(index), { crop: 1, size: THUMBNAIL })) };
  }

  /** The galaxy as the network sees it, larger. */
  async picture(index: number): Promise<Picture> {
    const { crop, shortSide } = this.model ?? {};
    return rgba(
      await plainPicture(
        this.album,
        { crop: crop ?? 212, size: CLOSE, ...(shortSide !== undefined && { shortSide }) },
        index,
      ),
    );
  }

  /** What the model says of a galaxy, the mean over its first `tta` views. */
  predict(index: number, tta: number): Promise<PredictionRecord> {
    const model = this.requireModel();
    const task = taskOf(model.task!, model.classes);
    return this.withModel(async (session) => {
      const row = await predictWith(await session.predictor(tta), session.answering.views, [index], tta, SILENT);
      return predictionRecord(this.album.examples[index].id, task, row);
    });
  }

  /** Where the model looked when it gave an output its score; undefined where the question was stopped. */
  explain(question: Question): Promise<Explanation | undefined> {
    const { image, method, layer, explained } = question;
    return this.withModel(async (session, device) => {
      const explainer = await session.explainer(method, layer);
      const map = await this.asking(question, explainer, async () => (await explainer.explain(image, explained))[0]);
      if (!map) return undefined;
      const { values, height, width } = map;
      const black = { width: CLOSE, height: CLOSE, data: new Uint8Array(CLOSE * CLOSE * 3) };
      const single = TRAITS[method].gives === 'pixels';
      return {
        picture: rgba(
          single ? gradientImage(values, height, width) : overlayHeatmap(black, values, height, width, { alpha: 1 }),
        ),
        values,
        height,
        width,
        peak: single ? gradientPeak(values) : values.reduce((a, b) => Math.max(a, b), 0),
        memory: { program: explainer.bytes, all: device.memory.bytes, programs: session.programs },
      };
    });
  }

  /** How faithful that map is to what the model does; undefined where the question was stopped. */
  measure(question: Question): Promise<Faithfulness | undefined> {
    const { image, method, layer, explained } = question;
    const model = this.requireModel();
    const task = taskOf(model.task!, model.classes);
    return this.withModel(async (session) => {
      const explainer = await session.explainer(method, layer, true);
      const confidence = (scores: Float32Array): number => {
        const prediction = task.prediction(scores);
        return (task.told?.(prediction) ?? prediction)[explained];
      };
      return this.asking(question, explainer, async () => {
        const maps = await explainer.explain(image, explained);
        return (await measureMaps(explainer, { example: image, maps }, confidence))[method];
      });
    });
  }

  /** Ends the question of this number and those before it, at their next batch. */
  stop(question: number): void {
    this.stopped = Math.max(this.stopped, question);
  }

  private async asking<R>({ number }: Question, { asked }: Explainer, work: () => Promise<R>): Promise<R | undefined> {
    if (number <= this.stopped) return undefined;
    if (asked)
      asked.onBatch = (done, total) => {
        if (number <= this.stopped) throw new Stopped();
        this.onAsking({ question: number, done, total });
      };
    try {
      return await work();
    } catch (error) {
      if (error instanceof Stopped) return undefined;
      throw error;
    }
  }

  private withModel<R>(work: (session: LookSession, device: Device) => Promise<R>): Promise<R> {
    this.requireModel();
    return this.keeper.use((session, device) => work(session as LookSession, device));
  }

  /** The layers of a model and what it costs on this adapter, by name, or of the one that is looked through. */
  inspect(
    name: string | undefined,
    job: { readonly size: number; readonly batch: number; readonly training: boolean },
    task: TaskChoice = DEFAULT_TASK,
  ): Promise<Inspected> {
    const known =
      name === undefined
        ? this.requireModel()
        : { task, classes: [], built: buildModel(name, taskOf(task).outputs.length) };
    return this.keeper.use(async (_, device) => {
      using parameters = new ParameterSet(device, known.built.network.specs, known.built.weights, 0);
      const described = { built: known.built, task: taskOf(known.task ?? DEFAULT_TASK, known.classes), parameters };
      const rows = layerTable(known.built.network, parameters, input('x', [job.batch, job.size, job.size, 3]));
      return {
        adapter: device.adapter.description,
        ...costOf(device, described, job, planModel(device, described, job)),
        rows,
      };
    });
  }

  lose(): Promise<void> {
    return this.keeper.lose();
  }
}

/** What is on a device while there is no model. */
class EmptySession implements Disposable {
  [Symbol.dispose](): void {}
}
