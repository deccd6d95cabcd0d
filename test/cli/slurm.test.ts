import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayOf, mergeScript, quote, taskScript, type Plan } from '../../cli/slurm_script.ts';
import { fail, succeed, tuningfork } from './cli.ts';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tuningfork-scripts-')));
});
afterAll(() => rmSync(folder, { recursive: true }));

const PLAN: Plan = {
  kind: 'predict',
  logs: '/home/u/out/slurm',
  cwd: '/home/u/my data',
  program: ['tuningfork'],
  task: ['predict', "it's", '--shard', '{task}/10'],
  merge: [
    ['slurm', 'status', 'out', '--check'],
    ['predict', 'merge', 'out'],
  ],
};
const ALL = {
  time: '1:00:00',
  mem: '8G',
  cpus: 4,
  gres: 'gpu:1',
  partition: 'gpu',
  account: 'astro',
  throttle: 20,
  sbatch: ['--qos=long'],
  container: 'my image.sif',
  bind: '/data,/scratch',
  setup: ['module load apptainer'],
};

describe('words', () => {
  it('mean themselves to a shell', () => {
    const words = ['plain', 'a b', "it's", '$HOME', '`x`', 'a"b', '*', '', '--lr', 'x=1,y:2'];
    const echo = spawnSync('bash', ['-c', `printf '%s\\n' ${words.map(quote).join(' ')}`], { encoding: 'utf8' });
    expect(echo.stdout.split('\n').slice(0, -1)).toEqual(words);
  });

  it.each<[number[], string]>([
    [[1], '1'],
    [[1, 2, 3, 4, 5], '1-5'],
    [[2, 4, 5, 9], '2,4-5,9'],
  ])('of an array: %j is %s', (tasks, text) => expect(arrayOf(tasks)).toBe(text));
});

describe('the scripts', () => {
  it('ask for what was asked for', () => {
    const lines = taskScript(PLAN, ALL, [1, 2, 3]).split('\n');
    expect(lines.slice(3, 21)).toEqual([
      '#SBATCH --job-name=tuningfork-predict',
      '#SBATCH --output=/home/u/out/slurm/%a.log',
      '#SBATCH --open-mode=append',
      '#SBATCH --time=1:00:00',
      '#SBATCH --mem=8G',
      '#SBATCH --cpus-per-task=4',
      '#SBATCH --gres=gpu:1',
      '#SBATCH --partition=gpu',
      '#SBATCH --account=astro',
      '#SBATCH --qos=long',
      '#SBATCH --array=1-3%20',
      '#SBATCH --requeue',
      '#SBATCH --signal=B:USR1@120',
      "cd '/home/u/my data' || exit 1",
      'module load apptainer',
      'runner=$(command -v apptainer || command -v singularity) || { echo "neither apptainer nor singularity is on this node" >&2; exit 1; }',
      `tuningfork=("$runner" exec --nv --bind '/data,/scratch' 'my image.sif' tuningfork)`,
      '',
    ]);
    // Signals are caught before there is a program that they might miss.
    const traps = lines.flatMap((line, i) => (line.startsWith('trap ') ? [i] : []));
    const begins = lines.indexOf(`"\${tuningfork[@]}" predict 'it'\\''s' --shard "$SLURM_ARRAY_TASK_ID"/10 &`);
    expect(traps).toHaveLength(2);
    expect(begins).toBeGreaterThan(Math.max(...traps));
    // The last job needs no GPU.
    const merge = mergeScript(PLAN, ALL);
    expect(merge).not.toMatch(/gres|--nv|--array/);
    expect(merge).toMatch(/slurm status out --check &&\n {2}"\$\{tuningfork\[@\]\}" predict merge out\n$/);
  });

  it.runIf(spawnSync('shellcheck', ['--version']).status === 0)('are to the liking of shellcheck', () => {
    for (const [name, text] of [
      ['tasks.sh', taskScript(PLAN, ALL, [1])],
      ['merge.sh', mergeScript(PLAN, ALL)],
      ['bare.sh', taskScript(PLAN, {}, [1])],
    ]) {
      writeFileSync(join(folder, name), text);
      const { stdout } = spawnSync('shellcheck', [join(folder, name)], { encoding: 'utf8' });
      expect(stdout).toBe('');
    }
  });
});

