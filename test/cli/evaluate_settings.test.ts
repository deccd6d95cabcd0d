import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingsFor, type EvaluateFlags } from '../../cli/evaluate_settings.ts';
import type { LoadedModel } from '../../cli/load_model.node.ts';
import type { TaskChoice } from '../../galaxies/tasks.ts';

const TRAINED = {
  data: 'labels.csv',
  table: { image: 'file', label: 'kind', split: 'part', images: 'pictures' },
  valFraction: 0.3,
  trainOnly: '1-9',
  skipBad: true,
  limit: 40,
  tta: 2,
  keep: 'best',
};

const CLASSES: TaskChoice = { name: 'classes', labelSmoothing: 0 };

function settings(flags: Partial<EvaluateFlags>, config: object = TRAINED, stored = CLASSES) {
  const model = { file: { config }, classes: ['a', 'b'] } as unknown as LoadedModel;
  return settingsFor({ path: 'run', model, stored, networks: 1 }, flags as EvaluateFlags);
}

describe('evaluate', () => {
  it.each<[string, Partial<EvaluateFlags>]>([
    ['nothing is said', {}],
    ['the table is given again', { table: 'labels.csv' }],
    ['by another path', { table: resolve('labels.csv') }],
    ['with the same columns', { table: 'labels.csv', imageColumn: 'file', labelColumn: 'kind', splitColumn: 'part' }],
    ['with the same split', { valFraction: 0.3, trainOnly: '1-9' }],
  ])('judges on the images of the training as it was when %s', (_, flags) => {
    expect(settings(flags)).toMatchObject({
      table: TRAINED.table,
      split: 'validation',
      valFraction: 0.3,
      trainOnly: '1-9',
      skipBad: true,
      limit: 40,
    });
    expect(settings(flags).measuredOn).toMatch(/, which chose the epoch that was kept \(--keep best\)$/);
  });

  it.each<[string, Partial<EvaluateFlags>, RegExp]>([
    [
      'another share',
      { valFraction: 0.5 },
      /--val-fraction 0\.5: labels\.csv was divided with --val-fraction 0\.3 when/,
    ],
    ['other ids', { trainOnly: '5' }, /--train-only 5: labels\.csv was divided with --train-only 1-9/],
    ['another column', { table: 'labels.csv', splitColumn: 'p2' }, /--split-column p2: .* with --split-column part/],
  ])('refuses %s than divided them', (_, flags, message) => {
    expect(() => settings(flags)).toThrow(message);
  });

  it('says that nothing had divided them', () => {
    const { trainOnly: _, ...config } = TRAINED;
    expect(() => settings({ trainOnly: '5' }, config)).toThrow(/was divided with none when the model was trained/);
  });

  it('takes another column of the table where it is named', () => {
    expect(settings({ table: 'labels.csv', labelColumn: 'other' }).table).toEqual({ ...TRAINED.table, label: 'other' });
  });

  it('takes nothing over to other data', () => {
    const other = settings({ table: 'other.csv', valFraction: 0.5 });
    expect(other).toMatchObject({ split: 'all', valFraction: 0.5, trainOnly: null, skipBad: false });
    expect(other.table).toEqual({ image: 'image' });
    expect(other).not.toHaveProperty('limit');
    expect(other.measuredOn).toBe('all labelled images of other.csv');
  });

  it('reads the columns that a model predicts, as they were and of other data', () => {
    const task: TaskChoice = { name: 'targets', columns: ['a', 'b'], mean: [0, 0], deviation: [1, 1] };
    const trained = { data: 'x.parquet', table: { image: 'pixels', targets: ['a', 'b'] } };
    expect(settings({ data: 'x.parquet' }, trained, task).table).toEqual(trained.table);
    expect(settings({ data: 'y.parquet' }, trained, task).table).toEqual({ targets: ['a', 'b'] });
  });

  it.each<[object, string]>([
    [{ keep: 'last', patience: 3 }, ', which said when training ended (--patience 3)'],
    [{ keep: 'last', patience: null }, ''],
    [
      { keep: 'best', patience: 2 },
      ', which chose the epoch that was kept (--keep best) and said when training ended (--patience 2)',
    ],
  ])('says of validation images what %j had them do', (config, part) => {
    expect(settings({}, { data: 'x', ...config }).measuredOn).toBe(`the validation split of x${part}`);
  });
});
