/** What a cluster is asked for. Sizes and times are in Slurm's own writing, and are handed on as they are. */
export interface Resources {
  readonly time?: string;
  readonly mem?: string;
  readonly cpus?: number;
  readonly gres?: string;
  readonly partition?: string;
  readonly account?: string;
  /** Tasks that run at a time. */
  readonly throttle?: number;
  /** Further options of sbatch: `--qos=long`. */
  readonly sbatch?: readonly string[];
  /** An image for apptainer or singularity, and folders that it sees beside the working directory. */
  readonly container?: string;
  readonly bind?: string;
  /** Lines of shell that come before: `module load nodejs`. */
  readonly setup?: readonly string[];
}

/** The options that are for Slurm, by their names in commander. */
export const RESOURCES = new Set(
  'submit time mem cpus gres partition account throttle sbatch container bind setup program'.split(' '),
);

/** A job array that works, and the job that puts together what came out. */
export interface Plan {
  readonly kind: 'crossval' | 'predict' | 'sweep';
  /** The absolute path of the folder of logs. */
  readonly logs: string;
  /** The absolute path in which all other paths hold. */
  readonly cwd: string;
  /** The words that start tuningfork. */
  readonly program: readonly string[];
  /** Arguments of a task; TASK in one of them stands for its number. */
  readonly task: readonly string[];
  /** Commands of the last job, each by its arguments. */
  readonly merge: readonly (readonly string[])[];
}

export const TASK = '{task}';

/** A word of shell that means itself. */
export const quote = (word: string): string =>
  /^[\w@%+=:./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A word in which TASK is the number of the array's task. */
const quoteTask = (word: string): string =>
  word.includes(TASK)
    ? word
        .split(TASK)
        .map((part) => (part === '' ? '' : quote(part)))
        .join('"$SLURM_ARRAY_TASK_ID"')
    : quote(word);

/** `1-3,5` of 1, 2, 3, 5, as `sbatch --array` has it. */
export function arrayOf(tasks: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const task of tasks) {
    const last = ranges.at(-1);
    if (last && task === last[1] + 1) last[1] = task;
    else ranges.push([task, task]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}

/** Lines that both jobs have: what they are called, where they write, what they need. */
function header(plan: Plan, resources: Resources, name: string, log: string, gpu: boolean): string[] {
  const { time, mem, cpus, gres, partition, account, sbatch = [] } = resources;
  const options: Readonly<Record<string, string | number | undefined>> = {
    'job-name': name,
    output: `${plan.logs}/${log}.log`,
    'open-mode': 'append',
    time,
    mem,
    'cpus-per-task': cpus,
    gres: gpu ? gres : undefined,
    partition,
    account,
  };
  return [
    ...Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [`#SBATCH --${key}=${value}`])),
    ...sbatch.map((option) => `#SBATCH ${option}`),
  ];
}

/** Lines before the first command. `tuningfork` starts the program, in the container where there is one. */
function prepare({ cwd, program }: Plan, { container, bind, gres, setup = [] }: Resources, gpu: boolean): string[] {
  const words = program.map(quote).join(' ');
  // The container's tool is named where the job runs: a login node may have another, or none.
  const start = container
    ? [
        'runner=$(command -v apptainer || command -v singularity) || { echo "neither apptainer nor singularity is on this node" >&2; exit 1; }',
        `tuningfork=("$runner" exec ${[...(gpu && gres ? ['--nv'] : []), ...(bind ? ['--bind', quote(bind)] : []), quote(container)].join(' ')} ${words})`,
      ]
    : [`tuningfork=(${words})`];
  return [`cd ${quote(cwd)} || exit 1`, ...setup, ...start];
}

/** The script of the array: one task, which goes on where it stopped when it is run again. */
export function taskScript(plan: Plan, resources: Resources, tasks: readonly number[]): string {
  const { throttle } = resources;
  return `${[
    '#!/bin/bash',
    `# Written by \`tuningfork slurm ${plan.kind}\`. A task that is run again goes on where it stopped. Without Slurm:`,
    '#   SLURM_ARRAY_TASK_ID=1 bash tasks.sh',
    ...header(plan, resources, `tuningfork-${plan.kind}`, '%a', true),
    `#SBATCH --array=${arrayOf(tasks)}${throttle === undefined ? '' : `%${throttle}`}`,
    '#SBATCH --requeue',
    '#SBATCH --signal=B:USR1@120',
    ...prepare(plan, resources, true),
    '',
    "# SIGTERM: the task is preempted or cancelled, and Slurm does what is next. USR1: two minutes are left of the task's",
    '# time; it saves, or is ended after 90 seconds, and asks for a new turn. Either may come before the task has begun.',
    "child=''; stopped=no; again=no",
    '# Once each: a second one would end the program before it has saved.',
    'stop() { if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; else stopped=yes; fi; }',
    'trap stop TERM',
    // The one that sleeps would be $! where there is no child yet.
    `trap 'again=yes; stop; if [ -n "$child" ]; then (sleep 90; kill -KILL "$child" 2>/dev/null) & fi' USR1`,
    `"\${tuningfork[@]}" ${plan.task.map(quoteTask).join(' ')} &`,
    'child=$!',
    'if [ "$stopped" = yes ]; then kill -TERM "$child"; fi',
    '# A signal ends `wait` before the child ends.',
    'wait "$child"',
    'while kill -0 "$child" 2>/dev/null; do wait "$child"; done',
    'wait "$child"',
    'code=$?',
    `if [ "$again" = yes ] && [ "$code" -gt 128 ]; then scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"; fi`,
    'exit "$code"',
  ].join('\n')}\n`;
}

/** The script of the job that comes after the array, whatever became of its tasks: it says what is missing. */
export function mergeScript(plan: Plan, resources: Resources): string {
  return `${[
    '#!/bin/bash',
    `# Written by \`tuningfork slurm ${plan.kind}\`: puts together what the tasks made. Without Slurm: bash merge.sh`,
    ...header(plan, resources, `tuningfork-${plan.kind}-merge`, 'merge', false),
    ...prepare(plan, resources, false),
    '',
    plan.merge.map((words) => `"\${tuningfork[@]}" ${words.map(quote).join(' ')}`).join(' &&\n  '),
  ].join('\n')}\n`;
}
