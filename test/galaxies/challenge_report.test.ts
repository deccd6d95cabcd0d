import { describe, expect, it } from 'vitest';
import {
  DRAWN,
  fractionsData,
  pathOf,
  rowOf,
  strongestAnswers,
  summariseVotes,
  tellingQuestions,
} from '../../galaxies/challenge/report_data.ts';
import { challengeRmse } from '../../galaxies/challenge/rmse.ts';
import { CHALLENGE_COLUMNS, firstColumn } from '../../galaxies/columns.ts';
import type { Galaxies } from '../../galaxies/galaxy.ts';
import { QUESTIONS } from '../../galaxies/decision_tree.ts';
import type { ReportData } from '../../galaxies/report/data.ts';
import { questionErrors, sharesScatter, voteCurves } from '../../galaxies/report/plots_fractions.ts';
import { renderReport } from '../../galaxies/report/report.ts';
import { renderSvg } from '../../vision/report/svg.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { randomArray } from '../random.ts';
import { madeUpPicture, madeUpRun, madeUpTraining } from './report_fixture.ts';
import { readPage } from './report_page.ts';

const WIDTH = CHALLENGE_COLUMNS.length;
const dataset = syntheticDataset(500, 3);
const everyone = dataset.examples.map((_, i) => i);
const votesOf = (galaxy: number) => dataset.examples[galaxy].votes!.all!;
/** The votes with an error of up to `most` either way. */
const guess = (galaxies: readonly number[], most: number): Float64Array => {
  const noise = randomArray(galaxies.length * WIDTH, 5, -most, most);
  return Float64Array.from(noise, (error, i) =>
    Math.min(1, Math.max(0, votesOf(galaxies[Math.floor(i / WIDTH)])[i % WIDTH] + error)),
  );
};
const judged = (galaxies: readonly number[], predictions: Float64Array) =>
  fractionsData(dataset, galaxies, predictions, {
    measuredOn: 'made-up galaxies',
    galaxies: galaxies.length,
    ...challengeRmse(predictions, galaxies.map(votesOf)),
  });

/** A row of 37 zeros but for the answers that are named by their columns. */
const row = (shares: Record<string, number>): Float64Array =>
  Float64Array.from(CHALLENGE_COLUMNS, (name) => shares[name] ?? 0);

describe('the votes of a challenge', () => {
  it('are counted by side, and by how many of them reached each question', () => {
    const some: Galaxies = { ...dataset, examples: [{ id: 'unvoted', votes: null }, ...dataset.examples.slice(0, 40)] };
    const votes = (galaxy: number) => some.examples[galaxy].votes!.all!;
    const { splits, leftOut, questions } = summariseVotes(some, [
      { name: 'train', examples: [1, 2, 3] },
      { name: 'validation', examples: [4, 5] },
    ]);
    expect([splits, leftOut]).toEqual([
      [
        { name: 'train', galaxies: 3 },
        { name: 'validation', galaxies: 2 },
      ],
      1,
    ]);
    expect(questions.map(({ number }) => number)).toEqual(QUESTIONS.map(({ number }) => number));
    expect(questions.flatMap(({ answers }) => answers.map(({ shares }) => shares))).toEqual(
      CHALLENGE_COLUMNS.map((_, c) => [1, 2, 3, 4, 5].map((g) => votes(g)[c])),
    );
    // The answers of a question sum to the share that reached it.
    for (const { number, answers, reached, galaxies } of questions) {
      const sums = [0, 1, 2, 3, 4].map((g) => answers.reduce((sum, { shares }) => sum + shares[g], 0));
      expect(reached, `question ${number}`).toBeCloseTo(sums.reduce((a, b) => a + b) / 5, 5);
      expect(galaxies).toBe(sums.filter((sum) => sum >= 0.5 - 1e-6).length);
    }
  });
});

