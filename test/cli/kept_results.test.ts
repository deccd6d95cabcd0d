import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFinished } from '../../cli/crossval_folder.node.ts';
import { requireNoRunFile, requireNoTraining } from '../../cli/kept_results.node.ts';
import { fail } from './cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-kept-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const KEPT = ['metrics.json', 'predictions.csv', 'report.html', 'model.safetensors'];

beforeAll(() => {
  for (const run of ['b0', 'cv/fold-1', 'sweep/lr=1']) {
    mkdirSync(at(run), { recursive: true });
    for (const name of ['config.json', ...KEPT]) writeFileSync(at(run, name), 'kept');
  }
  mkdirSync(at('judged'));
  writeFileSync(at('judged', 'report.html'), 'of an evaluation');
});

describe('what a training says of itself', () => {
  it.each(['b0', 'cv', 'cv/fold-1', 'cv/fold-2', 'sweep', 'sweep/lr=1', 'b0/../b0'])('is not replaced in %s', (name) =>
    expect(() => requireNoTraining(at(name))).toThrow(/give another --out$/),
  );

  it.each(['judged', 'none', 'fold-2', 'cv/judged'])('is not in the way in %s', (name) =>
    expect(() => requireNoTraining(at(name))).not.toThrow(),
  );

  it('is in files of certain names', () => {
    for (const name of KEPT)
      expect(() => requireNoRunFile(at('b0', name), '--to')).toThrow(
        /belongs to the training in .*b0; give another --to/,
      );
    for (const name of ['b0/model.onnx', 'judged/predictions.csv', 'predictions.csv'])
      expect(() => requireNoRunFile(at(name), '--to')).not.toThrow();
  });

  it('is what makes a run finished, and no report of something else', () => {
    expect([isFinished(at('b0')), isFinished(at('judged'))]).toEqual([true, false]);
  });

  it.each<[string, string[], RegExp]>([
    ['evaluate', ['evaluate', at('b0'), '--out', at('b0')], /holds a training, whose own figures/],
    ['evaluate of folds', ['evaluate', at('cv'), '--out', at('cv')], /holds the trainings of a cross-validation/],
    ['export', ['export', at('b0'), '--to', at('b0', 'model.safetensors')], /belongs to the training/],
    ['predict', ['predict', at('b0'), '--data', 'x', '--out', at('b0', 'predictions.csv')], /belongs to the training/],
    ['predict merge', ['predict', 'merge', at('judged'), '--out', at('b0', 'metrics.json')], /belongs to the training/],
    ['embed', ['embed', at('b0'), '--data', 'x', '--out', at('b0', 'predictions.csv')], /belongs to the training/],
    ['slurm predict', ['slurm', 'predict', at('b0'), '--data', 'x', '--out', at('b0')], /holds a training/],
  ])('%s refuses to replace it', async (_, args, message) => {
    expect(await fail(...args)).toMatch(message);
    for (const name of KEPT) expect(readFileSync(at('b0', name), 'utf8')).toBe('kept');
  });
});
