import { UserError } from '../engine/user_error.ts';
import type { JsonObject, Model } from '../models/formats/model_file.ts';
import { HEADS, type HeadName } from './challenge/heads.ts';
import { challenge } from './challenge/task.ts';
import { smoothOrFeatured, type LabelOptions } from './classify/task.ts';
import { CHALLENGE_COLUMNS } from './columns.ts';
import type { Galaxy } from './galaxy.ts';
import { DEFAULT_THRESHOLD } from './labels.ts';
import type { Task } from '../vision/train/task.ts';

/** A task as it is chosen, with the choices that it leaves. */
export type TaskChoice =
  | ({ readonly name: 'smooth-or-featured' } & LabelOptions)
  | { readonly name: 'challenge'; readonly head: HeadName };

export const DEFAULT_TASK: Extract<TaskChoice, { name: 'smooth-or-featured' }> = {
  name: 'smooth-or-featured',
  threshold: DEFAULT_THRESHOLD,
  softLabels: false,
  labelSmoothing: 0,
};

export const taskOf = (options: TaskChoice): Task<Galaxy> =>
  options.name === 'challenge' ? challenge(options.head) : smoothOrFeatured(options);

/**
 * The task that a model file names; one that names none is a classifier.
 * @param source what the file is called in error sentences
 */
export function storedTask(
  { task, classes, config }: Pick<Model, 'task' | 'classes' | 'config'>,
  source: string,
): TaskChoice {
  if (task === undefined || task.name === 'smooth-or-featured') {
    const { threshold } = (config.task ?? {}) as JsonObject;
    return typeof threshold === 'number' ? { ...DEFAULT_TASK, threshold } : DEFAULT_TASK;
  }
  if (task.name !== 'challenge')
    throw new UserError(`${source}: it was trained for the task ${task.name}, which this program does not know`);
  if (!Object.hasOwn(HEADS, task.head))
    throw new UserError(`${source}: it has the head ${task.head}, which this program does not know`);
  if (classes.join() !== CHALLENGE_COLUMNS.join())
    throw new UserError(
      `${source}: its outputs are ${classes.join(', ')}, which are not the challenge's columns in their order; the file is damaged or was edited`,
    );
  return { name: 'challenge', head: task.head as HeadName };
}