it('a question is reached by half of the votes also where they are a last bit of f32 less', () => {
  const voted = (share: number) => {
    const all = Float32Array.from(row({ 'Class1.1': share, 'Class1.2': 1 - share }));
    return { id: String(share), votes: { smooth: share, featured: 1 - share, artifact: 0, all } };
  };
  const galaxies = [0.5, 0.49999997, 0.4999, 0.6].map(voted);
  const { questions } = summariseVotes({ ...dataset, examples: galaxies }, [{ name: 'all', examples: [0, 1, 2, 3] }]);
  expect(questions.find(({ number }) => number === 7)!.galaxies).toBe(3);
  expect(questions.find(({ number }) => number === 1)).toMatchObject({ reached: 1, galaxies: 4 });
});

describe('the way through the decision tree', () => {
  it('follows the most frequent answers to an end', () => {
    const numbers = (shares: Record<string, number>) => pathOf(row(shares)).map(({ number }) => number);
    expect(numbers({ 'Class1.1': 0.8, 'Class7.2': 0.8, 'Class6.2': 1 })).toEqual([1, 7, 6]);
    expect(
      numbers({
        'Class1.2': 0.8,
        'Class2.2': 0.8,
        'Class3.1': 0.5,
        'Class4.1': 0.5,
        'Class10.3': 0.3,
        'Class11.2': 0.3,
        'Class5.2': 0.6,
        'Class6.1': 0.9,
        'Class8.4': 0.5,
      }),
    ).toEqual([1, 2, 3, 4, 10, 11, 5, 6, 8]);
    expect(numbers({ 'Class1.3': 0.8 })).toEqual([1]);
  });

  it('tells of both ways, and of the answers that got some share', () => {
    const voted = row({
      'Class1.1': 0.7,
      'Class1.2': 0.3,
      'Class7.2': 0.68,
      'Class7.3': 0.02,
      'Class6.2': 1,
      'Class2.2': 0.3,
    });
    const predicted = row({
      'Class1.1': 0.4,
      'Class1.2': 0.6,
      'Class7.3': 0.04,
      'Class2.1': 0.6,
      'Class9.1': 0.6,
      'Class6.2': 0.96,
      'Class6.1': 0.04,
    });
    const questions = tellingQuestions(voted, predicted);
    expect(questions.map(({ number }) => number)).toEqual([1, 7, 6, 2, 9]);
    expect(questions[0]).toEqual({
      number: 1,
      text: QUESTIONS[0].text,
      answers: [
        { text: 'smooth', voted: 0.7, predicted: 0.4, most: true },
        { text: 'features or disc', voted: 0.3, predicted: 0.6, most: false },
      ],
    });
    expect(questions[1].answers).toEqual([{ text: 'in between', voted: 0.68, predicted: 0, most: true }]);
    expect(questions[4].answers).toEqual([{ text: 'rounded', voted: 0, predicted: 0.6, most: false }]);
  });
});

