import type { Explanation, Result, Slice } from '../engine/explain/explanation.ts';
import { showNumber } from '../engine/explain/show_number.ts';
import type { HowMade, LaunchedStep } from '../engine/explain/work.ts';
import { showShape, type Shape } from '../engine/tensor.ts';

/** An element of a result with what it is made of. */
export interface WorkedElement {
  readonly at: readonly number[];
  readonly value: number;
  readonly arithmetic: string;
}

/** An op's explanation with its example computed. */
export interface Explained {
  readonly name: string;
  readonly says: string;
  readonly chapter?: string;
  readonly adapter: string;
  readonly operands: readonly { readonly name: string; readonly says: string; readonly shape: Shape }[];
  readonly results: readonly (Pick<Result, 'name' | 'of' | 'formula' | 'where'> & {
    readonly tex: string;
    readonly made: HowMade;
    readonly element: WorkedElement;
  })[];
  readonly settings: Readonly<Record<string, number>>;
  readonly isUpdate: boolean;
  /** Operands, output, cotangent and gradients by name, with the indices of their elements laid out as grids. */
  readonly values: Readonly<
    Record<string, { readonly shape: Shape; readonly data: readonly number[]; readonly grids: readonly Slice[] }>
  >;
}
import { textTable } from '../vision/report/text_table.ts';

const WIDTH = 80;
/** A space at which no line is broken. */
const NO_BREAK = '\u00a0';

/** Text in lines of at most so many characters, broken at spaces; all lines but the first are indented by more. */
function wrapped(text: string, indent: number, more = 2): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = ' '.repeat(indent + more);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

/** The ops in a table, in lines that fit a terminal. */
export function showExplanations(explanations: readonly Explanation[]): string {
  const room = WIDTH - Math.max(...explanations.map(({ name }) => name.length)) - 2;
  const rows = explanations.flatMap(({ name, says }) =>
    wrapped(says, WIDTH - room, 0).map((line, i) => [i === 0 ? name : '', line.slice(WIDTH - room)]),
  );
  return `${textTable(['op', 'what it does'], rows, 2)}\n\ntuningfork explain OP prints its formulas, its kernels and an example.`;
}

export function showExplanation(e: Explained): string {
  const [output, rest] = e.isUpdate ? [undefined, e.results] : [e.results[0], e.results.slice(1)];
  const sections: string[][] = [
    [e.name, ...wrapped(e.says, 0, 0), ...(e.chapter === undefined ? [] : [`Chapter: ${e.chapter}`])],
  ];
  if (output) sections.push(['Formula', ...formula(output)]);
  const names = Math.max(...e.operands.map(({ name, shape }) => `${name} ${showShape(shape)}`.length));
  sections.push([
    'Operands',
    ...e.operands.flatMap(({ name, shape, says }) =>
      wrapped(`${`${name} ${showShape(shape)}`.padEnd(names)}  ${says}`, 2, names + 2),
    ),
  ]);
  sections.push([
    e.isUpdate ? 'Update, in place' : 'Gradients',
    ...rest.flatMap((result) => [
      ...formula(result),
      ...(e.isUpdate
        ? []
        : wrapped(`by ${result.made.ops.join(', ') || 'nothing: the cotangent is passed on as it is'}`, 6)),
    ]),
  ]);
  sections.push([
    'Kernels',
    ...(e.isUpdate
      ? kernels(
          e.results.map(({ name }) => name).join(', '),
          e.results.map(({ made }) => made),
        )
      : e.results.flatMap(({ name, made }) => kernels(name, [made]))),
  ]);
  const settings = Object.entries(e.settings).map(([name, value]) => `${name} ${value}`);
  sections.push([
    ...wrapped(`Example${settings.length > 0 ? ` with ${settings.join(', ')}` : ''}, computed on ${e.adapter}`, 0),
    ...grids(e),
    '',
    ...e.results.flatMap(({ name, element }) =>
      wrapped(`${name}${showShape(element.at)} = ${equation(element)}`, 2, 4),
    ),
  ]);
  return sections.map((lines) => lines.join('\n')).join('\n\n');
}

