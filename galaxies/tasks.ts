import { UserError } from '../engine/user_error.ts';
import { CLASSES, type ClassOptions } from '../vision/classes/task.ts';
import { TARGETS, type TargetOptions } from '../vision/targets/task.ts';
import type { Task } from '../vision/train/task.ts';
import type { StoredTask, TaskKind } from '../vision/train/task_kind.ts';
import { VOTES, type VoteOptions } from '../vision/votes/task.ts';
import { CHALLENGE, type ChallengeOptions } from './challenge/task.ts';
import { DEFAULT_TASK, SMOOTH_OR_FEATURED, type SmoothOrFeaturedOptions } from './classify/task.ts';

export { DEFAULT_TASK };

/** A task as it is chosen, with the choices that it leaves. */
export type TaskChoice = SmoothOrFeaturedOptions | ChallengeOptions | ClassOptions | TargetOptions | VoteOptions;
export type TaskName = TaskChoice['name'];

/** Every task: a new one is a row here, and one in the table of judges. */
const KINDS: { readonly [N in TaskName]: TaskKind<Extract<TaskChoice, { name: N }>> } = {
  'smooth-or-featured': SMOOTH_OR_FEATURED,
  challenge: CHALLENGE,
  classes: CLASSES,
  targets: TARGETS,
  votes: VOTES,
};

export const TASKS: readonly TaskKind<TaskChoice>[] = Object.values(KINDS) as TaskKind<TaskChoice>[];

export const taskKind = (name: TaskName): TaskKind<TaskChoice> => KINDS[name] as TaskKind<TaskChoice>;

/**
 * The task for its options. It takes a dataset of its own kind (`TaskKind.data`).
 * @param outputs what its outputs stand for, of a task that has them from the data or from a model file
 */
export const taskOf = (options: TaskChoice, outputs: readonly string[] = []): Task =>
  taskKind(options.name).make(options, outputs);

/**
 * The task that a model file names; one that names none is a classifier of galaxies.
 * @param source what the file is called in error sentences
 */
export function storedTask(file: StoredTask, source: string): TaskChoice {
  const { name } = file.task ?? DEFAULT_TASK;
  if (!Object.hasOwn(KINDS, name))
    throw new UserError(`${source}: it was trained for the task ${name}, which this program does not know`);
  return taskKind(name as TaskName).stored(file, source);
}
