import { median } from '../../vision/judge/calibration.ts';
import { CHALLENGE_COLUMNS, firstColumn } from '../columns.ts';
import type { Galaxies } from '../galaxy.ts';
import { QUESTIONS, leadingTo, type Question } from '../decision_tree.ts';
import type { Fractions, FractionsCase, SharePoint, VoteSummary } from '../report/data.ts';
import { hashId } from '../../vision/data/split.ts';
import { meanSquare } from '../../vision/judge/column_errors.ts';
import type { ChallengeFigures } from './evaluate.ts';

const WIDTH = CHALLENGE_COLUMNS.length;
/** Galaxies whose answers are drawn as dots. */
export const DRAWN = 300;
/** Answers with less of the votes than this, given and predicted, are not told of a single galaxy. */
const WORTH_TELLING = 0.05;

type Row = ArrayLike<number>;

/** The rows [start, start + 37) of predictions. */
export const rowOf = (predictions: Float64Array, n: number): Float64Array =>
  predictions.subarray(n * WIDTH, (n + 1) * WIDTH);

const sharesOf = (row: Row, { number, answers }: Question): number[] =>
  answers.map((_, i) => row[firstColumn(number) + i]);

const placeOfLargest = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/**
 * The share of the votes that reached a question: what the answers that lead to it got, all of it where everybody is
 * asked.
 */
function reaching(row: Row, number: number): number {
  const answers = leadingTo(number);
  return answers.length === 0
    ? 1
    : answers.reduce(
        (sum, { question, answers: places }) =>
          sum + places.reduce((s, i) => s + row[firstColumn(question.number) + i], 0),
        0,
      );
}

/** The questions from the first to an end, when each is given the answer that has most of the votes. */
export function pathOf(row: Row): Question[] {
  const path: Question[] = [];
  for (let next: number | null = QUESTIONS[0].number; next !== null; ) {
    const question: Question = QUESTIONS[next - 1];
    path.push(question);
    next = question.answers[placeOfLargest(sharesOf(row, question))].next;
  }
  return path;
}

/** What the volunteers said of the galaxies of all sides. */
export function summariseVotes(
  dataset: Galaxies,
  sides: readonly { readonly name: string; readonly examples: readonly number[] }[],
): VoteSummary {
  const rows = sides.flatMap(({ examples }) => examples.map((g) => dataset.examples[g].votes!.all!));
  return {
    dataset: dataset.name,
    splits: sides.map(({ name, examples }) => ({ name, galaxies: examples.length })),
    leftOut: dataset.examples.filter(({ votes }) => !votes?.all).length,
    notes: dataset.notes,
    questions: QUESTIONS.map(({ number, text, answers }) => {
      const reached = rows.map((row) => reaching(row, number));
      return {
        number,
        text,
        answers: answers.map((answer, i) => ({
          text: answer.text,
          shares: rows.map((row) => row[firstColumn(number) + i]),
        })),
        reached: reached.reduce((a, b) => a + b, 0) / rows.length,
        // Votes are rounded: half of them may be a little less in float32.
        galaxies: reached.filter((share) => share >= 0.5 - 1e-6).length,
      };
    }),
  };
}

/**
 * The dots of a question, of the rows that are given. Of dots of an answer that lie within the same hundredth both
 * ways, one is kept: nobody could tell them apart.
 */
function pointsOf(
  { number, answers }: Question,
  rows: readonly { readonly voted: Row; readonly predicted: Row }[],
): SharePoint[] {
  return answers.flatMap((_, answer) => {
    const column = firstColumn(number) + answer;
    const kept = new Map<number, SharePoint>();
    for (const row of rows) {
      const [voted, predicted] = [Math.round(row.voted[column] * 100), Math.round(row.predicted[column] * 100)];
      kept.set(voted * 1000 + predicted, { answer, voted: voted / 100, predicted: predicted / 100 });
    }
    return [...kept.values()];
  });
}

/**
 * The figures with what is drawn of them. Of many galaxies the dots show `DRAWN`, the first in the order of a hash of
 * their ids: a sample that favours none, the same each time.
 * @param galaxies indices into the dataset, a row of `predictions` each
 */
export function fractionsData(
  dataset: Galaxies,
  galaxies: readonly number[],
  predictions: Float64Array,
  figures: ChallengeFigures,
): Fractions {
  const rows = galaxies.map((galaxy, n) => ({
    id: dataset.examples[galaxy].id,
    voted: dataset.examples[galaxy].votes!.all!,
    predicted: rowOf(predictions, n),
  }));
  const values = rows.map(({ voted, predicted }) => Math.sqrt(meanSquare(predicted, voted)));
  const drawn = rows
    .map((row) => ({ ...row, hash: hashId(row.id) }))
    .sort((a, b) => a.hash - b.hash)
    .slice(0, DRAWN);
  return {
    ...figures,
    perQuestion: figures.perQuestion.map((result, q) => ({
      ...result,
      answers: QUESTIONS[q].answers.map(({ text }) => text),
      points: pointsOf(QUESTIONS[q], drawn),
    })),
    own: { values, median: median(values) },
    drawn: drawn.length,
  };
}

/**
 * The answers that matter to a galaxy: of the questions on the volunteers' path through the tree and on the network's,
 * those that either gives some share.
 */
export function tellingQuestions(voted: Row, predicted: Row): FractionsCase['questions'] {
  return [...new Set([...pathOf(voted), ...pathOf(predicted)])]
    .map((question) => {
      const [given, guessed] = [sharesOf(voted, question), sharesOf(predicted, question)];
      const most = placeOfLargest(given);
      return {
        number: question.number,
        text: question.text,
        answers: question.answers
          .map(({ text }, i) => ({ text, voted: given[i], predicted: guessed[i], most: i === most && given[i] > 0 }))
          .filter(({ voted: v, predicted: p }) => Math.max(v, p) >= WORTH_TELLING),
      };
    })
    .filter(({ answers }) => answers.length > 0);
}

/** An answer of which more is predicted for a galaxy than on average: what to ask the network about. */
export interface Standout {
  /** Row of the predictions, and column. */
  readonly row: number;
  readonly column: number;
  readonly question: Question;
  readonly answer: string;
  /** The mean of what is predicted in this column. */
  readonly mean: number;
}

/**
 * For each question the galaxy with the strongest answer: the one whose predicted share lies furthest above the mean of
 * its column. (The largest shares would all be `nothing odd`, which holds of nearly every galaxy.) No galaxy comes
 * twice.
 */
export function strongestAnswers(predictions: Float64Array): Standout[] {
  const n = predictions.length / WIDTH;
  const taken = new Set<number>();
  return QUESTIONS.flatMap((question) => {
    const found = question.answers
      .flatMap(({ text }, i) => {
        const column = firstColumn(question.number) + i;
        const values = Array.from({ length: n }, (_, row) => predictions[row * WIDTH + column]);
        const mean = values.reduce((a, b) => a + b, 0) / n;
        return values.map((value, row) => ({ row, column, question, answer: text, mean, above: value - mean }));
      })
      .filter(({ row }) => !taken.has(row));
    if (found.length === 0) return [];
    const { above: _, ...best } = found.reduce((a, b) => (b.above > a.above ? b : a));
    taken.add(best.row);
    return [best];
  });
}
