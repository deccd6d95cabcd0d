import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { begunFolds, finishedFolds } from '../../cli/crossval_folder.node.ts';
import { readMetrics } from '../../cli/metrics_file.node.ts';
import { readState } from '../../cli/row_state.node.ts';
import { readRun } from '../../cli/run_record.node.ts';
import { slurmStatus } from '../../cli/slurm.node.ts';
import { UserError } from '../../engine/user_error.ts';
import { NEW_STATE } from '../../vision/train/checkpoint.node.ts';
import { optionsOf, readOptions } from '../../vision/train/options_file.node.ts';
import { parseState } from '../../vision/train/state_file.ts';
import { EPOCH, METRICS } from './stored_samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-json-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (text: string): string => {
  const path = join(folder, 'stored.json');
  writeFileSync(path, text);
  return path;
};

const STATE = {
  ...NEW_STATE,
  step: 3,
  history: [EPOCH],
  best: { epoch: 1, loss: 0.4 },
  stale: { epochs: 0, loss: 0.4 },
};
const FOLD = { index: 1, of: 5, seed: 0, sides: 7 };
const CONFIG = { task: { name: 'challenge', head: 'tree' }, weights: null, tune: { epochs: 2 }, fold: FOLD, data: 'x' };

const ROWS = {
  origin: { model: 'm', images: 6, '--tta': 1 },
  ...{ total: 6, rows: 2, bad: 0, bytes: 20, header: 5 },
  images: { dated: '', bytes: '' },
};
const JOB = { kind: 'predict', tasks: [{ name: 'part 1', done: 'shard-1-of-1.csv' }], merged: 'predictions.csv' };

const readRows = (text: string) => {
  writeFileSync(join(folder, 'stored.json.state.json'), text);
  return readState(join(folder, 'stored.json'));
};
const readJob = (text: string) => {
  mkdirSync(join(folder, 'stored.json.job', 'slurm'), { recursive: true });
  writeFileSync(join(folder, 'stored.json.job', 'slurm', 'job.json'), text);
  try {
    slurmStatus(join(folder, 'stored.json.job'), { json: true });
    return JSON.parse(text);
  } finally {
    rmSync(join(folder, 'stored.json.job'), { recursive: true });
  }
};

/** A copy in which the value at a dotted path is another; undefined: there is none. */
function changed(value: object, path: string, to: unknown): string {
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = path.split('.');
  const at = keys.slice(0, -1).reduce((inner, key) => inner[key] as Record<string, unknown>, copy);
  at[keys.at(-1)!] = to;
  return JSON.stringify(copy);
}

const KINDS = {
  'state of a checkpoint': { whole: STATE, read: (text: string) => parseState(text, 'stored.json') },
  'metrics.json': { whole: METRICS, read: (text: string) => readMetrics(put(text), 'smooth-or-featured') },
  'config.json': { whole: CONFIG, read: (text: string) => readOptions(put(text)) },
  'state of rows': { whole: ROWS, read: readRows },
  'job.json': { whole: JOB, read: readJob },
} as const;

