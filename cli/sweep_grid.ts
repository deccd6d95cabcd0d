import { UserError } from '../engine/user_error.ts';
import { Random } from '../galaxies/random.ts';

export type Value = string | number | boolean;

/** One training of a sweep. */
export interface SweepRun {
  /** What is special to it, fit for a folder: `lr=0.001_size=32`. */
  readonly name: string;
  /** Options of `tuningfork train`, by their names on the command line without dashes. */
  readonly options: Readonly<Record<string, Value>>;
}

/** A number is drawn evenly between the ends, or evenly in its logarithm. */
interface Range {
  readonly kind: 'uniform' | 'log';
  readonly ends: readonly [number, number];
}

const MOST_TRAININGS = 10_000;

const isValue = (json: unknown): json is Value => ['string', 'number', 'boolean'].includes(typeof json);

/**
 * The trainings that a grid asks for. A grid is an object of options: a value is the same in all, a list is tried in
 * all combinations. With `"random": n`, n combinations are drawn, and an option may be a range, `{"log": [1e-5, 1e-2]}`
 * or `{"uniform": [0, 0.5]}`; `"seed"` is then that of the draws.
 * @param source the name of the grid in sentences
 * @throws UserError where the grid is none
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the functions inside share the grid's name
export function expandGrid(json: unknown, source: string): SweepRun[] {
  const refuse = (what: string): never => {
    throw new UserError(`${source}: ${what}`);
  };
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refuse('a grid is a JSON object of options, such as {"lr": [0.001, 0.0001], "size": [32, 48]}');
  const { random, ...others } = json as Record<string, unknown>;
  if (random === undefined)
    return named(product(Object.entries(others).map(([name, json]) => [name, listOf(name, json)])));
  if (!Number.isInteger(random) || (random as number) < 1 || (random as number) > MOST_TRAININGS)
    return refuse(`"random" is the number of trainings, 1 to ${MOST_TRAININGS}, not ${JSON.stringify(random)}`);
  const { seed = 1, ...drawn } = others;
  if (!Number.isInteger(seed) || (seed as number) < 0 || (seed as number) >= 2 ** 32)
    return refuse(`"seed" of a random sweep is a whole number from 0 to 4294967295, not ${JSON.stringify(seed)}`);
  return draw(Object.entries(drawn), random as number, seed as number);

  /** A list; a value alone is one of it that is no part of the names. */
  function listOf(name: string, json: unknown): Value[] | Value {
    if (isValue(json)) return json;
    if (Array.isArray(json) && json.length > 0 && json.every(isValue)) {
      if (new Set(json).size < json.length) refuse(`"${name}" lists a value twice`);
      return json;
    }
    return refuse(
      `"${name}" must be a value or a list of values${random === undefined ? ' (a range needs "random": the number of trainings)' : ', {"log": [low, high]} or {"uniform": [low, high]}'}, not ${JSON.stringify(json)}`,
    );
  }

  function product(options: readonly (readonly [string, Value[] | Value])[]): [string, Value, boolean][][] {
    const count = options.reduce((n, [, list]) => n * (Array.isArray(list) ? list.length : 1), 1);
    if (count > MOST_TRAININGS) refuse(`${count} combinations are more than ${MOST_TRAININGS}; give "random" instead`);
    return options.reduce<[string, Value, boolean][][]>(
      (runs, [name, list]) =>
        runs.flatMap((run) =>
          (Array.isArray(list) ? list : [list]).map((value): [string, Value, boolean][] => [
            ...run,
            [name, value, Array.isArray(list)],
          ]),
        ),
      [[]],
    );
  }

  function draw(options: readonly (readonly [string, unknown])[], count: number, seed: number): SweepRun[] {
    const choices = options.map(([name, json]) => [name, rangeOf(name, json) ?? listOf(name, json)] as const);
    const runs = new Map<string, [string, Value, boolean][]>();
    // Each draw has its number: more of them begin with the same ones.
    for (let number = 0; runs.size < count; number++) {
      if (number >= 100 * count)
        refuse(`there are only ${runs.size} different combinations for "random": ${count}; ask for fewer`);
      const run = choices.map(([name, choice], i): [string, Value, boolean] => {
        const random = new Random(seed, number, i);
        if (Array.isArray(choice)) return [name, choice[Math.floor(random.uniform(0, choice.length))], true];
        return isValue(choice) ? [name, choice, false] : [name, within(choice, random.uniform()), true];
      });
      const key = JSON.stringify(run);
      if (!runs.has(key)) runs.set(key, run);
    }
    return named([...runs.values()]);
  }

  function rangeOf(name: string, json: unknown): Range | undefined {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
    const [[kind, ends] = [], more] = Object.entries(json);
    const numbers = Array.isArray(ends) && ends.length === 2 && ends.every(Number.isFinite) && ends[0] < ends[1];
    if (more !== undefined || (kind !== 'log' && kind !== 'uniform') || !numbers || (kind === 'log' && ends[0] <= 0))
      return refuse(
        `"${name}" must be {"log": [low, high]} with 0 < low < high, or {"uniform": [low, high]}, not ${JSON.stringify(json)}`,
      );
    return { kind, ends: ends as [number, number] };
  }
}

/** A number of a range, to three digits: a folder is called after it. */
function within({ kind, ends: [low, high] }: Range, u: number): number {
  const value = kind === 'log' ? low * (high / low) ** u : low + (high - low) * u;
  return Math.min(high, Math.max(low, Number(value.toPrecision(3))));
}

/** What a path or a word says in the name of a folder. */
const spell = (value: Value): string =>
  String(value)
    .replace(/.*\/(?=.)/, '')
    .replace(/[^\w.+-]+/g, '-');

function named(runs: readonly (readonly (readonly [string, Value, boolean])[])[]): SweepRun[] {
  const taken = new Set<string>();
  return runs.map((run) => {
    const name =
      run
        .filter(([, , varies]) => varies)
        .map(([option, value]) => `${option}=${spell(value)}`)
        .join('_') || 'all';
    // Two files of one name in different folders.
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${name}_${number}`;
    taken.add(free);
    return { name: free, options: Object.fromEntries(run.map(([option, value]) => [option, value])) };
  });
}
