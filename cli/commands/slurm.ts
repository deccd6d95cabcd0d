import type { Command, Option } from 'commander';
import { UserError } from '../../engine/user_error.ts';
import type { PredictFlags } from '../predict.node.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { MOST_SHARDS } from '../shards.ts';
import type { SlurmFlags } from '../slurm.node.ts';
import { RESOURCES } from '../slurm_script.ts';
import type { SweepFlags } from '../sweep.node.ts';
import type { TrainFlags } from '../train.node.ts';
import { addFoldOptions } from './crossval.ts';
import { addPredictOptions } from './predict.ts';
import { addSweepOptions } from './sweep.ts';

/** `tuningfork slurm`: work that a cluster shares. */
export function register(program: Command): void {
  const slurm = program
    .command('slurm')
    .description('run a cross-validation, a prediction or a sweep as a job array on a Slurm cluster')
    .addHelpText(
      'after',
      `
Each command writes two scripts into --out/slurm: a job array, and a job that merges its results. A task that was
preempted, ran out of time or is submitted again goes on where it stopped. See docs/clusters.md.

Examples:
  tuningfork slurm crossval --data galaxies/ --out runs/cv --time 4:00:00 --gres gpu:1 --submit
  tuningfork slurm predict runs/b0 --data survey/ --shards 100 --throttle 20 --out runs/survey --container tuningfork.sif --submit
  tuningfork slurm sweep grid.json --data galaxies/ --out runs/sweep --partition gpu --account astro --submit
  tuningfork slurm status runs/cv`,
    );

  addResources(addFoldOptions(slurm.command('crossval')))
    .description('run one task per fold; the last job writes crossval.json')
    .action(async (_options: object, self: Command) => {
      const { slurmCrossval } = await import('../slurm.node.ts');
      await slurmCrossval(allOptions<SlurmFlags & TrainFlags & { folds: number }>(self), argumentsOf(self));
    });

  addResources(addPredictOptions(slurm.command('predict')))
    .description('run one task per part of the images; the last job writes predictions.csv')
    .option('--out <folder>', 'the folder for the parts and predictions.csv')
    .option('--shards <n>', 'the number of parts', wholeNumberWithin(1, MOST_SHARDS), 10)
    .action(async (model: string, _options: object, self: Command) => {
      const flags = allOptions<SlurmFlags & Partial<PredictFlags> & { shards: number }>(self);
      const { requireData } = await import('../open_data.node.ts');
      requireData(flags);
      if (flags.out === undefined) throw new UserError('slurm predict needs a folder for the parts: give --out');
      const { slurmPredict } = await import('../slurm.node.ts');
      await slurmPredict(model, flags, argumentsOf(self, 'shards'));
    });

  addResources(addSweepOptions(slurm.command('sweep')))
    .description('run one task per combination; the last job compares them')
    .action(async (grid: string, _options: object, self: Command) => {
      const { slurmSweep } = await import('../slurm.node.ts');
      await slurmSweep(grid, allOptions<SlurmFlags & SweepFlags>(self), argumentsOf(self));
    });

  slurm
    .command('status')
    .description('show which tasks are done, running or waiting')
    .argument('<folder>', 'the --out folder of one of these commands')
    .option('--check', 'exit with 2 unless all are done')
    .action(async (folder: string, _options: object, self: Command) => {
      const { slurmStatus } = await import('../slurm.node.ts');
      slurmStatus(folder, allOptions<{ check?: boolean }>(self));
    });

  for (const command of [program, ...slurm.commands]) keepTexts(command);
}

/** What options were given, which their parsers may have made something else of. */
const texts = new WeakMap<Option, string>();

function keepTexts(command: Command): void {
  for (const option of command.options)
    command.on(`option:${option.name()}`, (text: string | null) => {
      if (text !== null) texts.set(option, text);
    });
}

const all = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];

const addResources = (command: Command): Command =>
  command
    .option('--submit', 'submit the jobs, instead of only writing their scripts')
    .option('--time <limit>', 'time of a task, such as 4:00:00; a task that needs more is queued again')
    .option('--mem <size>', 'memory of a task, such as 16G')
    .option('--cpus <n>', 'processors of a task', wholeNumberWithin(1, 1024))
    .option('--gres <what>', 'GPUs of a task, such as gpu:1')
    .option('--partition <name>', 'the partition to run in')
    .option('--account <name>', 'the account to charge')
    .option('--throttle <n>', 'tasks that may run at once', wholeNumberWithin(1, MOST_SHARDS))
    .option('--sbatch <option>', 'another option for sbatch, such as --sbatch=--qos=long; may be repeated', all)
    .option('--container <image>', 'an apptainer or singularity image that contains tuningfork')
    .option('--bind <folders>', 'more folders for the container to see, separated by commas')
    .option(
      '--setup <line>',
      'a shell line to run before each task, such as "module load nodejs"; may be repeated',
      all,
    )
    .option(
      '--program <word>',
      'the command that starts tuningfork, a word at a time; may be repeated (default: this program)',
      all,
    );

/**
 * A command's options as they were given, without those for Slurm and those named; `--data` and `--out` even where they
 * are defaults, which a node may have others of.
 */
export function argumentsOf(command: Command, ...without: readonly string[]): string[] {
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
      } else if (!words.includes(option.long!))
        words.push(option.long!, source === 'default' ? String(value) : texts.get(option)!);
    }
  return words;
}