describe('the figures of a challenge', () => {
  const predictions = guess(everyone, 0.2);
  const { own, rmse, perQuestion, drawn } = judged(everyone, predictions);

  it("hold every galaxy's own error, which make the whole", () => {
    expect(own.values).toHaveLength(dataset.examples.length);
    expect(Math.sqrt(own.values.reduce((sum, value) => sum + value ** 2, 0) / own.values.length)).toBeCloseTo(rmse, 12);
    expect(own.values.filter((value) => value <= own.median).length).toBe(dataset.examples.length / 2);
  });

  it('draw the same few of many galaxies, whatever their order, and all of few', () => {
    expect(drawn).toBe(DRAWN);
    const backwards = everyone.toReversed();
    const again = judged(backwards, Float64Array.from(backwards.flatMap((g) => [...rowOf(predictions, g)])));
    expect(again.perQuestion.map(({ points }) => points)).toEqual(perQuestion.map(({ points }) => points));
    const few = judged([0, 1, 2], predictions.subarray(0, 3 * WIDTH));
    expect(few.drawn).toBe(3);
    // Where no two are within a hundredth, there is a dot a galaxy and answer, at its place.
    for (const { number, answers, points } of few.perQuestion) {
      const column = firstColumn(number);
      const places = answers.flatMap((_, answer) =>
        [0, 1, 2].map((g) => [
          answer,
          Math.round(votesOf(g)[column + answer] * 100) / 100,
          Math.round(predictions[g * WIDTH + column + answer] * 100) / 100,
        ]),
      );
      expect(points.map(({ answer, voted, predicted }) => [answer, voted, predicted].join()).sort()).toEqual(
        [...new Set(places.map((place) => place.join()))].sort(),
      );
    }
  });

  it('draw one of the dots that nobody could tell apart', () => {
    const exact = judged(everyone, guess(everyone, 0));
    for (const { points } of exact.perQuestion) {
      expect(new Set(points.map(({ answer, voted }) => `${answer} ${voted}`)).size).toBe(points.length);
      for (const { voted, predicted } of points) expect(predicted).toBe(voted);
    }
  });

  it('name for each question the galaxy with the strongest answer, none twice', () => {
    const found = strongestAnswers(predictions);
    expect(found.map(({ question }) => question.number)).toEqual(QUESTIONS.map(({ number }) => number));
    expect(new Set(found.map(({ row: n }) => n)).size).toBe(found.length);
    const [{ row: n, column, mean }] = found;
    const above = everyone.flatMap((g) =>
      [0, 1, 2].map(
        (c) =>
          predictions[g * WIDTH + c] -
          everyone.reduce((sum, other) => sum + predictions[other * WIDTH + c], 0) / everyone.length,
      ),
    );
    expect(predictions[n * WIDTH + column] - mean).toBeCloseTo(Math.max(...above), 12);
    expect(strongestAnswers(predictions.subarray(0, 2 * WIDTH))).toHaveLength(2);
  });
});

const circles = (svg: string) =>
  readPage(svg)
    .filter(({ name }) => name === 'circle')
    .map(({ attributes: { cx, cy, fill } }) => [Number(cx), Number(cy), fill]);
const bars = (svg: string, fill: string) =>
  readPage(svg)
    .filter(({ name, attributes }) => name === 'path' && attributes.fill === fill && !attributes.transform)
    .map(({ attributes }) => Number(/v(-?[\d.]+)/.exec(attributes.d)?.[1]));

describe('drawings of fractions', () => {
  const question = { number: 6, text: 'anything odd', rmse: 0.2, constant: 0.4, answers: ['yes', 'no'] };

  it('put dots where given and predicted meet, in the colours of the answers', async () => {
    const points = [
      { answer: 0, voted: 0, predicted: 1 },
      { answer: 1, voted: 1, predicted: 0.5 },
    ];
    expect(circles(await renderSvg(sharesScatter({ ...question, points }), 'dots'))).toEqual([
      [0, 0, '#3f7fbf'],
      [230, 115, '#d07a1c'],
    ]);
  });

  it('make bars as high as the errors', async () => {
    const svg = await renderSvg(
      questionErrors([
        { ...question, points: [] },
        { ...question, number: 7, rmse: 0.1, points: [] },
      ]),
      'errors',
    );
    const [network, constant] = [bars(svg, '#9a6bb8'), bars(svg, '#8a8f98')];
    expect([network[0] / network[1], constant[0] / network[0], constant[1] / constant[0]]).toEqual(
      [2, 2, 1].map((ratio) => expect.closeTo(ratio, 2)),
    );
  });

  it('let curves fall as fewer galaxies gave so much', async () => {
    const svg = await renderSvg(
      voteCurves({
        ...question,
        reached: 1,
        galaxies: 4,
        answers: [
          { text: 'yes', shares: [0, 0.5, 1, Math.fround(0.3)] },
          { text: 'no', shares: [0, 0, 0, 0] },
        ],
      }),
      'curves',
    );
    const lines = readPage(svg)
      .filter(({ attributes }) => attributes.stroke === '#3f7fbf')
      .map(({ attributes }) => attributes.d);
    expect(lines).toHaveLength(1);
    const heights = [...lines[0].matchAll(/,(-?[\d.]+)/g)].map((match) => 1 - Number(match[1]) / 130);
    expect(heights).toHaveLength(50);
    const at = (share: number) => heights[Math.round(share * 50) - 1];
    expect([0.02, 0.3, 0.32, 0.5, 0.52, 1].map(at)).toEqual(
      [0.75, 0.75, 0.5, 0.5, 0.25, 0.25].map((height) => expect.closeTo(height, 2)),
    );
  });
});

