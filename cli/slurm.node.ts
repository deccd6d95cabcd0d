import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { UserError } from '../engine/user_error.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { fields, listOf, words } from '../vision/checked_json.ts';
import { readJsonFile } from '../vision/json_file.node.ts';
import { RUN_FILES } from '../vision/train/train.node.ts';
import { fileChecksums } from './checksum.node.ts';
import { SUMMARY, begunFolds, finishedFolds, foldFolder } from './crossval_folder.node.ts';
import { requireNoTraining } from './kept_results.node.ts';
import { modelFile } from './load_model.node.ts';
import type { GlobalOptions } from './options.ts';
import { shardName } from './shards.ts';
import { RESOURCES, TASK, mergeScript, taskScript, type Plan, type Resources } from './slurm_script.ts';
import { planSweep, requireFinishedAlike, type SweepFlags } from './sweep.node.ts';
import { textTable } from '../vision/report/text_table.ts';
import { checkTrainFlags, requireBegunWith, type TrainFlags } from './train.node.ts';

export interface SlurmFlags extends GlobalOptions, Resources {
  readonly out: string;
  readonly submit?: boolean;
  /** The words that start tuningfork on a node. */
  readonly program?: readonly string[];
}

/** What `slurm/job.json` holds. */
const JOB = fields({
  kind: v.picklist(['crossval', 'predict', 'sweep'], '"crossval", "predict" or "sweep"'),
  /** Of the array: what each is, and the file of the folder that is there when it is done. */
  tasks: listOf(fields({ name: words, done: words })),
  /** The file of the folder that the last job writes. */
  merged: words,
  /** What a prediction's rows depend on. */
  asked: v.optional(v.record(v.string(), words, 'an object')),
  /** Of the last submission. */
  jobs: v.optional(fields({ tasks: v.nullable(words), merge: v.nullable(words) })),
});

type Job = Readonly<v.InferOutput<typeof JOB>>;

interface Parts extends Pick<Plan, 'task' | 'merge'>, Pick<Job, 'tasks' | 'merged' | 'asked'> {
  /** Throws where what is there was asked for otherwise. */
  requireAlike(earlier: Job | undefined): void;
}

/** `args` are the command's own, as given. */
export async function slurmCrossval(flags: SlurmFlags & TrainFlags & { folds: number }, args: string[]): Promise<void> {
  const { out, folds } = flags;
  const each = { ...flags, valFraction: 1 / folds };
  checkTrainFlags(each);
  await writeJobs('crossval', flags, {
    requireAlike() {
      for (const [index, { fold, ...earlier }] of begunFolds(out))
        if (fold?.of === folds) requireBegunWith(foldFolder(out, index), earlier, each);
    },
    task: ['crossval', ...args, '--fold', TASK],
    merge: [
      ['slurm', 'status', out, '--check'],
      ['crossval', ...args],
    ],
    tasks: Array.from({ length: folds }, (_, i) => ({
      name: `fold ${i + 1}`,
      done: join(foldFolder('', i + 1), RUN_FILES.report),
    })),
    merged: SUMMARY,
  });
}

export async function slurmSweep(grid: string, flags: SlurmFlags & SweepFlags, args: string[]): Promise<void> {
  const all = planSweep(grid, flags);
  await writeJobs('sweep', flags, {
    requireAlike: () => requireFinishedAlike(all),
    task: ['sweep', grid, ...args, '--run', TASK],
    merge: [['sweep', grid, ...args, '--compare-only']],
    tasks: all.map(({ name }) => ({ name, done: join(name, RUN_FILES.report) })),
    merged: 'compare.html',
  });
}

export async function slurmPredict(
  model: string,
  flags: SlurmFlags & { readonly shards: number },
  args: string[],
): Promise<void> {
  const { out, shards, json } = flags;
  requireNoTraining(out);
  const merged = `predictions.${json ? 'jsonl' : 'csv'}`;
  const asked = await askedOf(model, flags);
  await writeJobs('predict', flags, {
    asked,
    requireAlike: (earlier) => earlier && requireAskedAlike(out, earlier, asked),
    task: ['predict', model, ...args, '--shard', `${TASK}/${shards}`],
    merge: [['predict', 'merge', out, '--out', join(out, merged)]],
    tasks: Array.from({ length: shards }, (_, i) => ({
      name: `part ${i + 1}`,
      done: shardName({ index: i + 1, of: shards }, json ? 'jsonl' : 'csv'),
    })),
    merged,
  });
}

