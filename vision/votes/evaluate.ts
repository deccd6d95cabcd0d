import { dirichletLogLoss } from './dirichlet.ts';
import { squaredError, voteFractions } from './fractions.ts';
import { placesOf, type Schema } from './schema.ts';

export interface AnswerFigures {
  readonly name: string;
  readonly column: string;
  /** The mean fraction over the images of which the question was asked: given, and expected by the network. */
  readonly given: number;
  readonly expected: number;
}

export interface QuestionFigures {
  readonly name: string;
  /** Images of which somebody was asked it, and the votes on them. */
  readonly images: number;
  readonly votes: number;
  /** Of expected less given fractions; null where nobody was asked. And what answering with `given` would give. */
  readonly rmse: number | null;
  readonly constant: number | null;
  readonly answers: readonly AnswerFigures[];
}

export interface VoteFigures {
  readonly measuredOn: string;
  readonly images: number;
  /** The root of the mean over the images of `squaredError`. */
  readonly rmse: number;
  /** The mean of the negative logarithm of the probability of an image's votes. */
  readonly logLoss: number;
  readonly questions: readonly QuestionFigures[];
}

/** What is known of a model's answers: figures, and a row of fractions for each image; NaN where nobody was asked. */
export interface VoteJudgement {
  readonly figures: VoteFigures;
  readonly expected: readonly Float64Array[];
  readonly given: readonly Float64Array[];
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
    const { from, count } = places[q];
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
      votes: votes.reduce(
        (sum, row) =>
          sum +
          Array.from(row)
            .slice(from, from + count)
            .reduce((a, b) => a + b, 0),
        0,
      ),
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
      rmse: Math.sqrt(meanOf(concentrations.map((row, i) => squaredError(row, votes[i], places)))),
      logLoss: meanOf(concentrations.map((row, i) => dirichletLogLoss(row, votes[i], places))),
      questions,
    },
  };
}