/** The arithmetic and what it comes to, where these are not the same. */
const equation = ({ arithmetic, value }: Explained['results'][number]['element']): string => {
  const total = showNumber(value).replace(/^-/, '−');
  return arithmetic === total ? total : `${arithmetic} = ${total}`;
};

const formula = ({ formula: text, where }: Pick<Explained['results'][number], 'formula' | 'where'>): string[] => [
  ...wrapped(
    text.replaceAll(/\[[^\]]*\]/g, (index) => index.replaceAll(' ', NO_BREAK)),
    2,
    6,
  ).map((line) => line.replaceAll(NO_BREAK, ' ')),
  ...(where === undefined ? [] : wrapped(`where ${where.replace(/^where /, '')}`, 6)),
];

/** A step a line; what is the same several times over is one. */
function launches(steps: readonly LaunchedStep[], indent: number): string[] {
  const lines = steps.map(({ file, workgroups, specialised }) => {
    const numbers = Object.entries(specialised).map(([name, value]) => `${name} ${value}`);
    const count = workgroups.reduce((a, b) => a * b, 1);
    return `${file}  ${count === 1 ? '1 workgroup' : `${workgroups.join(' x ')} workgroups`}${numbers.length > 0 ? `, ${numbers.join(', ')}` : ''}`;
  });
  return lines.flatMap((line, i) => {
    if (line === lines[i - 1]) return [];
    const end = lines.findIndex((other, k) => k > i && other !== line);
    const times = (end < 0 ? lines.length : end) - i;
    return wrapped(times > 1 ? `${line} (${times} times)` : line, indent);
  });
}

function kernels(name: string, made: readonly HowMade[]): string[] {
  const [{ steps, naive }] = made;
  const lines = made.flatMap(({ line }) => (line ? wrapped(line.text, 6) : []));
  if (steps.length === 0) return [`  ${name}  no kernel runs`];
  return [
    `  ${name}`,
    ...(naive ? ['    the first version, which is the formula', ...launches(naive, 6)] : launches(steps, 4)),
    ...(lines.length > 0 ? ['    where it says', ...lines] : []),
    ...(naive ? ['    the one in use, as launched for the example', ...launches(steps, 6)] : []),
  ];
}

interface Block {
  readonly lines: readonly string[];
  readonly width: number;
}

/** A value's slices as blocks of text, titles above. */
function blocksOf(name: string, { shape, data, grids: slices }: Explained['values'][string]): Block[] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return slices.map(({ title, rows }) => {
    const cells = rows.map((row) =>
      row.map((at) => showNumber(data[at.reduce((sum, i, axis) => sum + i * strides[axis], 0)])),
    );
    const wide = Math.max(...cells.flat().map((cell) => cell.length));
    const lines = [
      title ? `${name}, ${title}` : name,
      ...cells.map((row) => row.map((cell) => cell.padStart(wide)).join(' ')),
    ];
    return { lines, width: Math.max(...lines.map((line) => line.length)) };
  });
}

/** All values side by side, as many as a line has room for. */
function grids({ values }: Explained): string[] {
  const lines: string[] = [];
  let shelf: Block[] = [];
  const put = (): void => {
    const height = Math.max(0, ...shelf.map((block) => block.lines.length));
    for (let i = 0; i < height; i++)
      lines.push(`  ${shelf.map(({ lines: own, width }) => (own[i] ?? '').padEnd(width)).join('    ')}`.trimEnd());
    shelf = [];
  };
  for (const [name, value] of Object.entries(values)) {
    for (const block of blocksOf(name, value)) {
      if (2 + shelf.reduce((sum, { width }) => sum + width + 4, 0) + block.width > WIDTH) {
        put();
        lines.push('');
      }
      shelf.push(block);
    }
  }
  put();
  return lines;
}
