import type { TopLevelSpec } from 'vega-lite';
import type { Fractions, QuestionVotes } from './data.ts';
import { HEIGHT, WIDTH, dashed, unit } from '../../vision/report/plots.ts';
import { seriesColour, colours } from '../../vision/report/svg.ts';

const SMALL = 230;
const axis = { tickCount: 5 };
/** Answers by their places; which colour is which the page says, where there is room to wrap. */
const byAnswer = (places: number) => ({
  field: 'answer',
  type: 'nominal' as const,
  legend: null,
  scale: {
    domain: Array.from({ length: places }, (_, i) => i),
    range: Array.from({ length: places }, (_, i) => seriesColour(i)),
  },
});

/** Predicted over given shares of the votes, a dot a galaxy and answer. On the dashed line both are the same. */
export function sharesScatter({ answers, points }: Fractions['perQuestion'][number]): TopLevelSpec {
  const x = { type: 'quantitative' as const, scale: unit, title: 'given by the volunteers', axis };
  const y = { type: 'quantitative' as const, scale: unit, title: 'predicted', axis };
  return {
    width: SMALL,
    height: SMALL,
    layer: [
      {
        data: { values: points },
        mark: { type: 'circle', size: 16, opacity: 0.7 },
        encoding: { x: { field: 'voted', ...x }, y: { field: 'predicted', ...y }, color: byAnswer(answers.length) },
      },
      {
        data: { values: [{ a: 0 }, { a: 1 }] },
        mark: { type: 'line', color: 'currentColor', strokeWidth: 1, ...dashed },
        encoding: { x: { field: 'a', ...x }, y: { field: 'a', ...y } },
      },
    ],
  };
}

/** RMSE of each question by its number, beside that of answering every column with its mean. */
export function questionErrors(questions: Fractions['perQuestion']): TopLevelSpec {
  const parts = ['the network', 'constant answer'];
  return {
    width: WIDTH,
    height: HEIGHT,
    data: {
      values: questions.flatMap(({ number, rmse, constant }) => [
        { number, part: parts[0], value: rmse },
        { number, part: parts[1], value: constant },
      ]),
    },
    mark: { type: 'bar' },
    encoding: {
      x: {
        field: 'number',
        type: 'ordinal',
        title: 'question',
        axis: { labelAngle: 0 },
        scale: { paddingInner: 0.25 },
      },
      xOffset: { field: 'part', type: 'nominal', sort: parts },
      y: { field: 'value', type: 'quantitative', title: 'RMSE', axis },
      color: {
        field: 'part',
        type: 'nominal',
        sort: parts,
        legend: { orient: 'bottom' },
        scale: { domain: parts, range: [colours.purple, colours.grey] },
      },
    },
  };
}

/**
 * For each answer what share of the galaxies gave it at least how much of their votes: a step at 0, ..., 1 in
 * fiftieths. Most of the shares of late questions are 0, which in a histogram would dwarf all others.
 */
export function voteCurves({ answers }: QuestionVotes): TopLevelSpec {
  const values = answers
    .flatMap(({ shares }, answer) =>
      Array.from({ length: 51 }, (_, i) => {
        // The nudge counts 0.3 (stored as 0.299...) where a person would.
        const least = i / 50 - 1e-6;
        return { answer, least: i / 50, share: shares.filter((share) => share >= least).length / shares.length };
      }),
    )
    .filter(({ least }) => least > 0);
  return {
    width: SMALL,
    height: 130,
    data: { values },
    mark: { type: 'line', strokeWidth: 2 },
    encoding: {
      x: { field: 'least', type: 'quantitative', scale: unit, title: 'at least this share of the votes', axis },
      y: { field: 'share', type: 'quantitative', scale: unit, title: 'galaxies', axis: { format: '%', tickCount: 3 } },
      color: byAnswer(answers.length),
    },
  };
}
