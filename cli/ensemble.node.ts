import type { Device } from '../engine/device/device.ts';
import { UserError } from '../engine/user_error.ts';
import type { Model } from '../models/formats/model_file.ts';
import { BATCH, Predictor, predictWith, type Predict } from '../vision/answer/predictor.ts';
import type { StoredModel } from '../vision/answer/stored_model.ts';
import { SILENT } from '../vision/progress.ts';
import type { Task } from '../vision/train/task.ts';
import { KEPT_IMAGES, imageInput, type ViewMaker } from '../vision/view/views.ts';
import { finishedFolds } from './crossval_folder.node.ts';
import { placeModel, readStored, requireTask, type LoadedModel, type OnnxFlags } from './load_model.node.ts';

/** The networks of a cross-validation, whose predictions are averaged; or a single one. */
export interface Ensemble extends Disposable {
  /** The first. */
  readonly model: LoadedModel;
  readonly networks: number;
  /** How they predict together, each shown images as these views show them. */
  predictFor(task: Task, views: ViewMaker): Predict;
}

/**
 * Loads what `loadModel` loads, or the folder of a cross-validation whose folds are all finished. The device holds one
 * network, which takes the weights of each in turn; the memory of the computer holds those of all.
 */
export async function loadEnsemble(device: Device, path: string, flags: OnnxFlags = {}): Promise<Ensemble> {
  const [first, ...others] = finishedFolds(path) ?? [path];
  const stored = await readStored(first, flags);
  const members: Model['weights'][] = [];
  for (const other of others) {
    const member = await readStored(other);
    requireTask(member, other);
    requireAlike(first, stored, other, member);
    members.push(member.file!.weights);
  }
  const model = placeModel(device, stored);
  const { built, parameters } = model;
  const networks = 1 + members.length;
  const open: Disposable[] = [model];

  /** The mean of what the networks predict, one after another. */
  const mean = async (predict: (member: number) => Promise<Float64Array>): Promise<Float64Array> => {
    const sums = await predict(0);
    try {
      for (const [i, weights] of members.entries()) {
        parameters.write(weights);
        (await predict(i + 1)).forEach((p, k) => (sums[k] += p));
      }
    } finally {
      // Who explains what they say explains the first.
      parameters.write(stored.file!.weights);
    }
    return sums.map((sum) => sum / networks);
  };

  const predictFor = (task: Task, views: ViewMaker): Predict => {
    const make = async () => {
      const x = imageInput(BATCH, views.side, views.geometry);
      const predictor = await Predictor.create(device, { network: built.network, parameters, task }, x);
      open.push(predictor);
      return predictor;
    };
    // One program for all calls: `predict` asks for a few images at a time, and all networks are built alike.
    let made: Promise<Predictor> | undefined;
    return async (examples, tta, progress) => {
      const predictor = await (made ??= make());
      if (networks === 1) return predictWith(predictor, views, examples, tta, progress);
      const result = new Float64Array(examples.length * predictor.width);
      progress.start('predicting', examples.length);
      // As many as the views keep decoded, so that each image is decoded once for all networks.
      for (let start = 0; start < examples.length; start += KEPT_IMAGES) {
        const chunk = examples.slice(start, start + KEPT_IMAGES);
        const predictions = await mean((member) => {
          const tick = (done: number) => progress.tick(start + Math.floor((member * chunk.length + done) / networks));
          return predictWith(predictor, views, chunk, tta, { ...SILENT, tick });
        });
        result.set(predictions, start * predictor.width);
      }
      progress.end();
      return result;
    };
  };
  const dispose = () => {
    for (const it of open) it[Symbol.dispose]();
  };
  return { model, networks, predictFor, [Symbol.dispose]: dispose };
}

/** Throws for networks that do not answer the same question, look at other pictures, or are built otherwise. */
function requireAlike(path: string, model: StoredModel, otherPath: string, other: StoredModel): void {
  if (said(model) !== said(other))
    throw new UserError(
      `${path} and ${otherPath} have different tasks, networks or preprocessing, and no mean; train them by one command`,
    );
}

/** All that a model is but its weights. */
function said({ task, classes, file }: StoredModel): string {
  const { preprocessing, architecture, padding, bnEpsilon, graph } = file ?? {};
  return JSON.stringify([task, classes, preprocessing, architecture, padding, bnEpsilon, graph && [...graph]]);
}
