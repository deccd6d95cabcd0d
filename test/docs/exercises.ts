import { readFileSync, readdirSync } from 'node:fs';

const DOCS = new URL('../../docs/', import.meta.url);
export const chapterFiles = readdirSync(DOCS)
  .filter((file) => /^\d\d-.*\.md$/.test(file))
  .sort();
export const readChapter = (file: string): string => readFileSync(new URL(file, DOCS), 'utf8');

/** A figure of a chapter: its kind or op, what it shows, its key=value pairs. */
export interface FigureOfChapter {
  readonly name: string;
  readonly shows: readonly string[];
  readonly data: Readonly<Record<string, string>>;
}

/** `x[0, 1] = 3` or `stride = 2`: what is set to which number. */
export type Assignment = readonly [name: string, value: number];

interface Common {
  readonly text: string;
  /** The last figure before it, and how many that is from the first. */
  readonly figure?: FigureOfChapter;
  readonly figureIndex: number;
}
export type Exercise = Common &
  (
    | {
        readonly kind: 'number';
        readonly value: number;
        readonly tolerance: number;
        /** Arithmetic that comes to it. */
        readonly arithmetic?: string;
        /** An element of an op's example that is it. */
        readonly from?: { readonly op: string; readonly cell: string; readonly changed: readonly Assignment[] };
      }
    | { readonly kind: 'choice'; readonly value: number; readonly items: number }
    | { readonly kind: 'cell'; readonly value: string }
    | {
        readonly kind: 'goal';
        readonly name: string;
        readonly sign: '<' | '>';
        readonly value: number;
        /** What a reader can do. */
        readonly by: readonly Assignment[];
      }
  );

const assignments = (text: string | undefined): Assignment[] =>
  [...(text ?? '').matchAll(/(\w+'?(?:\[[\d, ]+\])?) = (-?[\d.]+)/g)].map(([, name, value]) => [name, Number(value)]);

function figureOf([, name, words]: RegExpMatchArray): FigureOfChapter {
  const all = words.split(' ').filter(Boolean);
  const pairs = all.filter((word) => word.includes('='));
  return {
    name,
    shows: all.filter((word) => !pairs.includes(word)),
    data: Object.fromEntries(pairs.map((word) => word.split('='))),
  };
}

function exerciseOf(kind: string, words: string, text: string): object {
  if (kind === 'number') {
    const [, value, tolerance, arithmetic, op, cell, changed] =
      /^(\S+)(?: \+-(\S+))?(?: = (.*)| from (\w+) ([^\]]*\])(?: with (.*))?)?$/.exec(words)!;
    const from = op === undefined ? undefined : { op, cell, changed: assignments(changed) };
    return { value: Number(value), tolerance: Number(tolerance ?? 0), arithmetic, from };
  }
  if (kind === 'choice')
    return { value: Number(words), items: text.split('<details>')[0].match(/^\d+\. /gm)?.length ?? 0 };
  if (kind === 'cell') return { value: words };
  const [, name, sign, value, by] = /^(.*?) ([<>]) (\S+) by (.*)$/.exec(words)!;
  return { name, sign, value: Number(value), by: assignments(by) };
}

/** The figures of a chapter, in their order. */
export const figuresIn = (markdown: string): FigureOfChapter[] =>
  [...markdown.matchAll(/<!-- figure ([\w-]+) ?(.*?) ?-->/g)].map(figureOf);

/** The exercises of a chapter, in their order. */
export const exercisesIn = (markdown: string): Exercise[] =>
  [...markdown.matchAll(/<!-- exercise (\w+) ?(.*?) ?-->\n([\s\S]*?)<!-- end -->/g)].map((found) => {
    const [, kind, words, text] = found;
    const figures = figuresIn(markdown.slice(0, found.index));
    return {
      kind,
      text,
      figure: figures[figures.length - 1],
      figureIndex: figures.length - 1,
      ...exerciseOf(kind, words, text),
    } as Exercise;
  });
