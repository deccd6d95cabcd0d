import { describe, expect, it } from 'vitest';
import { defaultsOf, elementOf, wholeNumbers, type Settings, type Values } from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { evaluateArithmetic } from '../engine/arithmetic.ts';
import { byHand, isResult, shapeByHand, type Shown } from '../reference/by_hand.ts';
import { chapterFiles, exercisesIn, figuresIn, readChapter, type Assignment } from './exercises.ts';

const cellOf = (name: string) => {
  const [, of, at] = /^(.*)\[(.*)\]$/.exec(name)!;
  return { of, at: at.split(',').map(Number) };
};

/** Every number of an op's example in float64, after changes of its settings and operands. */
function worked(op: string, changed: readonly Assignment[]): Values {
  const explanation = EXPLANATIONS.find(({ name }) => name === op)!;
  const ofSettings = changed.filter(([name]) => !name.includes('['));
  const settings: Settings = { ...defaultsOf(explanation), ...Object.fromEntries(ofSettings) };
  const values: Record<string, Shown> = Object.fromEntries(
    explanation.operands(settings).map(({ name, shape, data }) => [name, { shape, data: [...data] }]),
  );
  const [output] = explanation.results;
  if (output.of === undefined) {
    const shape = shapeByHand(op, values, settings);
    values[`d${output.name}`] = { shape, data: [...(explanation.cotangent ?? wholeNumbers(shape, -1, 2, 11))] };
  }
  for (const [name, value] of changed.filter(([each]) => each.includes('['))) {
    const { of, at } = cellOf(name);
    const { shape, data } = values[of];
    (data as number[])[at.reduce((offset, i, axis) => offset * shape[axis] + i, 0)] = value;
  }
  for (const { name, of } of explanation.results) {
    const shape = of === undefined ? values[`d${name}`].shape : values[of].shape;
    values[name] = { shape, data: byHand(op, name, values, settings) };
  }
  return values;
}

const isOp = (name: string | undefined) => EXPLANATIONS.some((explanation) => explanation.name === name);
/** Settings that a figure is given in its place. */
const settingsOf = (data: Readonly<Record<string, string>>): Assignment[] =>
  Object.entries(data).flatMap(([name, text]): Assignment[] => (/^\d+$/.test(text) ? [[name, Number(text)]] : []));

describe.each(chapterFiles)('the exercises of %s', (file) => {
  const exercises = exercisesIn(readChapter(file));

  it('are three to five of several kinds, each with its answer', () => {
    expect(exercises.length).toBeGreaterThanOrEqual(3);
    expect(exercises.length).toBeLessThanOrEqual(5);
    expect(new Set(exercises.map(({ kind }) => kind)).size).toBeGreaterThan(1);
    for (const { text } of exercises)
      expect(text).toMatch(/\n<details><summary>Answer<\/summary>\n\n[\s\S]*\n\n<\/details>\n$/);
    expect(readChapter(file)).toMatch(/^## Exercises$/m);
  });

  it('have answers that follow from what is shown', () => {
    for (const exercise of exercises) {
      const { kind, text, figure } = exercise;
      if (kind === 'number') {
        const { value, tolerance, arithmetic, from } = exercise;
        expect(arithmetic ?? from, `${text} needs arithmetic, or an op's example`).toBeDefined();
        const want = from
          ? elementOf(worked(from.op, from.changed), cellOf(from.cell))
          : evaluateArithmetic([arithmetic!.replaceAll('-', '−')]).value;
        expect(Math.abs(value - want), `${text}: ${want}`).toBeLessThanOrEqual(tolerance + 1e-9 * Math.abs(want));
      } else if (kind === 'choice') {
        expect(exercise.items, text).toBeGreaterThan(1);
        expect(exercise.value).toBeGreaterThanOrEqual(1);
        expect(exercise.value).toBeLessThanOrEqual(exercise.items);
      } else if (kind === 'cell') {
        const wrong = figure?.data['wrong'];
        if (wrong !== undefined) expect(wrong).toBe(exercise.value.replaceAll(' ', ''));
        if (!isOp(figure?.name)) continue;
        const { of } = cellOf(exercise.value);
        expect(isResult(figure!.name, of) && figure!.shows.includes(of), text).toBe(true);
        const shown = elementOf(worked(figure!.name, settingsOf(figure!.data)), cellOf(exercise.value));
        // The answer says what the right number is.
        expect(text.split('<details>')[1]).toMatch(new RegExp(`= ${shown}\\b|^${shown}:`, 'm'));
      } else {
        const { name, sign, value, by } = exercise;
        expect(by.length, text).toBeGreaterThan(0);
        if (!isOp(figure?.name)) continue; // solved in the page
        const holds = (changed: readonly Assignment[]) => {
          const got = elementOf(worked(figure!.name, [...settingsOf(figure!.data), ...changed]), cellOf(name));
          return sign === '>' ? got > value : got < value;
        };
        expect(holds([]), `${text} holds before anything is changed`).toBe(false);
        expect(holds(by), text).toBe(true);
      }
    }
  });

  it('have figures of ops with settings that there are', () => {
    for (const { name, shows, data } of figuresIn(readChapter(file))) {
      const explanation = EXPLANATIONS.find((each) => each.name === name);
      if (!explanation) continue;
      const settings = explanation.settings.map((setting) => setting.name);
      for (const key of Object.keys(data)) expect(['sliders', 'bars', 'strips', 'wrong', ...settings]).toContain(key);
      const values = worked(name, settingsOf(data));
      for (const value of shows) expect(Object.keys(values)).toContain(value);
    }
  });
});