describe('a task', () => {
  /** A folder with a script whose program is these lines of shell, and an scontrol that notes what it is asked. */
  function task(name: string, lines: string): { run: () => ReturnType<typeof spawn>; noted: () => string } {
    const cwd = join(folder, name);
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'program'), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
    writeFileSync(join(cwd, 'scontrol'), `#!/bin/bash\necho "$@" > noted\n`, { mode: 0o755 });
    writeFileSync(join(cwd, 'tasks.sh'), taskScript({ ...PLAN, cwd, program: ['./program'] }, {}, [1]));
    const env = {
      ...process.env,
      PATH: `${cwd}:${process.env['PATH']}`,
      SLURM_ARRAY_TASK_ID: '7',
      SLURM_ARRAY_JOB_ID: '12',
    };
    return {
      run: () => spawn('bash', [join(cwd, 'tasks.sh')], { env, stdio: 'ignore' }),
      noted: () => (existsSync(join(cwd, 'noted')) ? readFileSync(join(cwd, 'noted'), 'utf8') : ''),
    };
  }
  const ended = (child: ReturnType<typeof spawn>) =>
    new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));

  it('runs its part by hand, and ends as the program does', async () => {
    const { run, noted } = task('plain', 'echo "$@" > words; exit 3');
    expect(await ended(run())).toBe(3);
    expect(readFileSync(join(folder, 'plain', 'words'), 'utf8')).toBe("predict it's --shard 7/10\n");
    expect(noted()).toBe('');
  });

  const SAVES = `trap 'echo saved > saved; exit 143' TERM; touch ready; while :; do sleep 0.1; done`;
  it.each<[NodeJS.Signals, string]>([
    ['SIGUSR1', 'requeue 12_7\n'],
    ['SIGTERM', ''],
  ])(
    'passes %s on, waits until the program has saved, and asks for another turn only where its time is up',
    async (signal, asked) => {
      const { run, noted } = task(signal, SAVES);
      const child = run();
      while (!existsSync(join(folder, signal, 'ready'))) await sleep(20);
      const end = ended(child);
      child.kill(signal);
      expect(await end).toBe(143);
      expect(readFileSync(join(folder, signal, 'saved'), 'utf8')).toBe('saved\n');
      expect(noted()).toBe(asked);
    },
  );

  it('that ends well as its time is up asks for no other turn', async () => {
    const { run, noted } = task('well', SAVES.replace('exit 143', 'exit 0'));
    const child = run();
    while (!existsSync(join(folder, 'well', 'ready'))) await sleep(20);
    const end = ended(child);
    child.kill('SIGUSR1');
    expect(await end).toBe(0);
    expect(noted()).toBe('');
  });
});

