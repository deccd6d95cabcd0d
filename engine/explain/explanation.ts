import { RandomStream } from '../random.ts';
import { sizeOf, type DType, type Shape, type Tensor } from '../tensor.ts';
import { showNumber } from './show_number.ts';
import { offsetOf, upTo, type Term } from './terms.ts';

/** Numbers that an example can be tried with: stride, padding, the count of channels. */
export type Settings = Readonly<Record<string, number>>;

/** One of an example's settings: what it can be, the first being the default. */
export interface Setting {
  readonly name: string;
  readonly choices: readonly number[];
}

/** An input of an example. */
export interface Operand {
  readonly name: string;
  /** What it is, and what its dimensions are. */
  readonly says: string;
  readonly shape: Shape;
  readonly data: readonly number[];
  readonly dtype?: DType;
  /** A parameter that an update changes. */
  readonly state?: boolean;
}

/** Numbers of a shape, in row-major order. */
export interface Value {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Everything in an example by its name in the formulas: operands, output, the output's cotangent, gradients. */
export type Values = Readonly<Record<string, Value>>;

/** An element of one of the values. */
export interface Cell {
  readonly of: string;
  readonly at: readonly number[];
}

/** How one element of a result comes about. */
export interface Behind {
  /** What it is made from. */
  readonly cells: readonly Cell[];
  /** The formula with its numbers put in: text and numbers, in their order. */
  readonly arithmetic: readonly (string | number)[];
}

/** Something that an op gives: its output, the gradient of one of its operands, or a parameter after an update. */
export interface Result {
  readonly name: string;
  /** As `formulaToTex` reads it. */
  readonly formula: string;
  /** What the formula leaves open, as a clause that follows it. */
  readonly where?: string;
  /** The operand whose gradient this is, or which it is after an update; absent of the output. */
  readonly of?: string;
  /**
   * A piece of the line that does it in the first version of its kernels, where it stands once; absent where no kernel
   * runs, or many do.
   */
  readonly line?: string;
  /** What the element at this index is made from, with the numbers of `values` put in. */
  behind(at: readonly number[], values: Values, settings: Settings): Behind;
}

/** An op explained: what it computes, and an example of small whole numbers that can be followed with a pencil. */
export interface Explanation {
  /** As its function is called, in snake case. */
  readonly name: string;
  readonly says: string;
  /** Its chapter in docs/, without ending. */
  readonly chapter?: string;
  readonly settings: readonly Setting[];
  /** The example's inputs under these settings. */
  operands(settings: Settings): readonly Operand[];
  /** The op applied; of an update, the update. */
  apply(operands: Readonly<Record<string, Tensor>>, settings: Settings, version?: 1): Tensor;
  /** The output's cotangent in the example: small whole numbers when absent. */
  readonly cotangent?: readonly number[];
  /** The output first, then the gradients; of an update, what it changes. */
  readonly results: readonly Result[];
}

export const isUpdate = ({ results: [first] }: Explanation): boolean => first.of !== undefined;

/** Each setting's first choice. */
export const defaultsOf = ({ settings }: Explanation): Settings =>
  Object.fromEntries(settings.map(({ name, choices }) => [name, choices[0]]));

/** The element of a value. */
export const elementOf = (values: Values, { of, at }: Cell): number => values[of].data[offsetOf(values[of].shape, at)];

/** Text with numbers put in, which stay numbers: each reader rounds as it has room. */
export const written = (
  text: TemplateStringsArray,
  ...put: readonly (number | readonly (string | number)[])[]
): (string | number)[] =>
  text.flatMap((piece, i) => [...(piece === '' ? [] : [piece]), ...(i < put.length ? [put[i]].flat() : [])]);

/** Numbers with something between them. */
export const joined = (
  pieces: readonly (number | readonly (string | number)[])[],
  between: string,
): (string | number)[] => pieces.flatMap((piece, i) => [...(i === 0 ? [] : [between]), ...[piece].flat()]);

/** An element that is a sum of products. */
export function sumOf(terms: readonly Term[], values: Values): Behind {
  const cellsOf = ({ at }: Term): Cell[] => Object.entries(at).map(([of, index]) => ({ of, at: index }));
  const product = (term: Term): (string | number)[] =>
    joined(
      [...(term.factor === undefined ? [] : [term.factor]), ...cellsOf(term).map((cell) => elementOf(values, cell))],
      ' · ',
    );
  return { cells: terms.flatMap(cellsOf), arithmetic: terms.length === 0 ? [0] : joined(terms.map(product), ' + ') };
}

/** Whole numbers from `low` to `high` without an order that meets the eye, the same at each call. */
export function wholeNumbers(shape: Shape, low: number, high: number, salt: number): number[] {
  const random = new RandomStream(salt);
  return Array.from({ length: sizeOf(shape) }, () => low + Math.floor(random.uniform() * (high - low + 1)));
}

/** A part of a value that can be laid out in rows and columns. */
export interface Slice {
  /** Which it is, where there are several: `c = 1`. */
  readonly title: string;
  /** Indices of the elements, row by row. */
  readonly rows: readonly (readonly (readonly number[])[])[];
}

/** What the formulas call the indices of a value: of y[n, ho, vo, k] those four. */
function indicesOf({ results }: Explanation, name: string, rank: number): string[] {
  for (const { formula } of results) {
    const found = new RegExp(`(?<!\\p{L})${name}\\[([^\\]]*)\\]`, 'u').exec(formula)?.[1].split(', ');
    if (found?.length === rank) return found;
  }
  return Array.from({ length: rank }, (_, axis) => `axis ${axis}`);
}

/** A value as grids: images by sample and channel, filters by channel and filter, matrices and vectors as they are. */
export function slicesOf(explanation: Explanation, name: string, shape: Shape): Slice[] {
  if (shape.length < 2) return [{ title: '', rows: [upTo(shape[0] ?? 1).map((i) => (shape.length === 0 ? [] : [i]))] }];
  const letters = indicesOf(explanation, name, shape.length);
  const [down, across] = shape.length === 4 && letters[0] === 'n' ? [1, 2] : [0, 1];
  const others = shape.flatMap((_, axis) => (axis === down || axis === across ? [] : [axis]));
  const picks = others.reduce<number[][]>(
    (all, axis) => all.flatMap((at) => upTo(shape[axis]).map((i) => [...at, i])),
    [[]],
  );
  return picks.map((pick) => ({
    title: others.flatMap((axis, i) => (shape[axis] > 1 ? [`${letters[axis]} = ${pick[i]}`] : [])).join(', '),
    rows: upTo(shape[down]).map((i) =>
      upTo(shape[across]).map((j) =>
        shape.map((_, axis) => (axis === down ? i : axis === across ? j : pick[others.indexOf(axis)])),
      ),
    ),
  }));
}

/** Arithmetic as text: negative numbers in parentheses where a sign stands before them. */
export const showArithmetic = ({ arithmetic }: Behind): string =>
  arithmetic
    .map((part, i) =>
      typeof part === 'string'
        ? part
        : part < 0 && /[·+−/]\s*$/.test(String(arithmetic[i - 1] ?? ''))
          ? `(${showNumber(part)})`
          : showNumber(part),
    )
    .join('')
    .replaceAll(/(?<![\w.])-(?=[\d.])/g, '−');