describe('JSON that a run reads again', () => {
  it('is taken as it was written, and a config with all its other options', () => {
    for (const { whole, read } of Object.values(KINDS)) expect(read(JSON.stringify(whole))).toEqual(whole);
  });

  it.each(Object.entries(KINDS))('%s: what is none is refused', (_, { whole, read }) => {
    const text = JSON.stringify(whole);
    for (const [broken, sentence] of [
      ['', /stored\.json.* is damaged: it is empty; /],
      ['\n', /it is empty/],
      [text.slice(0, -1), /it is not JSON, or is cut short/],
      ['null', /is damaged or of another version: it holds null where an object is needed; /],
      ['[1]', /it holds \[1\] where an object is needed/],
      ['"x"', /it holds "x" where an object is needed/],
    ] as const) {
      expect(() => read(broken)).toThrow(UserError);
      expect(() => read(broken)).toThrow(sentence);
    }
  });

  it.each<[keyof typeof KINDS, string, unknown, string]>([
    ['state of a checkpoint', 'step', undefined, 'step is missing'],
    ['state of a checkpoint', 'step', -1, 'step is -1 where a whole number of at least 0 is needed'],
    ['state of a checkpoint', 'phase', 0.5, 'phase is 0.5 where a whole number of at least 0 is needed'],
    ['state of a checkpoint', 'adamStep', 1e300, 'adamStep is 1e+300 where a whole number of at least 0 is needed'],
    ['state of a checkpoint', 'sums', null, 'sums is null where an object is needed'],
    ['state of a checkpoint', 'sums.loss', '1', 'sums.loss is "1" where a number is needed'],
    ['state of a checkpoint', 'history', {}, 'history is {} where a list is needed'],
    ['state of a checkpoint', 'history.0.train', { accuracy: 1 }, 'history.0.train.loss is missing'],
    ['state of a checkpoint', 'best.epoch', 0, 'best.epoch is 0 where a whole number of at least 1 is needed'],
    ['state of a checkpoint', 'finished', 1, 'finished is 1 where true or false is needed'],
    ['metrics.json', 'counts.train', 1.5, 'counts.train is 1.5 where a whole number of at least 0 is needed'],
    ['metrics.json', 'accuracy', 0.5, 'accuracy is 0.5 where an object is needed'],
    ['metrics.json', 'keep', 'none', 'keep is "none" where "best" or "last" is needed'],
    ['config.json', 'fold.of', 1e9, 'fold.of is 1000000000 where a whole number from 2 to 100 is needed'],
    ['config.json', 'fold.index', 0, 'fold.index is 0 where a whole number from 1 to 100 is needed'],
    ['config.json', 'task.name', 5, 'task.name is 5 where a text is needed'],
    ['config.json', 'tune.epochs', -2, 'tune.epochs is -2 where a whole number of at least 0 is needed'],
    ['config.json', 'table', { image: 5 }, 'table.image is 5 where a text is needed'],
    ['config.json', 'limit', 0, 'limit is 0 where a whole number of at least 1 is needed'],
    ['state of rows', 'rows', -1, 'rows is -1 where a whole number of at least 0 is needed'],
    ['state of rows', 'bytes', null, 'bytes is null where a whole number of at least 0 is needed'],
    ['state of rows', 'origin', 'x', 'origin is "x" where an object is needed'],
    ['state of rows', 'bad', undefined, 'bad is missing'],
    ['state of rows', 'images.dated', undefined, 'images.dated is missing'],
    ['state of rows', 'origin.model', {}, 'origin.model is {} where a text or a number is needed'],
    ['job.json', 'kind', 'train', 'kind is "train" where "crossval", "predict" or "sweep" is needed'],
    ['job.json', 'tasks', { length: 1e9 }, 'tasks is {"length":1000000000} where a list is needed'],
    ['job.json', 'tasks.0.done', 7, 'tasks.0.done is 7 where a text is needed'],
    ['job.json', 'jobs', { tasks: 1, merge: null }, 'jobs.tasks is 1 where a text is needed'],
    ['config.json', 'weights', ['x'.repeat(90)], `weights is ["${'x'.repeat(38)}... where a text is needed`],
  ])('%s: %s = %j is refused', (kind, path, to, sentence) => {
    const { whole, read } = KINDS[kind];
    expect(() => read(changed(whole, path, to))).toThrow(`stored.json`);
    expect(() => read(changed(whole, path, to))).toThrow(`is damaged or of another version: ${sentence}; `);
  });

  it('is refused in a model file', () => {
    expect(optionsOf({ config: CONFIG }, 'm.safetensors')).toBe(CONFIG);
    const config = { ...CONFIG, fold: { ...FOLD, of: 1e9 } };
    expect(() => optionsOf({ config }, 'm.safetensors')).toThrow(
      /^m\.safetensors: 'config' in its metadata is damaged .*fold\.of is 1000000000 where/,
    );
  });

  it('is refused where it is a folder, in a run and in a fold', async () => {
    const run = join(folder, 'run');
    mkdirSync(join(run, 'config.json'), { recursive: true });
    await expect(readRun(run)).rejects.toThrow(/Cannot read .*config\.json: it is a folder/);
    const crossval = join(folder, 'crossval');
    mkdirSync(join(crossval, 'fold-1', 'config.json'), { recursive: true });
    expect(() => begunFolds(crossval)).toThrow(/Cannot read .*fold-1\/config\.json: it is a folder/);
  });

  it('ends at once where a fold claims a thousand million of them', () => {
    const crossval = join(folder, 'large');
    mkdirSync(join(crossval, 'fold-1'), { recursive: true });
    writeFileSync(join(crossval, 'fold-1', 'config.json'), changed(CONFIG, 'fold.of', 1e9));
    expect(() => finishedFolds(crossval)).toThrow(/fold-1\/config\.json is damaged .*fold\.of is 1000000000/);
    writeFileSync(join(crossval, 'fold-1', 'config.json'), JSON.stringify(CONFIG));
    expect(() => finishedFolds(crossval)).toThrow(
      /cross-validation of 5 folds that is not finished: folds 1, 2, 3, 4, 5/,
    );
  });
});
