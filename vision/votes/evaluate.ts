import { ColumnErrors, type Rmse } from '../judge/column_errors.ts';
import { dirichletLogLoss, type Places } from './dirichlet.ts';
import { squaredError, sumOf, voteFractions } from './fractions.ts';
import { columnsOf, placesOf, type Schema } from './schema.ts';

export interface AnswerFigures {
  readonly name: string;
  readonly column: string;
  /** The mean fraction over the images of which the question was asked: given, and expected by the network. */
  readonly given: number;
  readonly expected: number;
  /** Of weighed shares: of this answer alone. */
  readonly errors?: Rmse;
}

export interface QuestionFigures {
  readonly name: string;
  /** Images of which somebody was asked it, and the votes on them; null where only shares of them are known. */
  readonly images: number;
  readonly votes: number | null;
  /** Of expected less given fractions; null where nobody was asked. And what answering with `given` would give. */
  readonly rmse: number | null;
  readonly constant: number | null;
  readonly answers: readonly AnswerFigures[];
}

export interface VoteFigures {
  readonly measuredOn: string;
  readonly images: number;
  /** The root of the mean over the images of `squaredError`, or of `meanSquare` of weighed shares. */
  readonly rmse: number;
  /** What answering each column with its mean would give; null where counts are learnt. */
  readonly constant: number | null;
  /** The mean of the negative logarithm of the probability of an image's votes; null where shares are learnt. */
  readonly logLoss: number | null;
  readonly questions: readonly QuestionFigures[];
}

/** What is known of a model's answers: figures, and a row of fractions for each image; NaN where nobody was asked. */
export interface VoteJudgement {
  readonly figures: VoteFigures;
  readonly expected: readonly ArrayLike<number>[];
  readonly given: readonly ArrayLike<number>[];
}

/** The votes on a question; null where the numbers are shares of them. */
export function votesOn(rows: readonly ArrayLike<number>[], place: Places): number | null {
  if (rows.some((row) => Array.from(row).some((value) => !Number.isInteger(value)))) return null;
  return rows.reduce((sum, row) => sum + sumOf(row, place), 0);
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Judges concentrations against votes, a row an image; each image has a vote.
 * @param measuredOn what the images are, as a phrase
 */
export function judgeVotes(
  schema: Schema,
  concentrations: readonly ArrayLike<number>[],
  votes: readonly ArrayLike<number>[],
  measuredOn: string,
): VoteJudgement {
  const places = placesOf(schema);
  const expected = concentrations.map((row) => voteFractions(row, places));
  const given = votes.map((row) => voteFractions(row, places));
  const questions = schema.map(({ name, answers }, q): QuestionFigures => {
    const { from } = places[q];
    const asked = given.flatMap((row, i) => (Number.isNaN(row[from]) ? [] : [i]));
    const of = (rows: readonly Float64Array[], k: number): number[] => asked.map((i) => rows[i][from + k]);
    const figures = answers.map(({ name: answer, column }, k) => ({
      name: answer,
      column,
      given: asked.length > 0 ? meanOf(of(given, k)) : 0,
      expected: asked.length > 0 ? meanOf(of(expected, k)) : 0,
    }));
    const root = (error: (i: number, k: number) => number): number | null =>
      asked.length === 0
        ? null
        : Math.sqrt(meanOf(asked.map((i) => meanOf(answers.map((_, k) => error(i, from + k) ** 2)))));
    return {
      name,
      images: asked.length,
      votes: votesOn(votes, places[q]),
      rmse: root((i, k) => expected[i][k] - given[i][k]),
      constant: root((i, k) => figures[k - from].given - given[i][k]),
      answers: figures,
    };
  });
  return {
    expected,
    given,
    figures: {
      measuredOn,
      images: votes.length,
      constant: null,
      rmse: Math.sqrt(meanOf(concentrations.map((row, i) => squaredError(row, votes[i], places)))),
      logLoss: meanOf(concentrations.map((row, i) => dirichletLogLoss(row, votes[i], places))),
      questions,
    },
  };
}

/**
 * Judges weighed shares against those that were given, a row an image. Every image counts for every question: where
 * nobody was asked, all shares are 0.
 * @param votes what the data say of each image, as far as it is counts of votes
 */
export function judgeShares(
  schema: Schema,
  expected: readonly ArrayLike<number>[],
  given: readonly ArrayLike<number>[],
  votes: readonly ArrayLike<number>[],
  measuredOn: string,
): VoteJudgement {
  const sums = new ColumnErrors(columnsOf(schema));
  given.forEach((row, i) => sums.add(row, expected[i]));
  const places = placesOf(schema);
  const mean = (rows: readonly ArrayLike<number>[], column: number) => meanOf(rows.map((row) => row[column]));
  const questions = schema.map(({ name, answers }, q): QuestionFigures => {
    const { from, count } = places[q];
    return {
      name,
      images: given.filter((row) => sumOf(row, places[q]) > 0).length,
      votes: votesOn(votes, places[q]),
      ...sums.over(from, count),
      answers: answers.map(({ name: answer, column }, k) => ({
        name: answer,
        column,
        given: mean(given, from + k),
        expected: mean(expected, from + k),
        errors: sums.over(from + k, 1),
      })),
    };
  });
  return { expected, given, figures: { measuredOn, images: given.length, ...sums.over(), logLoss: null, questions } };
}