describe('the report of a challenge', () => {
  const some = everyone.slice(0, 30);
  const predictions = guess(some, 0.1);
  const fractions = judged(some, predictions);
  const cases = some.slice(0, 3).map((g) => ({
    id: dataset.examples[g].id,
    rmse: fractions.own.values[g],
    picture: madeUpPicture,
    questions: tellingQuestions(votesOf(g), rowOf(predictions, g)),
  }));
  const report: ReportData = {
    run: madeUpRun,
    votes: summariseVotes(dataset, [
      { name: 'train', examples: everyone.slice(30) },
      { name: 'validation', examples: some },
    ]),
    training: {
      ...madeUpTraining(),
      epochs: madeUpTraining().epochs.map((epoch) => ({
        ...epoch,
        train: { loss: epoch.train.loss, RMSE: 0.2 },
        validation: { loss: 0.04, RMSE: 0.2 },
      })),
    },
    fractions,
    shareMaps: {
      layer: 'block5',
      cases: [
        {
          id: '7',
          question: 'bar',
          answer: 'yes',
          voted: 0.5,
          predicted: 0.61,
          mean: 0.12,
          input: madeUpPicture,
          maps: [{ method: 'Grad-CAM', picture: madeUpPicture }],
        },
      ],
    },
    extremes: { best: cases.slice(0, 1), worst: cases.slice(1) },
  };

  it('has its sections, a figure a question twice, and every number', async () => {
    const page = await renderReport(report);
    const tags = readPage(page);
    const named = (name: string) => tags.filter((tag) => tag.name === name);
    expect(named('h2').map(({ text }) => text)).toEqual([
      'The data',
      'The training',
      'The evaluation',
      'Where the network looks',
      'The best and the worst',
    ]);
    const questions = QUESTIONS.map(({ number, text }) => `${number}. ${text}`);
    expect(named('svg').map(({ attributes }) => attributes['aria-label'])).toEqual([
      ...questions,
      'Loss',
      'RMSE',
      'RMSE by question',
      'RMSE by galaxy',
      ...questions,
    ]);
    expect(named('img')).toHaveLength(2 + 3);
    for (const piece of [
      fractions.rmse.toFixed(4),
      fractions.constant.toFixed(4),
      fractions.own.median.toFixed(4),
      'Class11.6 can&#39;t tell',
      'bar: yes.',
      'Predicted 61 % of the votes (12 % on average); given 50 %',
    ])
      expect(tags[0].text).toContain(piece);
    expect(tags[0].text).not.toMatch(/NaN|undefined/);
    expect(named('figure').filter(({ attributes }) => attributes.class === 'answers')).toHaveLength(3);
    // 500 galaxies of 37 answers would be megabytes of dots.
    expect(page.length).toBeLessThan(800_000);
    expect(await renderReport(report)).toBe(page);
  });

  it('survives perfect answers and a single galaxy', async () => {
    const exact = judged([4], guess([4], 0));
    const text = readPage(
      await renderReport({
        run: madeUpRun,
        fractions: exact,
        votes: summariseVotes(dataset, [{ name: 'all', examples: [4] }]),
        extremes: { best: [], worst: [] },
      }),
    )[0].text;
    expect(text).toContain('0.0000');
    expect(text).not.toMatch(/NaN|Infinity/);
  });
});
