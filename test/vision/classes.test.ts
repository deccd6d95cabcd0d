import { describe, expect, it } from 'vitest';
import { confusions, judgeClasses } from '../../vision/classes/evaluate.ts';
import { classes } from '../../vision/classes/task.ts';
import type { Dataset } from '../../vision/data/dataset.ts';
import type { Labelled } from '../../vision/data/labelled.ts';
import { html } from '../../vision/report/html.ts';
import { evaluationSection, headline } from '../../vision/report/section_evaluation.ts';
import type { Side } from '../../vision/data/labelled.ts';

const SIDES = { valFraction: 0.2, trainOnly: null };

const dataset = (examples: readonly (readonly [label: string | null, side?: Side])[]): Dataset<Labelled> => ({
  name: 'd',
  examples: examples.map(([label, side], i) => ({ id: `i${i}`, label, values: null, side: side ?? null })),
  notes: [],
  load: () => Promise.reject(new Error('no image')),
  close: async () => {},
});

describe('the sides of images with classes', () => {
  const task = classes({ labelSmoothing: 0 }, ['a', 'b']);

  it('are those that the data name; a test takes no part', () => {
    const named = dataset([
      ['a', 'train'],
      ['b', 'validation'],
      ['b'],
      ['a', 'test'],
      ['a', 'validation'],
      [null, 'train'],
      ['b', 'train'],
    ]);
    expect(task.split(named, SIDES)).toEqual({ train: [0, 2, 6], validation: [1, 4] });
  });

  it('are decided by a hash where none is named, and leave no class without something to learn', () => {
    const many = dataset(Array.from({ length: 200 }, (_, i) => [i < 2 ? 'rare' : i % 2 === 0 ? 'a' : 'b'] as const));
    for (let seed = 0; seed < 3; seed++) {
      const { train, validation } = task.split(many, { ...SIDES, valFraction: 0.9 - seed / 10 });
      expect([...train, ...validation].sort((x, y) => x - y)).toEqual(many.examples.map((_, i) => i));
      expect(new Set(train.map((i) => many.examples[i].label)).size).toBe(3);
    }
  });

  it('are refused where nothing is left to judge on, and for a class that the network does not know', () => {
    const named = dataset([
      ['a', 'train'],
      ['b', 'train'],
      ['c', 'validation'],
    ]);
    expect(() => task.prepare(named, SIDES)).toThrow(/image i2 is of the class c, which is not among 2 classes/);
    const few = dataset([['a'], ['b']]);
    expect(() => task.prepare(few, { ...SIDES, valFraction: 0 })).toThrow(
      /no labelled image is on the validation side/,
    );
  });

  it('aim at the class, and with smoothing a little at all', () => {
    const named = dataset([
      ['a', 'train'],
      ['b', 'train'],
      ['b', 'validation'],
    ]);
    const smooth = classes({ labelSmoothing: 0.2 }, ['a', 'b', 'c', 'd']);
    expect(() => smooth.prepare(named, SIDES)).toThrow(/no image of the class c is on the training side/);
    const target = classes({ labelSmoothing: 0.2 }, ['a', 'b']).prepare(named, SIDES).target(1);
    expect([...(target as Float32Array)]).toEqual([expect.closeTo(0.1, 6), expect.closeTo(0.9, 6)]);
  });
});

describe('the judgement of many classes', () => {
  // Seven classes; rows that can be counted by hand.
  const K = 7;
  const row = (...order: number[]) => {
    const p = new Array<number>(K).fill(0);
    order.forEach((k, place) => (p[k] = (K - place) / 28));
    return p;
  };
  const rows = [
    row(0, 1, 2, 3, 4, 5, 6),
    row(1, 0, 2, 3, 4, 5, 6),
    row(6, 5, 4, 3, 2, 1, 0),
    row(2, 1, 0, 3, 4, 5, 6),
    row(1, 0, 2, 3, 4, 5, 6),
  ];
  const labels = [0, 0, 1, 2, 0];
  const judgement = judgeClasses({ probabilities: rows.flat(), labels, classes: K }, [...'abcdefg'], 'all');
  const { evaluation } = judgement;

  it('tells the right ones, those among the five most probable, and means over the classes that have images', () => {
    expect(evaluation.accuracy).toMatchObject({ n: 5, correct: 2, value: 0.4 });
    // All but the third, whose class comes sixth.
    expect(evaluation.top5).toMatchObject({ n: 5, correct: 4, value: 0.8 });
    // a: precision 1, recall 1/3, F1 1/2. b: taken twice for it and never right. c: 1, 1, 1.
    expect(evaluation.macro!.precision).toBeCloseTo(2 / 3, 12);
    expect(evaluation.macro!.recall).toBeCloseTo((1 / 3 + 0 + 1) / 3, 12);
    expect(evaluation.macro!.f1).toBeCloseTo((1 / 2 + 0 + 1) / 3, 12);
    expect(evaluation.auc).toBeNull();
    expect(evaluation.roc).toEqual([]);
  });

  it('lists what was taken for what', () => {
    expect(confusions(evaluation, 5)).toEqual([
      { truth: 'a', predicted: 'b', count: 2 },
      { truth: 'b', predicted: 'g', count: 1 },
    ]);
    expect(confusions(evaluation, 1)).toHaveLength(1);
  });

  it('of two classes has neither means nor five', () => {
    const two = judgeClasses({ probabilities: [0.9, 0.1, 0.2, 0.8], labels: [0, 1], classes: 2 }, ['a', 'b'], 'all');
    expect(two.evaluation).not.toHaveProperty('macro');
    expect(two.evaluation).not.toHaveProperty('top5');
    expect(two.evaluation.auc).toBe(1);
  });
});

describe('the report on a hundred classes', () => {
  it('names every class beside its map, and what was most often taken for what', async () => {
    const names = Array.from({ length: 100 }, (_, k) => `kind ${k}`);
    // Two rows of each class; the second of every fifth is taken for the next class.
    const labels = Array.from({ length: 200 }, (_, i) => Math.floor(i / 2));
    const probabilities = labels.flatMap((label, i) => {
      const said = i % 10 === 1 ? label + 1 : label;
      return names.map((_, k) => (k === said ? 0.901 : 0.001));
    });
    const { evaluation } = judgeClasses({ probabilities, labels, classes: 100 }, names, 'all');
    const page = html`${headline(evaluation)}${(await evaluationSection(evaluation)).body}`.text;
    const [map] = /<svg[\s\S]*?<\/svg>/.exec(page)!;
    for (const name of names) expect(map.split(`>${name}<`).length - 1, name).toBe(2);
    expect(page).toMatch(/The most frequent confusions/);
    expect(page).toMatch(/kind 5<\/th><td>kind 6<\/td><td>1</);
    expect(page).toMatch(/Top-5 accuracy/);
  });
});
