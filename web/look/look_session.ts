import type { Device } from '../../engine/device/device.ts';
import type { StoredModel } from '../../vision/answer/stored_model.ts';
import { viewsFor } from '../../vision/answer/stored_model.ts';
import { taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { Explainer } from '../../vision/answer/explain.ts';
import { TRAITS, type Method } from '../../vision/answer/methods.ts';
import { Predictor, type Answering } from '../../vision/answer/predictor.ts';
import { imageInput } from '../../vision/view/views.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import type { Album } from './album.ts';

/** Bytes of the programs that draw maps: with more, those that were not used for the longest time are given up. */
const MOST_BYTES = 2 ** 28;

/** A model on a device: its weights, and the programs that were asked for so far. */
export class LookSession implements Disposable {
  private readonly predictors = new Map<number, Predictor>();
  private readonly explainers = new Map<string, Explainer>();
  readonly answering: Answering;

  constructor(
    private readonly device: Device,
    model: StoredModel<TaskChoice>,
    album: Album,
  ) {
    const { network, weights } = model.built;
    this.answering = {
      network,
      parameters: new ParameterSet(device, network.specs, weights, 0),
      task: taskOf(model.task!, model.classes),
      views: viewsFor(model, album),
    };
  }

  /** What predicts a galaxy from `tta` views at once. */
  async predictor(tta: number): Promise<Predictor> {
    const { views } = this.answering;
    const made =
      this.predictors.get(tta) ??
      (await Predictor.create(this.device, this.answering, imageInput(tta, views.side, views.geometry)));
    this.predictors.set(tta, made);
    return made;
  }

  /** What explains by a method at a layer, and measures its maps where it is made for that. */
  async explainer(method: Method, layer: string, measured = false): Promise<Explainer> {
    const at = TRAITS[method].at === 'image' ? method : `${method} ${layer}`;
    const key = measured ? `${at}, measured` : at;
    const made =
      this.explainers.get(key) ?? (await Explainer.create(this.device, this.answering, [method], { layer, measured }));
    // A Map keeps the order of insertion: the last is the latest used.
    this.explainers.delete(key);
    this.explainers.set(key, made);
    for (const [oldest, explainer] of this.explainers) {
      if (explainer === made || this.programBytes <= MOST_BYTES) break;
      explainer[Symbol.dispose]();
      this.explainers.delete(oldest);
    }
    return made;
  }

  private get programBytes(): number {
    return [...this.explainers.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get programs(): number {
    return this.predictors.size + this.explainers.size;
  }

  [Symbol.dispose](): void {
    for (const program of [...this.predictors.values(), ...this.explainers.values(), this.answering.parameters])
      program[Symbol.dispose]();
  }
}
