import { readFileSync, readdirSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);

/** A file of the repository as text. */
export const textOf = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** The chapters' file names in their order. */
export const CHAPTERS: readonly string[] = readdirSync(new URL('docs', ROOT))
  .filter((file) => /^\d\d-[\w-]+\.md$/.test(file))
  .sort();

/** What stands between a heading `## NAME` and the next. @throws Error where there is no such heading */
export function sectionOf(text: string, name: string): string {
  const parts = text.split(/^## /m).slice(1);
  const found = parts.find((part) => part.startsWith(`${name}\n`));
  if (found === undefined)
    throw new Error(`there is no section ${name}; there are ${parts.map((p) => p.split('\n')[0])}`);
  return found.slice(name.length);
}

/** Every bmatrix of a text, row by row, in their order. */
export const matricesOf = (text: string): number[][][] =>
  [...text.matchAll(/\\begin\{bmatrix\} (.*?) \\end\{bmatrix\}/gs)].map(([, body]) =>
    body.split('\\\\').map((row) => row.split('&').map((cell) => Number(cell.trim().replace('−', '-')))),
  );

/** The rows of every table of a text, without heads and rules: its cells as text. */
export const tableRows = (text: string): string[][] =>
  [...text.matchAll(/^\|(.*)\|$/gm)]
    .map(([, row]) => row.split('|').map((cell) => cell.trim()))
    .filter((_, i, rows) => !isRule(rows[i]) && !(rows[i + 1] && isRule(rows[i + 1])));
const isRule = (cells: readonly string[]): boolean => cells.every((cell) => /^:?-+:?$/.test(cell));

export interface Exercise {
  readonly kind: string;
  /** What follows the kind: `8 +-0.1`, `2`. */
  readonly asked: string;
  readonly text: string;
}

/** The exercises of a chapter in their order. */
export const exercisesOf = (text: string): Exercise[] =>
  [...text.matchAll(/<!-- exercise (\w+) (.*?) -->\n([\s\S]*?)<!-- end -->/g)].map(([, kind, asked, body]) => ({
    kind,
    asked,
    text: body,
  }));

/** The answers of a chapter's exercises `number`, in their order. */
export const numbersAsked = (text: string): number[] =>
  exercisesOf(text)
    .filter(({ kind }) => kind === 'number')
    .map(({ asked }) => Number(asked.split(' ')[0]));
