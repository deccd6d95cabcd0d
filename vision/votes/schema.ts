import { UserError } from '../../engine/user_error.ts';

/** An answer to a question, and the column that says how many people, or which share of them, gave it. */
export interface Answer {
  readonly name: string;
  readonly column: string;
  /** The question that those who gave it are asked next; null or absent: none. */
  readonly next?: string | null;
}

/** A question that is put to people. */
export interface Question {
  readonly name: string;
  readonly answers: readonly Answer[];
  /** Whether it is put to everybody anew, whatever answers lead to it. */
  readonly everybody?: boolean;
}

/** The questions that people were asked of each image, in the order of their columns. */
export type Schema = readonly Question[];

/** The columns of counts in their order: the outputs of a network. */
export const columnsOf = (schema: Schema): string[] =>
  schema.flatMap(({ answers }) => answers.map(({ column }) => column));

/** For each question the places of its answers among the columns: the first, and how many. */
export function placesOf(schema: Schema): { readonly from: number; readonly count: number }[] {
  let from = 0;
  return schema.map(({ answers }) => {
    const place = { from, count: answers.length };
    from += answers.length;
    return place;
  });
}

/** Answers to the question at a place, by their places among its answers. */
export interface Answers {
  readonly question: number;
  readonly answers: readonly number[];
}

/** The answers that lead to the question at a place; none where everybody is asked it. */
export function leadingTo(schema: Schema, place: number): Answers[] {
  const { name, everybody } = schema[place];
  if (everybody) return [];
  return schema.flatMap((question, at) => {
    const answers = question.answers.flatMap(({ next }, i) => (next === name ? [i] : []));
    return answers.length > 0 ? [{ question: at, answers }] : [];
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isName = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/**
 * A schema from what a JSON file holds: `{"questions": [{"name": "bar", "answers": ["yes", "no"]}]}`. The column of an
 * answer is `bar_yes`, as Zoobot's catalogues have it, or what the answer says: `{"name": "yes", "column": "t03_yes"}`.
 * An answer leads to the question that its `next` names, and a question with `"everybody": true` is put to all.
 * @param file what errors call it
 * @throws UserError for what is none of this, for a question with fewer than two answers, for names that come twice,
 * and for questions that are not there or lead back to themselves
 */
export function readSchema(value: unknown, file: string): Schema {
  const fault = (what: string): never => {
    throw new UserError(
      `${file} ${what}; a schema is {"questions": [{"name": "bar", "answers": ["yes", {"name": "no", "column": "bar_no"}]}]}`,
    );
  };
  if (!isObject(value) || !Array.isArray(value.questions) || value.questions.length === 0)
    return fault('has no list of questions');
  const schema = value.questions.map((question: unknown, q) => {
    if (!isObject(question) || !isName(question.name) || !Array.isArray(question.answers))
      return fault(`has no name or no answers of its question ${q + 1}`);
    const { name, everybody } = question;
    if (question.answers.length < 2) return fault(`has fewer than two answers to the question ${name}`);
    if (everybody !== undefined && typeof everybody !== 'boolean')
      return fault(`says "everybody" of the question ${name} by something else than true or false`);
    const answers = question.answers.map((answer: unknown, a) => {
      const said = isObject(answer) ? answer : { name: answer };
      const next = said.next ?? null;
      if (!isName(said.name) || (said.column !== undefined && !isName(said.column)))
        return fault(`has no name or column of the answer ${a + 1} to the question ${name}`);
      if (next !== null && !isName(next))
        return fault(`has no question as the "next" of the answer ${said.name} to the question ${name}`);
      return { name: said.name, column: said.column ?? `${name}_${said.name}`, ...(next !== null && { next }) };
    });
    return { name, answers, ...(everybody && { everybody }) };
  });
  const once = (names: readonly string[], what: string) => {
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) fault(`has ${what} ${twice} twice`);
  };
  once(
    schema.map(({ name }) => name),
    'the question',
  );
  once(columnsOf(schema), 'the column');
  for (const { name, answers } of schema)
    for (const { name: answer, next } of answers)
      if (next !== undefined && !schema.some((question) => question.name === next))
        fault(`has no question ${next}, which should follow ${answer} of the question ${name}`);
  const round = findCircle(schema);
  if (round !== undefined) fault(`leads from the question ${round} back to it`);
  return schema;
}

/** A question that its own answers lead to again, through others or none; undefined where there is none. */
function findCircle(schema: Schema): string | undefined {
  const left = new Set(schema.map((_, place) => place));
  // What everybody is asked, then what only answers to that lead to, and so on.
  for (let found = true; found; ) {
    found = false;
    for (const place of left)
      if (leadingTo(schema, place).every(({ question }) => !left.has(question))) found = left.delete(place);
  }
  return schema[[...left][0]]?.name;
}
