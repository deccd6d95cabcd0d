import type { Device } from '../engine/device/device.ts';
import { UserError } from '../engine/user_error.ts';
import { predictExamples, type Answering, type Predict } from '../vision/answer/predictor.ts';
import { SILENT } from '../vision/progress.ts';
import type { Task } from '../vision/train/task.ts';
import { KEPT_IMAGES, type ViewMaker } from '../vision/view/views.ts';
import { finishedFolds } from './crossval_folder.node.ts';
import { loadModel, type LoadedModel, type OnnxFlags } from './load_model.node.ts';

/** The networks of a cross-validation, whose predictions are averaged; or a single one. */
export interface Ensemble extends Disposable {
  /** The first. */
  readonly model: LoadedModel;
  readonly networks: number;
  /** How they predict together, each shown images as these views show them. */
  predictWith(task: Task, views: ViewMaker): Predict;
}

/**
 * Loads what `loadModel` loads, or the folder of a cross-validation whose folds are all finished. At most two of its
 * networks are on the device at a time.
 */
export async function loadEnsemble(device: Device, path: string, flags: OnnxFlags = {}): Promise<Ensemble> {
  const [first, ...others] = finishedFolds(path) ?? [path];
  const model = await loadModel(device, first, flags);
  const networks = 1 + others.length;

  const predictWith = (task: Task, views: ViewMaker): Predict => {
    const answering = ({ built: { network }, parameters }: LoadedModel): Answering => ({
      network,
      parameters,
      task,
      views,
    });
    return async (examples, tta, progress) => {
      if (others.length === 0) return predictExamples(device, answering(model), examples, tta, progress);
      const result = new Float64Array(examples.length * task.outputs.length);
      progress.start('predicting', examples.length);
      // As many as the views keep decoded, so that each image is decoded once for all networks.
      for (let start = 0; start < examples.length; start += KEPT_IMAGES) {
        const chunk = examples.slice(start, start + KEPT_IMAGES);
        const sums = result.subarray(start * task.outputs.length, (start + chunk.length) * task.outputs.length);
        const add = async (member: LoadedModel, number: number) => {
          const tick = (done: number) => progress.tick(start + Math.floor((number * chunk.length + done) / networks));
          const predictions = await predictExamples(device, answering(member), chunk, tta, { ...SILENT, tick });
          predictions.forEach((p, i) => (sums[i] += p));
        };
        // A function of its own: esbuild's `using` in a loop throws the error of an earlier round again.
        const addOther = async (path: string, number: number) => {
          using member = await loadModel(device, path);
          requireAlike(first, model, path, member);
          await add(member, number);
        };
        await add(model, 0);
        for (const [i, other] of others.entries()) await addOther(other, i + 1);
        sums.forEach((sum, i) => (sums[i] = sum / networks));
      }
      progress.end();
      return result;
    };
  };
  return { model, networks, predictWith, [Symbol.dispose]: () => model[Symbol.dispose]() };
}

/** Throws for networks that do not answer the same question, or look at other pictures. */
function requireAlike(path: string, model: LoadedModel, otherPath: string, other: LoadedModel): void {
  const said = ({ task, classes, file }: LoadedModel) => JSON.stringify([task, classes, file?.preprocessing]);
  if (said(model) !== said(other))
    throw new UserError(
      `${path} and ${otherPath} have different tasks or preprocessing, and no mean; train them by one command`,
    );
}
