import { QUESTIONS } from './decision_tree.ts';

/** The 37 vote columns of the Galaxy Challenge in its order: `Class1.1` ... `Class11.6`. */
export const CHALLENGE_COLUMNS: readonly string[] = QUESTIONS.flatMap(({ number, answers }) =>
  answers.map((_, i) => `Class${number}.${i + 1}`),
);

/** The column that names the galaxy in the challenge's csv files. */
export const ID_COLUMN = 'GalaxyID';

/** Where the answers to question `number` begin in `CHALLENGE_COLUMNS`. */
export const firstColumn = (number: number): number => CHALLENGE_COLUMNS.indexOf(`Class${number}.1`);
