import { UserError } from '../../engine/user_error.ts';

/** A question that is put to people, and the columns that count who gave which answer. */
export interface Question {
  readonly name: string;
  readonly answers: readonly { readonly name: string; readonly column: string }[];
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

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isName = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/**
 * A schema from what a JSON file holds: `{"questions": [{"name": "bar", "answers": ["yes", "no"]}]}`. The column of an
 * answer is `bar_yes`, as Zoobot's catalogues have it, or what the answer says: `{"name": "yes", "column": "t03_yes"}`.
 * @param file what errors call it
 * @throws UserError for what is none of this, for a question with fewer than two answers, and for names that come twice
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
    const { name } = question;
    if (question.answers.length < 2) return fault(`has fewer than two answers to the question ${name}`);
    const answers = question.answers.map((answer: unknown, a) => {
      const said = isObject(answer) ? answer : { name: answer };
      if (!isName(said.name) || (said.column !== undefined && !isName(said.column)))
        return fault(`has no name or column of the answer ${a + 1} to the question ${name}`);
      return { name: said.name, column: said.column ?? `${name}_${said.name}` };
    });
    return { name, answers };
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
  return schema;
}