/** Options that change no row of a prediction, beside those for Slurm. */
const NO_ROW = new Set(['out', 'adapter', 'tuning', 'shards']);

/** What the rows of a prediction depend on, as far as that shows without a GPU and without the images. */
async function askedOf(model: string, flags: object): Promise<Record<string, string>> {
  const hash = createHash('sha256');
  // Scripts may be written before there is a model.
  const networks = existsSync(model) ? (finishedFolds(model) ?? [model]) : [];
  for (const path of networks) hash.update((await fileChecksums(modelFile(path))).sha256);
  const options = Object.entries(flags)
    .filter(([key]) => !RESOURCES.has(key) && !NO_ROW.has(key))
    .map(([key, value]) => [key, JSON.stringify(value)] as const);
  return { model: hash.digest('hex').slice(0, 12), ...Object.fromEntries(options) };
}

/** Throws where tasks that are done were asked for something else: what they came to is no answer to this. */
function requireAskedAlike(out: string, earlier: Job, now: Record<string, string>): void {
  const then = earlier.asked;
  if (!then || earlier.tasks.every(({ done }) => !existsSync(join(out, done)))) return;
  const changed = [...new Set([...Object.keys(then), ...Object.keys(now)])].filter((key) => then[key] !== now[key]);
  if (changed.length === 0) return;
  const list = changed.map((key) => `${key} was ${then[key] ?? 'absent'} and is now ${now[key] ?? 'absent'}`);
  throw new UserError(
    `${out} holds parts of another prediction (${list.join('; ')}); give the same command to go on, or another --out`,
  );
}

/** Writes the scripts of the tasks that are not done and of the job after them; with --submit hands both to Slurm. */
async function writeJobs(kind: Plan['kind'], flags: SlurmFlags, parts: Parts): Promise<void> {
  const { out } = flags;
  const folder = join(out, 'slurm');
  const logs = resolve(folder);
  // Slurm has patterns of its own in the names of logs, and no quotes.
  if (!/^[\w./+=,@-]+$/.test(logs))
    throw new UserError(`Slurm cannot write logs into ${logs}: give an --out of letters, digits and . / _ - + = , @`);
  const { task, merge, tasks, merged, asked } = parts;
  const earlier = existsSync(jobFile(out)) ? readJob(out) : undefined;
  // A grid may grow.
  const same = (job: Job) => job.kind === kind && (kind === 'sweep' || isDeepStrictEqual(job.tasks, tasks));
  if (earlier && !same(earlier))
    throw new UserError(
      `${out} holds ${earlier.tasks.length} tasks of \`tuningfork slurm ${earlier.kind}\`, which are others; give another --out`,
    );
  const queued = earlier ? queueOf(earlier) : new Map<string, string>();
  if (flags.submit && queued.size > 0)
    throw new UserError(
      `${out}: ${queued.size} of its tasks are still in the queue; wait for them, or end them: scancel ${earlier!.jobs!.tasks}`,
    );
  parts.requireAlike(earlier);
  const plan: Plan = { kind, logs, cwd: process.cwd(), program: flags.program ?? ownProgram(flags), task, merge };
  const left = tasks.flatMap(({ done }, i) => (existsSync(join(out, done)) ? [] : [i + 1]));
  makeFolder(folder);
  const [taskFile, mergeFile] = [join(folder, 'tasks.sh'), join(folder, 'merge.sh')];
  const all = tasks.map((_, i) => i + 1);
  await writeFileAtomic(taskFile, taskScript(plan, flags, left.length > 0 ? left : all));
  await writeFileAtomic(mergeFile, mergeScript(plan, flags));
  const save = (jobs: Job['jobs']) =>
    writeFileAtomic(jobFile(out), `${JSON.stringify({ kind, tasks, merged, asked, jobs } satisfies Job, null, 2)}\n`);
  await save(earlier?.jobs);
  const progress =
    left.length < tasks.length ? ` (${tasks.length - left.length} of ${tasks.length} tasks are done)` : '';
  if (!flags.submit) {
    console.log(`Written: ${taskFile} and ${mergeFile}${progress}; --submit hands them to Slurm`);
    return;
  }
  const array = left.length > 0 ? submit([taskFile]) : null;
  // Told before the last job is submitted, which may fail.
  await save({ tasks: array, merge: null });
  // Whatever became of the tasks: the last job says which of them failed.
  const last = submit([...(array === null ? [] : [`--dependency=afterany:${array}`]), mergeFile]);
  await save({ tasks: array, merge: last });
  console.log(
    `${array === null ? '' : `Job ${array}: ${left.length} ${left.length === 1 ? 'task' : 'tasks'}${progress}\n`}Job ${last} then writes ${join(out, merged)}\nHow far they are: tuningfork slurm status ${out}`,
  );
}

