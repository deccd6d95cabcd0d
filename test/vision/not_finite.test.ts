import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { expectedCalibrationError, confidenceHistograms, reliability } from '../../vision/judge/calibration.ts';
import { RmseAccumulator } from '../../galaxies/challenge/rmse.ts';
import { scoreTable, Truth } from '../../galaxies/challenge/score.ts';
import { judge } from '../../galaxies/classify/evaluate.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { parseCsv } from '../../vision/data/csv.ts';
import { jsonText, orNull } from '../../vision/json_text.ts';
import { accuracy, confidentMistakes, confusionMatrix, logLoss } from '../../vision/judge/metrics.ts';
import { thresholdTradeOff } from '../../galaxies/classify/trade_off.ts';
import { predictionRecord } from '../../vision/answer/prediction_record.ts';
import { rocAuc, rocCurve } from '../../vision/judge/roc.ts';
import { loadCheckpoint, NEW_STATE, saveCheckpoint } from '../../vision/train/checkpoint.node.ts';
import { requireFinite } from '../../vision/answer/require_finite.ts';
import { readSafetensorsFile, writeSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import { scratchFolder } from './training.ts';

const scratch = scratchFolder();
const BAD = [NaN, Infinity, -Infinity];

describe('what compares predictions refuses those that are not finite, and ends', () => {
  const votes = { smooth: 0.9, featured: 0.1, artifact: 0 };
  it.each(BAD)('%d', (bad) => {
    for (const at of [0, 3, 5]) {
      const probabilities = [0.9, 0.1, 0.4, 0.6, 0.2, 0.8].with(at, bad);
      const p = { probabilities, labels: [0, 1, 1], classes: 2 };
      for (const ask of [accuracy, confusionMatrix, logLoss, confidentMistakes, reliability, expectedCalibrationError])
        expect(() => ask(p), ask.name).toThrow(`row ${at >> 1} holds the probability ${bad}`);
      for (const ask of [rocAuc, rocCurve]) expect(() => ask(p, 1), ask.name).toThrow(RangeError);
      expect(() => confidenceHistograms(p)).toThrow(RangeError);
      expect(() => thresholdTradeOff([votes, votes, votes], probabilities, [0.6])).toThrow(RangeError);
    }
  });
});

describe('what a network gives is refused by the name of what it is about', () => {
  it.each(BAD)('%d', (bad) => {
    const rows = Float32Array.of(1, 2, 3, 4, 5, 6);
    const nameOf = (row: number) => `galaxy ${['a', 'b', 'c'][row]}`;
    expect(() => requireFinite(rows, 2, nameOf)).not.toThrow();
    expect(() => requireFinite(rows.fill(bad, 3, 4), 2, nameOf)).toThrow(UserError);
    expect(() => requireFinite(rows, 2, nameOf)).toThrow(`galaxy b: the network gives ${bad} (number 2 of 2)`);
  });

  it.each(BAD)('a record of %d is none', (bad) => {
    const task = { answers: 'probabilities' as const, outputs: ['smooth', 'featured'] };
    expect(() => predictionRecord('7', task, [0.5, bad])).toThrow(`image 7, featured: ${bad}`);
    expect(() => predictionRecord('7', { ...task, answers: 'fractions' }, [bad, 0.5])).toThrow('image 7, smooth');
  });
});

describe('JSON', () => {
  it.each(BAD)('never holds null for %d', (bad) => {
    expect(() => jsonText({ a: [1, { b: bad }] })).toThrow(`b is ${bad}`);
    expect(() => jsonText([bad])).toThrow(RangeError);
  });
  it('is otherwise what JSON.stringify gives, null where that is said', () => {
    const value = { a: [1.5, null, 'NaN'], b: { c: orNull(NaN), d: orNull(0) } };
    expect(jsonText(value)).toBe(JSON.stringify(value, null, 2));
    expect(jsonText(value, 0)).toBe(JSON.stringify(value));
    expect(JSON.parse(jsonText(value)).b).toEqual({ c: null, d: 0 });
  });
  it('of a judgement has null for what is not defined: a class never answered, a threshold that nothing reaches', () => {
    const examples = ['1', '2'].map((id) => ({ id, votes: { smooth: 0.65, featured: 0.35, artifact: 0 } }));
    const dataset = { name: 'd', examples, notes: [], load: () => Promise.reject(), close: async () => {} };
    const answers = { probabilities: [0.9, 0.1, 0.8, 0.2], labels: [0, 0], classes: 2 };
    const { evaluation } = judge(dataset, [0, 1], answers, 0.6, 'all');
    const read = JSON.parse(jsonText(evaluation));
    // Of what is not defined the interval is all that it could be.
    const anything = { low: 0, high: 1 };
    const intervals = { precisionInterval: anything, recallInterval: anything };
    const undefinedFigures = { precision: null, recall: null, f1: null };
    expect(read.perClass[1]).toEqual({ name: 'featured', ...undefinedFigures, ...intervals, support: 0 });
    expect(read.auc).toBeNull();
    expect(read.tradeOff.at(-1)).toEqual({ threshold: 0.9, n: 0, accuracy: null });
    expect(read.confidence.medianWrong).toBeNull();
  });
});

describe('scores', () => {
  const header = `GalaxyID,${CHALLENGE_COLUMNS.join(',')}\n`;
  const table = (value: string) => `${header}7,${CHALLENGE_COLUMNS.map(() => value).join(',')}\n`;
  it.each(['1e200', '-1e155', '1e308', '1e999'])('of %s would be infinite and are refused', (value) => {
    const truth = new Truth('truth.csv');
    parseCsv(table('0.5'), 'truth.csv', truth.sink);
    const scoring = scoreTable('mine.csv', truth);
    expect(() => parseCsv(table(value), 'mine.csv', scoring.sink)).toThrow(
      `mine.csv, line 2, column Class1.1: ${value} is too large for a number to be scored`,
    );
  });
  it.each(BAD)('of %d are refused', (bad) => {
    const row = CHALLENGE_COLUMNS.map(() => 0.5);
    expect(() => new RmseAccumulator().add(row, row.with(3, bad))).toThrow(`Class2.1 is ${bad}`);
  });
});

describe('a checkpoint is refused by the name of the tensor', () => {
  const arrays = () =>
    new Map(
      ['conv.w', 'bn.stats', 'conv.w/m', 'conv.w/v'].map((name) => [
        name,
        { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      ]),
    );
  const save = async (name: string, at: number, value: number) => {
    const dir = scratch.next();
    mkdirSync(dir);
    const path = join(dir, 'c.safetensors');
    const all = arrays();
    all.get(name)!.data[at] = value;
    await saveCheckpoint(path, NEW_STATE, all);
    return path;
  };
  it.each([
    ...['conv.w', 'bn.stats', 'conv.w/m', 'conv.w/v'].flatMap((name) => BAD.map((bad) => [name, 1, bad] as const)),
    ['conv.w/v', 2, -1e-3] as const,
    ['bn.stats', 3, -0.5] as const,
  ])('%s at %i holds %d', async (name, at, bad) => {
    const path = await save(name, at, bad);
    const error = await loadCheckpoint(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(new RegExp(`^${path}: tensor '${name}'.* holds -?[\\w.]+ at element`));
  });

  it('but not for means, weights and first moments below 0', async () => {
    for (const [name, at] of [
      ['bn.stats', 1],
      ['conv.w', 0],
      ['conv.w/m', 0],
    ] as const)
      expect((await loadCheckpoint(await save(name, at, -1)))!.arrays.get(name)![at]).toBe(-1);
  });

  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no step', JSON.stringify({ ...NEW_STATE, step: undefined })],
    ['half a step', JSON.stringify({ ...NEW_STATE, step: 0.5 })],
    ['a sum that is no number', JSON.stringify({ ...NEW_STATE, sums: { ...NEW_STATE.sums, loss: null } })],
  ])('and where its state is damaged: %s', async (_, state) => {
    const path = await save('conv.w', 0, 1);
    const { tensors } = await readSafetensorsFile(path);
    await writeSafetensorsFile(path, tensors, { tuningfork_state: state });
    await expect(loadCheckpoint(path)).rejects.toThrow(UserError);
    await expect(loadCheckpoint(path)).rejects.toThrow(
      /c\.safetensors: the state in its metadata is damaged.*; delete the file to begin anew$/,
    );
  });

  it('and none is written with a state that is not finite', async () => {
    const state = { ...NEW_STATE, best: { epoch: 1, loss: NaN } };
    await expect(saveCheckpoint(join(scratch.path, 'c'), state, arrays())).rejects.toThrow('loss is NaN');
  });
});
