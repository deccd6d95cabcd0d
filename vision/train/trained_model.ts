import type { BuiltModel } from '../../models/build_network.ts';
import type { Model } from '../../models/formats/model_file.ts';
import type { TrainOptions } from './options.ts';
import type { Task } from './task.ts';

/** What a training's model file holds. */
export function trainedModel(
  { name, head, outputs }: Pick<Task, 'name' | 'head' | 'outputs'>,
  { network, arithmetic, preprocessing: { mean, std, channels }, graph }: BuiltModel,
  weights: Model['weights'],
  options: TrainOptions,
): Model {
  return {
    architecture: { name: network.name, config: network.config },
    task: { name, head },
    classes: outputs,
    preprocessing: { size: options.size, crop: options.crop, mean, std, ...(channels && { channels }) },
    ...arithmetic,
    config: JSON.parse(JSON.stringify(options)),
    weights,
    ...(graph && { graph }),
  };
}
