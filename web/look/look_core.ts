import type { Device } from '../../engine/device/device.ts';
import { input } from '../../engine/ops/leaves.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Votes } from '../../galaxies/galaxy.ts';
import { gradientImage, overlayHeatmap } from '../../vision/report/pictures.ts';
import { cropResize } from '../../vision/view/resample.ts';
import { readModel, type StoredModel } from '../../vision/answer/stored_model.ts';
import { DEFAULT_TASK, storedTask, taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { plainPicture } from '../../vision/answer/draw.ts';
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

export interface Explanation {
  /** The map alone, as large as the picture beside it. */
  readonly picture: Picture;
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
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

  /** Where the model looked when it gave an output its score. */
  explain(index: number, method: Method, layer: string, explained: number): Promise<Explanation> {
    return this.withModel(async (session, device) => {
      const explainer = await session.explainer(method, layer);
      const [{ values, height, width }] = await explainer.explain(index, explained);
      const black = { width: CLOSE, height: CLOSE, data: new Uint8Array(CLOSE * CLOSE * 3) };
      const picture = rgba(
        TRAITS[method].gives === 'pixels'
          ? gradientImage(values, height, width)
          : overlayHeatmap(black, values, height, width, { alpha: 1 }),
      );
      return {
        picture,
        values,
        height,
        width,
        memory: { program: explainer.bytes, all: device.memory.bytes, programs: session.programs },
      };
    });
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
