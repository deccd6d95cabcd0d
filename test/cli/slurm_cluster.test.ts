import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM, succeed, tuningfork } from './cli.ts';

const NODE = fileURLToPath(new URL('slurm_node.sh', import.meta.url));
const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));
const has = (tool: string) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
// Its jobs take the machine's processors from the other tests for minutes, so it runs where it is asked for.
const CLUSTER =
  process.env['TUNINGFORK_TEST_SLURM'] === '1' &&
  process.getuid?.() === 0 &&
  ['slurmctld', 'slurmd', 'munged', 'sbatch'].every(has);
if (!CLUSTER)
  console.log(
    'Slurm is left out: set TUNINGFORK_TEST_SLURM=1, as root, where there are slurmctld, slurmd, slurm-client and munge',
  );

const SMALL =
  '--data synthetic:60 --model vgg_small --width 0.25 --size 32 --batch 8 --epochs 1 --tta 1 --tuning none'.split(' ');
const OTHERS = 'synthetic:60:5';

let folder: string;
let env: Record<string, string | undefined> | undefined;
let model: string;

/** A program that starts tuningfork, and pulls a plug in the first turn of one task. */
function programWith(name: string, task: number, moment: object): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `#!/bin/bash
if [ "\${SLURM_ARRAY_TASK_ID-}" = ${task} ] && [ ! -e '${path}.pulled' ]; then
  touch '${path}.pulled'
  export PLUG='${JSON.stringify(moment)}'
  exec '${process.execPath}' --import '${PLUG}' '${PROGRAM}' "$@"
fi
exec '${process.execPath}' '${PROGRAM}' "$@"
`,
    { mode: 0o755 },
  );
  return path;
}

const slurm = (tool: string, ...args: string[]) =>
  spawnSync(tool, args, { encoding: 'utf8', env: { ...process.env, ...env } as NodeJS.ProcessEnv });

async function submit(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tuningfork(['slurm', ...args, '--adapter', 'lavapipe', '--submit'], env);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(300);
}
const queueIsEmpty = () => slurm('squeue', '--noheader').stdout.trim() === '';
const read = (...path: string[]) => readFileSync(join(...path), 'utf8');

describe.runIf(CLUSTER)('on a cluster', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tuningfork-slurm-'));
    const conf = execFileSync('bash', [NODE, 'up', join(folder, 'cluster')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    env = { SLURM_CONF: conf.trim() };
    model = join(folder, 'model');
    await succeed('train', ...SMALL, '--out', model);
  });
  afterAll(() => {
    if (env) slurm('scancel', '--user', 'root');
    execFileSync('bash', [NODE, 'down', join(folder, 'cluster')], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  });

  it('five folds, one of them cancelled and requeued, are the folds of one process', async () => {
    const [one, out] = [join(folder, 'one'), join(folder, 'cv')];
    await succeed('crossval', ...SMALL, '--out', one, '--checkpoint-steps', '2');
    // The third stands still after two steps, so that it is cancelled before the third however slow the machine is.
    const moment = { file: 'fold-3/.checkpoint.*tmp$', operation: 'renamed', nth: 1, signal: 'SIGSTOP' };
    const program = programWith('stops', 3, moment);
    const told = await submit('crossval', ...SMALL, '--out', out, '--checkpoint-steps', '2', '--program', program);
    const job = /^Job (\d+): 5 tasks$/m.exec(told)![1];
    await until(() => existsSync(join(out, 'fold-3', 'checkpoint.safetensors')));
    expect((await tuningfork(['slurm', 'status', out], env)).stdout).toMatch(/^3 +fold 3 +running/m);
    const again = await tuningfork(['slurm', 'crossval', ...SMALL, '--out', out, '--submit'], env);
    expect([again.code, again.stderr]).toEqual([
      2,
      expect.stringMatching(/tasks are still in the queue.*scancel \d+$/m),
    ]);
    expect(slurm('scontrol', 'requeue', `${job}_3`).status).toBe(0);
    // Slurm lets two minutes pass before a second turn.
    await until(() => slurm('scontrol', 'update', `JobId=${job}_3`, 'StartTime=now').status === 0);
    await until(queueIsEmpty);
    const log = read(out, 'slurm', '3.log');
    expect(log).toMatch(/^stopped, and saved: the same command goes on$/m);
    // Slurm wakes the task before it ends it, so it may take a few more steps.
    expect(log).toMatch(/^resuming at phase 1, epoch 1, step [3-9]$/m);
    expect(read(out, 'slurm', 'merge.log')).toMatch(
      /^5 of 5 are done;[\s\S]*^accuracy .* mean and standard deviation of 5/m,
    );
    expect(read(out, 'crossval.json')).toBe(read(one, 'crossval.json'));
    for (const fold of [1, 2, 3, 4, 5]) {
      const weights = (run: string) => readFileSync(join(run, `fold-${fold}`, 'model.safetensors'));
      expect(weights(out).equals(weights(one)), `weights of fold ${fold}`).toBe(true);
    }
  });

  it('a prediction in ten parts, one of them killed, is the prediction of one process', async () => {
    const [one, out] = [join(folder, 'one.csv'), join(folder, 'parts')];
    await succeed('predict', model, '--data', OTHERS, '--out', one);
    // Killed between the rows and what says that they are there.
    const moment = { file: 'shard-04.*state.json.*tmp$', operation: 'rename', nth: 2 };
    const program = programWith('dies', 4, moment);
    const args = ['predict', model, '--data', OTHERS, '--shards', '10', '--out', out, '--program', program];
    await submit(...args);
    await until(queueIsEmpty);
    expect(read(out, 'slurm', 'merge.log')).toMatch(/parts lacks part 4 of 10; give the command .*--shard 4\/10$/m);
    expect(existsSync(join(out, 'predictions.csv'))).toBe(false);
    expect((await tuningfork(['slurm', 'status', out, '--check'], env)).code).toBe(2);
    expect(await submit(...args)).toMatch(/^Job \d+: 1 task \(9 of 10 tasks are done\)$/m);
    await until(queueIsEmpty);
    expect(read(out, 'predictions.csv')).toBe(read(one));
    const { code, stdout } = await tuningfork(['slurm', 'status', out, '--check'], env);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/10 of 10 are done; predictions\.csv is there/)]);
  });

  it('a sweep of four ends in their comparison', async () => {
    const [grid, out] = [join(folder, 'grid.json'), join(folder, 'sweep')];
    writeFileSync(grid, '{"lr": [1e-3, 1e-4], "seed": [1, 2]}');
    await submit('sweep', grid, ...SMALL, '--out', out);
    await until(queueIsEmpty);
    const runs = ['lr=0.001_seed=1', 'lr=0.001_seed=2', 'lr=0.0001_seed=1', 'lr=0.0001_seed=2'];
    for (const run of runs) expect(existsSync(join(out, run, 'report.html')), run).toBe(true);
    const log = read(out, 'slurm', 'merge.log');
    for (const run of runs) expect(log).toMatch(new RegExp(`${run} +0\\.\\d{3} `));
    expect(read(out, 'compare.html')).toContain('lr=0.001_seed=2');
    // The same seed and options as on the command line: the same weights.
    const weights = (run: string) => readFileSync(join(run, 'model.safetensors'));
    expect(weights(join(out, runs[0])).equals(weights(model))).toBe(true);
  });
});
