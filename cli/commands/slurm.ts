import type { Command } from 'commander';
import { UserError } from '../../engine/user_error.ts';
import type { PredictFlags } from '../predict.node.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { MOST_SHARDS } from '../shards.ts';
import type { SlurmFlags } from '../slurm.node.ts';
import type { SweepFlags } from '../sweep.node.ts';
import type { TrainFlags } from '../train.node.ts';
import { addFoldOptions } from './crossval.ts';
import { addPredictOptions } from './predict.ts';
import { addSweepOptions } from './sweep.ts';

/** `tuningfork slurm`: work that a cluster shares. */
export function register(program: Command): void {
  const slurm = program
    .command('slurm')
    .description('share a cross-validation, a prediction or a sweep among the nodes of a cluster with Slurm')
    .addHelpText(
      'after',
      `
Each writes two scripts into --out/slurm: an array of tasks, and a job after it that puts together what they made. A task that was preempted, or
ran out of time, or is submitted again, goes on where it stopped. See docs/clusters.md.

Examples:
  tuningfork slurm crossval --data galaxies/ --out runs/cv --time 4:00:00 --gres gpu:1 --submit
  tuningfork slurm predict runs/b0 --data survey/ --shards 100 --throttle 20 --out runs/survey --container tuningfork.sif --submit
  tuningfork slurm sweep grid.json --data galaxies/ --out runs/sweep --partition gpu --account astro --submit
  tuningfork slurm status runs/cv`,
    );

  addResources(addFoldOptions(slurm.command('crossval')))
    .description('a task for each fold; the last job writes crossval.json')
    .action(async (_options: object, self: Command) => {
      const { slurmCrossval } = await import('../slurm.node.ts');
      await slurmCrossval(allOptions<SlurmFlags & TrainFlags & { folds: number }>(self), argumentsOf(self));
    });

  addResources(addPredictOptions(slurm.command('predict')))
    .description('a task for each part of the images; the last job writes predictions.csv')
    .option('--out <folder>', 'for the parts and the whole')
    .option('--shards <n>', 'parts that the images are divided into', wholeNumberWithin(1, MOST_SHARDS), 10)
    .action(async (model: string, _options: object, self: Command) => {
      const flags = allOptions<SlurmFlags & Partial<PredictFlags> & { shards: number }>(self);
      if (flags.data === undefined) throw new UserError('slurm predict needs images: give --data');
      if (flags.out === undefined) throw new UserError('slurm predict needs a folder for the parts: give --out');
      const { slurmPredict } = await import('../slurm.node.ts');
      await slurmPredict(model, flags, argumentsOf(self, 'shards'));
    });

  addResources(addSweepOptions(slurm.command('sweep')))
    .description('a task for each combination; the last job compares them')
    .action(async (grid: string, _options: object, self: Command) => {
      const { slurmSweep } = await import('../slurm.node.ts');
      await slurmSweep(grid, allOptions<SlurmFlags & SweepFlags>(self), argumentsOf(self));
    });

  slurm
    .command('status')
    .description('which tasks are done, running, waiting')
    .argument('<folder>', 'the --out of one of these commands')
    .option('--check', 'exit code 2 unless all are done')
    .action(async (folder: string, _options: object, self: Command) => {
      const { slurmStatus } = await import('../slurm.node.ts');
      slurmStatus(folder, allOptions<{ check?: boolean }>(self));
    });
}

const all = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];

/** The options that are for Slurm, by their names in commander. */
const RESOURCES = new Set(
  'submit time mem cpus gres partition account throttle sbatch container bind setup program'.split(' '),
);

const addResources = (command: Command): Command =>
  command
    .option('--submit', 'hand the jobs to Slurm; otherwise only their scripts are written')
    .option('--time <limit>', 'of a task, such as 4:00:00; a task that needs more asks for another turn')
    .option('--mem <size>', 'main memory of a task, such as 16G')
    .option('--cpus <n>', 'processors of a task', wholeNumberWithin(1, 1024))
    .option('--gres <what>', 'the GPU of a task, such as gpu:1')
    .option('--partition <name>', 'the partition')
    .option('--account <name>', 'the account that pays')
    .option('--throttle <n>', 'tasks that run at a time', wholeNumberWithin(1, MOST_SHARDS))
    .option('--sbatch <option>', 'a further option of sbatch, such as --sbatch=--qos=long; may be repeated', all)
    .option('--container <image>', 'an image in which tuningfork is, for apptainer or singularity')
    .option('--bind <folders>', 'folders that the container sees beside the working directory, with commas between')
    .option('--setup <line>', 'shell before a task starts, such as "module load nodejs"; may be repeated', all)
    .option('--program <word>', 'how a task starts tuningfork: this very program when absent; may be repeated', all);

/**
 * A command's options as they were given, without those for Slurm and those named; `--data` and `--out` even where they
 * are defaults, which a node may have others of.
 */
function argumentsOf(command: Command, ...without: readonly string[]): string[] {
  const words: string[] = [];
  for (let at: Command | null = command; at; at = at.parent)
    for (const option of at.options) {
      const key = option.attributeName();
      const source = at.getOptionValueSource(key);
      if (RESOURCES.has(key) || without.includes(key)) continue;
      if (source === undefined || (source === 'default' && !['data', 'out'].includes(key))) continue;
      const value = at.getOptionValue(key) as unknown;
      // `--no-flip` and `--flip` would share a name.
      if (typeof value === 'boolean') {
        if (value !== Boolean(option.negate)) words.push(option.long!);
      } else if (!words.includes(option.long!)) words.push(option.long!, String(value));
    }
  return words;
}
