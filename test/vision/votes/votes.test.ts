import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../vision/data/dataset.ts';
import type { Labelled } from '../../../vision/data/labelled.ts';
import { judgeVotes } from '../../../vision/votes/evaluate.ts';
import { columnsOf, readSchema } from '../../../vision/votes/schema.ts';
import { VOTES } from '../../../vision/votes/task.ts';

const JSON_SCHEMA = {
  questions: [
    { name: 'shape', answers: ['round', 'flat'] },
    { name: 'bar', answers: ['yes', { name: 'no', column: 'no_bar' }, 'unsure'] },
  ],
};
const schema = readSchema(JSON_SCHEMA, 's.json');

const dataset = (rows: readonly (readonly number[] | null)[]): Dataset<Labelled> => ({
  name: 'd',
  examples: rows.map((values, i) => ({ id: `i${i}`, label: null, values, side: i % 2 === 0 ? 'train' : 'validation' })),
  notes: [],
  load: () => Promise.reject(new Error('no image')),
  close: async () => {},
});

describe('a schema', () => {
  it('names the columns of its answers', () => {
    expect(columnsOf(schema)).toEqual(['shape_round', 'shape_flat', 'bar_yes', 'no_bar', 'bar_unsure']);
    expect(readSchema({ questions: schema }, 'again')).toEqual(schema);
  });
  it.each<[unknown, RegExp]>([
    [[], /^s has no list of questions; a schema is \{/],
    [{ questions: [] }, /no list of questions/],
    [{ questions: [{ name: 'a', answers: ['x'] }] }, /fewer than two answers to the question a/],
    [{ questions: [{ answers: ['x', 'y'] }] }, /no name or no answers of its question 1/],
    [{ questions: [{ name: 'a', answers: ['x', 7] }] }, /no name or column of the answer 2 to the question a/],
    [{ questions: [{ name: 'a', answers: ['x', 'x'] }] }, /has the column a_x twice/],
    [{ questions: [JSON_SCHEMA.questions[0], JSON_SCHEMA.questions[0]] }, /has the question shape twice/],
  ])('that is none is refused: %j', (value, message) => expect(() => readSchema(value, 's')).toThrow(message));
});

describe('votes of a run that goes on', () => {
  const chosen = VOTES.choices({ schema });
  const begun = { name: 'votes', head: 'dirichlet', most: 9 };
  const fitted = (head: 'dirichlet' | 'tree', most: number) => ({ ...chosen, head, most });

  it('have the head and the bound that it began with', () => {
    const goesOn = { name: 'votes', schema, head: 'dirichlet', most: 9 };
    expect(VOTES.resume!(chosen, begun)).toEqual(goesOn);
    expect(VOTES.resume!(chosen, begun, fitted('dirichlet', 7))).toEqual(goesOn);
  });

  it('may not be more than there were, or shares where there were counts', () => {
    expect(() => VOTES.resume!(chosen, begun, fitted('dirichlet', 10))).toThrow(
      /an image has 10 votes on a question, and the run was begun with 9 at most/,
    );
    expect(VOTES.resume!(chosen, begun, fitted('tree', 0))).toEqual(fitted('tree', 0));
  });
});

describe('votes', () => {
  const data = dataset([[3, 1, 0, 0, 0], [0, 4, 1, 1, 2], [1, 1, 0, 2, 0], [0, 0, 0, 0, 0], null]);
  const fit = (on: Dataset<Labelled>) => VOTES.fit(VOTES.choices({ schema }), on);
  const { options, outputs } = fit(data);
  const task = VOTES.make(options, outputs);

  it('are learnt as they are, of images on which somebody voted', () => {
    expect(options).toEqual({ name: 'votes', schema, head: 'dirichlet', most: 4 });
    const { train, validation, target } = task.prepare(data, { valFraction: 0.2, trainOnly: null });
    expect([train, validation]).toEqual([[0, 2], [1]]);
    expect(target(1)).toEqual([0, 4, 1, 1, 2]);
  });

  it('are told as fractions of each question, and judged where somebody was asked', () => {
    const { mark, loss } = task.prepare(data, { valFraction: 0.2, trainOnly: null });
    const row = [1, 3, 2, 5, 3];
    expect(Array.from(task.told!(row))).toEqual([0.25, 0.75, 0.2, 0.5, 0.3]);
    // Of the first image only the shape was asked: (0.25 - 0.75)² twice.
    expect(mark(row, 0)).toBeCloseTo(0.25, 12);
    // (0.25² + 0.25² + 0.05² + 0.25² + 0.2²) / 5.
    expect(mark(row, 1)).toBeCloseTo((3 * 0.0625 + 0.0025 + 0.04) / 5, 12);
    // 4 votes, 3 of them for the first: 4!/(3!·1!) · (1·2·3)·3 / (4·5·6·7).
    expect(Math.exp(-loss(row, 0))).toBeCloseTo((4 * 6 * 3) / 840, 12);
  });

  it('have figures by question', () => {
    const { figures } = judgeVotes(
      schema,
      [
        [1, 3, 2, 5, 3],
        [1, 1, 1, 1, 1],
      ],
      [
        [3, 1, 0, 0, 0],
        [0, 4, 1, 1, 2],
      ],
      'these',
    );
    const [shape, bar] = figures.questions;
    expect(shape).toMatchObject({ name: 'shape', images: 2, votes: 8 });
    // (0.5² + 0.5²) / 2 on average.
    expect(shape.rmse).toBeCloseTo(0.5, 12);
    // The mean fractions are 0.375 and 0.625.
    expect(shape.constant).toBeCloseTo(0.375, 12);
    expect(shape.answers.map(({ given, expected }) => [given, expected])).toEqual([
      [0.375, 0.375],
      [0.625, 0.625],
    ]);
    expect(bar).toMatchObject({ images: 1, votes: 4, constant: 0 });
    expect(bar.rmse).toBeCloseTo(Math.sqrt((2 * (1 / 12) ** 2 + (1 / 6) ** 2) / 3), 12);
  });

  it('that are no counts are refused by a sentence', () => {
    expect(() => fit(dataset([[1, 0.5, 0, 0, 0]]))).toThrow(/i0 has 0\.5 votes in the column shape_flat; .*whole/);
    expect(() => fit(dataset([[1, -1, 0, 0, 0]]))).toThrow(/i0 has -1 votes/);
    expect(() => fit(dataset([[0, 0, 0, 0, 0]]))).toThrow(/d has no votes in shape_round/);
    expect(() => fit(dataset([[0, 5000, 0, 0, 0]]))).toThrow(/5000 votes on a question/);
    expect(() => VOTES.choices({})).toThrow(/by --schema FILE/);
  });
});
