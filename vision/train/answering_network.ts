import type { BuiltModel } from '../../models/build_network.ts';
import type { ParameterSpec } from '../../models/parameter_spec.ts';
import { ParameterSet, type Weights } from '../../models/parameter_set.ts';
import { predictExamples } from '../answer/predictor.ts';
import { calibratingScale } from '../judge/calibration.ts';
import { SILENT } from '../progress.ts';
import type { ViewMaker } from '../view/views.ts';
import type { Learner } from './learner.ts';
import type { Task } from './task.ts';

/** A network, and its weights on a device. */
interface Network {
  readonly model: BuiltModel;
  readonly parameters: ParameterSet;
}

/**
 * The network that answers for a task: the one that learnt for it, or where that learnt more, one with the first of its
 * outputs; the parameters of the other are disposed then. Its logits are scaled so that the probabilities that they
 * make fit the validation images: how sure a share of votes makes a class is nothing that it has learnt.
 * @param make the network with the outputs of the task
 */
export async function answeringNetwork(
  task: Task,
  { device, prepared, model: learnt, parameters }: Pick<Learner, 'device' | 'prepared' | 'parameters'> & Network,
  views: ViewMaker,
  make: () => Promise<BuiltModel>,
): Promise<Network> {
  if (!task.learns) return { model: learnt, parameters };
  const model = await make();
  const { network } = model;
  const learntWeights = await parameters.read();
  parameters[Symbol.dispose]();
  const scaled = (scale: number) =>
    new ParameterSet(device, network.specs, firstOutputs(learntWeights, network.specs, scale), 0);
  const { validation } = prepared;
  const logits = async () => {
    using unscaled = scaled(1);
    const identity = { scores: task.scores, prediction: (row: ArrayLike<number>) => row };
    const answering = { network, parameters: unscaled, views, task: identity };
    return await predictExamples(device, answering, validation, 1, SILENT);
  };
  const labels = validation.map(prepared.classOf!);
  const scale = calibratingScale({ logits: await logits(), labels, classes: task.outputs.length }, task.prediction);
  return { model, parameters: scaled(scale) };
}

/** The weights of a network with the first outputs of another, and the same as that before them. */
const firstOutputs = (
  learnt: Awaited<ReturnType<ParameterSet['read']>>,
  specs: readonly Pick<ParameterSpec, 'name' | 'shape'>[],
  scale: number,
): Weights =>
  new Map(
    specs.map(({ name, shape }) => {
      const { shape: wide, data } = learnt.get(name)!;
      const [from, to] = [wide, shape].map((lengths) => lengths[lengths.length - 1]);
      return [name, from === to ? data : centredColumns(data, from, to, scale)];
    }),
  );

/**
 * The first columns of rows, scaled, less their mean in each row. That moves all logits alike: their softmax is the
 * same without it, and a map of one logit shows what speaks for it and against the others.
 */
function centredColumns(data: Float32Array, from: number, to: number, scale: number): Float32Array {
  const rows = data.length / from;
  const kept = new Float32Array(rows * to);
  for (let row = 0; row < rows; row++) {
    const first = data.subarray(row * from, row * from + to);
    const mean = first.reduce((a, b) => a + b, 0) / to;
    first.forEach((value, k) => (kept[row * to + k] = scale * (value - mean)));
  }
  return kept;
}