/** How this very program is started; in a container by its name. */
const ownProgram = ({ container }: SlurmFlags): string[] =>
  container ? ['tuningfork'] : [process.execPath, realpathSync(process.argv[1])];

function submit(args: readonly string[]): string {
  try {
    // With several clusters: the number and the cluster's name.
    return execFileSync('sbatch', ['--parsable', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      .trim()
      .split(';')[0];
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: string };
    if (code === 'ENOENT')
      throw new UserError(
        `there is no sbatch on this machine; submit ${args.at(-1)} where there is one, or run it with bash`,
      );
    throw new UserError(`Slurm refuses ${args.at(-1)}: ${(stderr ?? String(error)).trim().replace(/\s*\n\s*/g, '; ')}`);
  }
}

const jobFile = (folder: string): string => join(folder, 'slurm', 'job.json');

function readJob(folder: string): Job {
  const path = jobFile(folder);
  if (!existsSync(path))
    throw new UserError(
      `${folder} holds no work for Slurm; give the --out of \`tuningfork slurm crossval\`, predict or sweep`,
    );
  return readJsonFile(path, JOB, 'delete it, and give the command again that wrote it');
}

/** What Slurm says of the tasks that are in its queue, by their number: RUNNING, PENDING. */
function queueOf({ jobs }: Job): Map<string, string> {
  if (!jobs?.tasks) return new Map();
  try {
    const text = execFileSync('squeue', ['--noheader', '--array', '--jobs', jobs.tasks, '--format', '%K %T'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Map(
      text
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => line.trim().split(/\s+/) as [string, string]),
    );
  } catch {
    // Slurm forgets jobs some minutes after their end, and a node may have no squeue.
    return new Map();
  }
}

/**
 * Tells which tasks of a folder are done, by their files, and what Slurm says of the others. With `check` it ends as an
 * error unless all are done.
 */
export function slurmStatus(folder: string, { check, json }: GlobalOptions & { readonly check?: boolean }): void {
  const job = readJob(folder);
  const queue = queueOf(job);
  const rows = job.tasks.map(({ name, done }, i) => ({
    task: i + 1,
    name,
    state: existsSync(join(folder, done)) ? 'done' : (queue.get(String(i + 1))?.toLowerCase() ?? 'not done'),
    log: join(folder, 'slurm', `${i + 1}.log`),
  }));
  const left = rows.filter(({ state }) => state !== 'done');
  const merged = existsSync(join(folder, job.merged));
  if (json) console.log(JSON.stringify({ tasks: rows, done: rows.length - left.length, merged }, null, 2));
  else {
    const log = (path: string) => (existsSync(path) ? path : '');
    console.log(
      textTable(
        ['task', 'what', 'state', 'log'],
        rows.map((row) => [String(row.task), row.name, row.state, log(row.log)]),
        4,
      ),
    );
    console.log(
      `${rows.length - left.length} of ${rows.length} are done; ${job.merged} is ${merged ? '' : 'not '}there`,
    );
  }
  if (check && left.length > 0)
    throw new UserError(
      `${left.length} of ${rows.length} tasks are not done: ${left
        .slice(0, 20)
        .map(({ name }) => name)
        .join(
          ', ',
        )}${left.length > 20 ? ' ...' : ''}; see their logs in ${join(folder, 'slurm')}, and give the command with --submit again`,
    );
}