describe('slurm', () => {
  const slurm = (...args: string[]) => succeed('slurm', ...args);
  const script = (out: string, name = 'tasks.sh') => readFileSync(join(out, 'slurm', name), 'utf8');

  it('hands on the options that were given, and no others', async () => {
    const out = join(folder, 'cv');
    expect(
      await slurm(
        'crossval',
        '--data',
        'synthetic:60',
        '--folds',
        '3',
        '--no-flip',
        '--soft-labels',
        '--lr',
        '1e-7',
        '--out',
        out,
        '--time',
        '5',
      ),
    ).toBe(`Written: ${out}/slurm/tasks.sh and ${out}/slurm/merge.sh; --submit hands them to Slurm\n`);
    const words = `crossval --data synthetic:60 --out ${out} --soft-labels --lr 1e-7 --no-flip --folds 3 --adapter lavapipe`;
    expect(script(out)).toContain(`"\${tuningfork[@]}" ${words} --fold "$SLURM_ARRAY_TASK_ID" &\n`);
    expect(script(out)).toContain('#SBATCH --array=1-3\n');
    expect(script(out, 'merge.sh')).toContain(`slurm status ${out} --check &&\n  "\${tuningfork[@]}" ${words}\n`);
    expect(await slurm('status', out)).toBe(
      'task  what    state     log\n1     fold 1  not done\n2     fold 2  not done\n3     fold 3  not done\n0 of 3 are done; crossval.json is not there\n',
    );
  });

  it('predicts the images of a table', async () => {
    const out = join(folder, 'listed');
    await slurm('predict', 'm', '--table', 'a list.csv', '--image-column', 'file', '--shards', '2', '--out', out);
    expect(script(out)).toContain(
      `predict m --table 'a list.csv' --image-column file --out ${out} --adapter lavapipe --shard "$SLURM_ARRAY_TASK_ID"/2 &\n`,
    );
  });

  it('refuses folds that were begun with other options', async () => {
    const out = join(folder, 'begun');
    const args = ['--data', 'synthetic:60', '--model', 'vgg_small', '--width', '0.25', '--epochs', '1'];
    await succeed('crossval', ...args, '--size', '32', '--tta', '1', '--folds', '2', '--fold', '1', '--out', out);
    const command = ['crossval', ...args, '--size', '32', '--tta', '1', '--folds', '2', '--out', out];
    expect(await slurm(...command)).toMatch(/\(1 of 2 tasks are done\)/);
    expect(await fail('slurm', ...command, '--seed', '3')).toMatch(
      /fold-1 holds a run with other options \(seed was 1 and is now 3\)/,
    );
  });

  it('leaves out what is done, and tells of it', async () => {
    const out = join(folder, 'predicted');
    const args = ['predict', 'model', '--data', 'synthetic:60', '--shards', '4', '--out', out];
    await slurm(...args);
    expect(script(out)).toContain('#SBATCH --array=1-4\n');
    expect(script(out)).toContain(
      `predict model --data synthetic:60 --out ${out} --adapter lavapipe --shard "$SLURM_ARRAY_TASK_ID"/4 &`,
    );
    for (const part of ['1-of-4.csv', '3-of-4.csv', '4-of-4.csv.part']) writeFileSync(join(out, `shard-${part}`), '');
    expect(await slurm(...args)).toMatch(/\(2 of 4 tasks are done\)/);
    expect(script(out)).toContain('#SBATCH --array=2,4\n');
    const { tasks, done, merged } = JSON.parse(await slurm('status', out, '--json'));
    expect([tasks.map(({ state }: { state: string }) => state), done, merged]).toEqual([
      ['done', 'not done', 'done', 'not done'],
      2,
      false,
    ]);
    const { code, stderr } = await tuningfork(['slurm', 'status', out, '--check']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^tuningfork: 2 of 4 tasks are not done: part 2, part 4; /),
    ]);
    expect(await fail('slurm', ...args, '--tta', '4')).toMatch(
      /holds parts of another prediction \(tta was 1 and is now 4\); give the same command/,
    );
    expect(await fail('slurm', ...args.with(3, 'synthetic:61'))).toMatch(
      /data was "synthetic:60" and is now "synthetic:61"/,
    );
    const [mine, other] = ['a', 'b'].map((name) => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'model.safetensors'), name);
      return join(folder, name);
    });
    expect(await fail('slurm', ...args.with(1, mine))).toMatch(/model was \w{12} and is now \w{12}/);
    rmSync(join(out, 'slurm'), { recursive: true });
    await slurm(...args.with(1, mine));
    // What says nothing of rows may change, and so may a model's path.
    expect(await slurm(...args.with(1, `${mine}/model.safetensors`), '--time', '9')).toMatch(/2 of 4 tasks are done/);
    expect(await fail('slurm', ...args.with(1, other))).toMatch(/model was/);
    expect(await fail('slurm', ...args, '--shards', '5')).toMatch(
      /holds 4 tasks of `tuningfork slurm predict`, which are others/,
    );
  });

  it.each<[string, () => string[], RegExp]>([
    ['no data', () => ['predict', 'model', '--out', join(folder, 'x')], /say which images: --data .*, or --table FILE/],
    ['no folder', () => ['predict', 'model', '--data', 'synthetic:6'], /needs a folder for the parts: give --out/],
    [
      'a folder that Slurm cannot name',
      () => ['crossval', '--out', join(folder, 'a b')],
      /cannot write logs into .*a b/,
    ],
    [
      'a validation fraction',
      () => ['crossval', '--val-fraction', '0.5', '--out', join(folder, 'x')],
      /no use for --val-fraction/,
    ],
    [
      'options that do not fit',
      () => ['crossval', '--head', 'tree', '--out', join(folder, 'x')],
      /--head says nothing to --task smooth/,
    ],
    ['a folder without work', () => ['status', folder], /holds no work for Slurm/],
  ])('refuses %s', async (_, args, message) => {
    expect(await fail('slurm', ...args())).toMatch(message);
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  it('says where there is no sbatch', async () => {
    const out = join(folder, 'nowhere');
    const { code, stderr } = await tuningfork(
      ['slurm', 'predict', 'model', '--data', 'synthetic:6', '--out', out, '--submit'],
      { PATH: folder },
    );
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^tuningfork: there is no sbatch on this machine; submit .*tasks\.sh/),
    ]);
  });
});
