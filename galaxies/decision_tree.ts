import { leadingTo as answersLeadingTo, type Schema } from '../vision/votes/schema.ts';

/** One question that Galaxy Zoo 2 asks of an image, and where each answer leads. */
export interface Question {
  readonly number: number;
  readonly text: string;
  /** Answer i is column `Class<number>.<i + 1>`; `next` is the number of the question that follows, null at an end. */
  readonly answers: readonly { readonly text: string; readonly next: number | null }[];
}

const question = (number: number, text: string, ...answers: [text: string, next: number | null][]): Question => ({
  number,
  text,
  answers: answers.map(([answer, next]) => ({ text: answer, next })),
});

/**
 * The decision tree of Galaxy Zoo 2 (Willett et al. 2013, figure 1 and table 2). In the challenge's columns the answers
 * of a question sum to the share of the votes that reached it; only question 6 is put to everybody anew and sums to 1.
 */
export const QUESTIONS: readonly Question[] = [
  question(1, 'smooth, or features or disc', ['smooth', 7], ['features or disc', 2], ['star or artifact', null]),
  question(2, 'edge-on', ['yes', 9], ['no', 3]),
  question(3, 'bar', ['yes', 4], ['no', 4]),
  question(4, 'spiral arms', ['yes', 10], ['no', 5]),
  question(5, 'bulge', ['none', 6], ['just noticeable', 6], ['obvious', 6], ['dominant', 6]),
  question(6, 'anything odd', ['yes', 8], ['no', null]),
  question(7, 'how round', ['completely round', 6], ['in between', 6], ['cigar-shaped', 6]),
  question(
    8,
    'what is odd',
    ['ring', null],
    ['lens or arc', null],
    ['disturbed', null],
    ['irregular', null],
    ['other', null],
    ['merger', null],
    ['dust lane', null],
  ),
  question(9, 'bulge seen edge-on', ['rounded', 6], ['boxy', 6], ['none', 6]),
  question(10, 'how tightly wound', ['tight', 11], ['medium', 11], ['loose', 11]),
  question(11, 'how many arms', ['1', 5], ['2', 5], ['3', 5], ['4', 5], ['more than 4', 5], ["can't tell", 5]),
];

/** The question that the challenge puts to everybody anew, whatever answers lead to it. */
const ASKED_ANEW = 6;

/** The same as a schema: answer i of a question is column `Class<number>.<i + 1>`. */
export const GALAXY_ZOO_2: Schema = QUESTIONS.map(({ number, text, answers }) => ({
  name: text,
  answers: answers.map((answer, i) => ({
    name: answer.text,
    column: `Class${number}.${i + 1}`,
    next: answer.next === null ? null : QUESTIONS[answer.next - 1].text,
  })),
  everybody: number === ASKED_ANEW,
}));

/**
 * The answers, by their places from 0, that lead to a question; empty for the two that everybody is asked, the first
 * and the sixth.
 */
export const leadingTo = (number: number): { readonly question: Question; readonly answers: readonly number[] }[] =>
  answersLeadingTo(GALAXY_ZOO_2, number - 1).map(({ question, answers }) => ({
    question: QUESTIONS[question],
    answers,
  }));
