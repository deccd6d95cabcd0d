import * as v from 'valibot';
import { UserError } from '../engine/user_error.ts';

/*
 * What schemas of our files are made of. Each part says what is wanted there, in words that end the sentence
 * `<file>: <field> is <what it is> where <what is wanted> is needed`.
 */
export const finite = v.pipe(v.number('a number'), v.finite('a number'));
export const wholeFrom = (least: number, most = Number.MAX_SAFE_INTEGER) => {
  const wanted = `a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}`;
  return v.pipe(v.number(wanted), v.safeInteger(wanted), v.minValue(least, wanted), v.maxValue(most, wanted));
};
export const count = wholeFrom(0);
export const words = v.string('a text');
export const flag = v.boolean('true or false');
export const listOf = <S extends v.GenericSchema>(item: S) => v.array(item, 'a list');
/** An object with these fields, and any others. */
export const fields = <E extends v.ObjectEntries>(entries: E) => v.object(entries, 'an object');

/** How long a wrong value may be in a sentence. */
const SHOWN = 40;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
};

/**
 * The object of a JSON text that a schema of the parts above takes.
 * @param source the file, or the place in it, as the sentence calls it
 * @param remedy what to do where it is not such a value
 * @throws UserError naming the first field that is missing or wrong
 */
export function checkedJson<S extends v.GenericSchema>(
  text: string,
  schema: S,
  source: string,
  remedy: string,
): v.InferInput<S> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UserError(
      `${source} is damaged: ${text.trim() === '' ? 'it is empty' : 'it is not JSON, or is cut short'}; ${remedy}`,
    );
  }
  return checkedObject(json, schema, source, remedy);
}

/** The same for what was JSON. */
export function checkedObject<S extends v.GenericSchema>(
  json: unknown,
  schema: S,
  source: string,
  remedy: string,
): v.InferInput<S> {
  // To valibot a list is an object too.
  const result = v.safeParse(schema, Array.isArray(json) ? null : json, { abortEarly: true });
  // As it was read, so that fields that the schema does not name stay: what it puts for those that are missing is not
  // there, and the type says so.
  if (result.success) return json as v.InferInput<S>;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const what =
    path === null
      ? `it holds ${shown(json)} where ${issue.message} is needed`
      : issue.input === undefined
        ? `${path} is missing`
        : `${path} is ${shown(issue.input)} where ${issue.message} is needed`;
  throw new UserError(`${source} is damaged or of another version: ${what}; ${remedy}`);
}
