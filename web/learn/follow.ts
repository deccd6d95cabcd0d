import { offsetOf } from '../../engine/explain/terms.ts';
import { STEPS_TAKEN } from '../../engine/train/train_step.ts';
import type { SeenBatch } from './apparatus.ts';
import type { Drawn } from './batches.ts';
import { parameterGradient } from './explain_parameter.ts';
import type { LineName } from './kernel_lines.ts';
import { at } from './layer_sums.ts';
import { parameterName, type LayerPlan, type Role } from './network.ts';
import type { Settings } from './settings.ts';
import { beginningOf } from './training.ts';
import type { Snapshot } from './run_history.ts';
import type { LayerView, Values, View } from './view.ts';

/** A parameter to follow: one number of a layer. */
export interface Weight {
  readonly layer: number;
  readonly role: Exclude<Role, 'running'>;
  readonly at: readonly number[];
}

/** What an image of the batch adds to the gradient. */
export interface Term extends Drawn {
  /** Index into `classes`. */
  readonly label: number;
  readonly value: number;
}

/** A weight and its moments; SGD has no `v`. */
export interface WeightState {
  readonly w: number;
  readonly m: number;
  readonly v: number | undefined;
}

/** A running statistic of batch norm, and what the batch's own did to it. */
export interface MovedStatistic {
  readonly before: number;
  readonly batch: number;
  /** What the batch's is multiplied by first: n/(n − 1) makes a variance unbiased. */
  readonly scale: number;
  readonly after: number;
}

/** How one step changed one weight: plain data. */
export interface Followed {
  /** The step that was made, counted from 1. */
  readonly step: number;
  readonly settings: Settings;
  readonly classes: readonly string[];
  readonly weight: Weight;
  /** The decay that this weight takes: biases, scales and shifts take none. */
  readonly decay: number;
  /** Steps that changed something, this one included, since the optimiser began: t of Adam. */
  readonly count: number;
  /** Whether the step changed anything: not where its loss or a gradient was not finite. */
  readonly changed: boolean;
  readonly terms: readonly Term[];
  /** Their sum as the GPU has it. */
  readonly gradient: number;
  /** The line that computes it. */
  readonly line: LineName;
  readonly before: WeightState;
  readonly after: WeightState;
  /** Of the weight's channel, in batch norm. */
  readonly statistics?: { readonly count: number; readonly mean: MovedStatistic; readonly variance: MovedStatistic };
}

/** The weight over all steps that are kept. */
export type Track = readonly (readonly [step: number, value: number])[];

/** What a step is told from. */
export interface StepMade {
  readonly settings: Settings;
  readonly plans: readonly LayerPlan[];
  readonly batch: readonly Drawn[];
  readonly labels: Uint8Array;
  readonly classes: readonly string[];
  readonly isOwn: boolean;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly seen: SeenBatch;
}

/** How a step changed a weight. */
export function followed(made: StepMade, weight: Weight): Followed {
  const { settings, plans, batch, labels, classes, before, after, seen } = made;
  const { layer, role, at: index } = weight;
  const name = parameterName(plans[layer].name, role);
  const shape = plans[layer].parameters[role]!;
  const offset = offsetOf(shape, index);
  const stateOf = (arrays: ReadonlyMap<string, Float32Array>): WeightState => ({
    w: arrays.get(name)![offset],
    m: arrays.get(`${name}/m`)![offset],
    v: arrays.get(`${name}/v`)?.[offset],
  });
  const beginning = beginningOf(before, settings.optimizer, plans);
  const taken = (arrays: ReadonlyMap<string, Float32Array>) => arrays.get(STEPS_TAKEN)![0];
  const behind = batch.map((drawn, i) => {
    const label = labels[drawn.image];
    const { computed, line } = parameterGradient(oneOf(made, weight, i), layer, role, index);
    return { term: { ...drawn, label, value: computed }, line };
  });
  return {
    step: after.step,
    settings,
    classes,
    weight,
    decay: shape.length > 1 ? settings.weightDecay : 0,
    count: taken(beginning) + 1,
    changed: taken(after.arrays) > taken(beginning),
    terms: behind.map(({ term }) => term),
    gradient: at(seen.layers[layer].parameters.find((p) => p.role === role)!.gradient!, index),
    line: behind[0].line,
    before: stateOf(beginning),
    after: stateOf(after.arrays),
    statistics: statisticsOf(made, weight),
  };
}

/** An image of the batch as the step saw it: its own part of each map, and the batch's statistics. */
function oneOf(
  { settings, plans, batch, labels, classes, isOwn, before, seen }: StepMade,
  { layer }: Weight,
  i: number,
): View {
  const part = ({ shape, data }: Values): Values => {
    if (shape[0] !== batch.length) return { shape, data };
    const size = data.length / batch.length;
    return { shape: [1, ...shape.slice(1)], data: data.subarray(i * size, (i + 1) * size) };
  };
  const layers = seen.layers.map((each, k): LayerView => {
    const { y, dy } = { y: part(each.y), dy: part(each.dy) };
    if (k === plans[layer].inputs[0] && seen.denseInput) {
      const dropped = part({ shape: each.y.shape, data: seen.denseInput });
      return { ...each, y: dropped, dy };
    }
    if (k !== layer || !seen.statistics) return { ...each, y, dy };
    const running = { shape: [2, y.shape[y.shape.length - 1]], data: seen.statistics };
    const parameters = each.parameters.map((p) => (p.role === 'running' ? { ...p, value: running } : p));
    return { ...each, y, dy, parameters };
  });
  const { image } = batch[i];
  return { settings, step: before.step, image, label: labels[image], classes, isOwn, layers };
}

function statisticsOf(
  { plans, batch, before, after, seen }: StepMade,
  { layer, at: index }: Weight,
): Followed['statistics'] {
  if (!seen.statistics) return undefined;
  const name = parameterName(plans[layer].name, 'running');
  const channels = plans[layer].parameters.running![1];
  const count = (batch.length * plans[layer].shape.reduce((a, b) => a * b, 1)) / channels;
  const channel = index[index.length - 1];
  const moved = (offset: number, scale: number): MovedStatistic => ({
    before: before.arrays.get(name)![offset],
    batch: seen.statistics![offset],
    scale,
    after: after.arrays.get(name)![offset],
  });
  return {
    count,
    mean: moved(channel, 1),
    variance: moved(channels + channel, count > 1 ? count / (count - 1) : 1),
  };
}
