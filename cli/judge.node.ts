import { judgeChallenge } from '../galaxies/challenge/judge.node.ts';
import { judgeSmoothOrFeatured } from '../galaxies/classify/judge.node.ts';
import type { TaskName } from '../galaxies/tasks.ts';
import { judgeLabelled } from '../vision/classes/judge.node.ts';
import type { Judge } from '../vision/judge/judged.ts';
import { judgeTargets } from '../vision/targets/judge.node.ts';
import { judgeVotes } from '../vision/votes/judge.node.ts';

/** How the answers of each task are judged and reported: a row a task, as in galaxies/tasks.ts. */
const JUDGES = {
  'smooth-or-featured': judgeSmoothOrFeatured,
  challenge: judgeChallenge,
  classes: judgeLabelled,
  targets: judgeTargets,
  votes: judgeVotes,
} as Readonly<Record<TaskName, Judge>>;

/** Predicts the images of an examination and judges the answers as the task has it. */
export const judgeModel: Judge<{ readonly name: TaskName }> = (device, examination, task, progress) =>
  JUDGES[task.name](device, examination, task, progress);
