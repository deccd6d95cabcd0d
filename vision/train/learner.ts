import type { Device } from '../../engine/device/device.ts';
import type { BuiltModel } from '../../models/build_network.ts';
import type { ParameterSet } from '../../models/parameter_set.ts';
import type { TrainOptions } from './options.ts';
import type { Learnt, Prepared, Task } from './task.ts';

/** A network that is trained: where it is, what it learns, from which images, and how. */
export interface Learner {
  readonly device: Device;
  readonly task: Pick<Task, 'scores' | 'prediction' | 'loss' | 'figure'>;
  readonly model: Pick<BuiltModel, 'network'>;
  readonly parameters: ParameterSet;
  readonly prepared: Prepared;
  readonly options: TrainOptions;
}

/** What a network is trained for, and what is told of that. */
export const learntFor = (task: Pick<Task, keyof Learnt | 'learns' | 'figure'>): Learnt & Pick<Task, 'figure'> =>
  task.learns ? { ...task.learns, figure: task.figure } : task;
