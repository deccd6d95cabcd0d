import type { Options } from 'csv-parse';
import { parse } from 'csv-parse/browser/esm/sync';
import { UserError } from '../../engine/user_error.ts';

/** Takes a csv file row by row, the header first. `line` counts from 1. Throws UserError for a row it cannot take. */
export type RowSink = (fields: readonly string[], line: number) => void;

/** How far a reading has come: what a complaint of csv-parse needs beside what it says itself. */
export interface Reading {
  readonly file: string;
  /** Rows taken, the header among them. */
  rows: number;
  header: readonly string[];
  /** The line on which the last row ended, and the empty lines before it. */
  line: number;
  emptyLines: number;
}

export const beginReading = (file: string): Reading => ({ file, rows: 0, header: [], line: 0, emptyLines: 0 });

/** Options under which csv-parse hands every row to `sink` and keeps none. */
export function sinkOptions(reading: Reading, sink: RowSink, delimiter = ','): Options {
  const { file } = reading;
  return {
    delimiter,
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    on_record(fields: string[], { lines, empty_lines }) {
      if (reading.rows === 0) reading.header = fields;
      if (fields.length !== reading.header.length) {
        throw new UserError(
          `${file}, line ${lines}: ${fields.length} fields where the header has ${reading.header.length}`,
        );
      }
      sink(fields.map(plainField), lines);
      Object.assign(reading, { rows: reading.rows + 1, line: lines, emptyLines: empty_lines });
      return null;
    },
  };
}

const SEPARATORS: ReadonlyMap<string, string> = new Map([
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
  [' ', 'spaces'],
]);

const wrongSeparator = (file: string, plural: string): UserError =>
  new UserError(
    `${file}: its fields are separated by ${plural}, where commas are needed; save it with the comma as separator`,
  );

/** Throws where a header has the column `name` only if it is divided by another separator than the comma. */
export function requireCommas(header: readonly string[], name: string, file: string): void {
  for (const [separator, plural] of SEPARATORS) {
    const names = header.join().split(separator);
    // By another than the comma it has more names: `my class` is one, and no two in a file of commas.
    if (names.length > header.length && names.some((each) => each.trim().replace(/^"(.*)"$/, '$1') === name))
      throw wrongSeparator(file, plural);
  }
}

/** What csv-parse's complaints mean to who wrote the file, by their codes. */
const COMPLAINTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote opens in this row and never closes',
  CSV_INVALID_CLOSING_QUOTE:
    'text follows a closing quote; a field in quotes ends with its quote, and one within it is written twice',
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE:
    'text follows a closing quote; a field in quotes ends with its quote, and one within it is written twice',
  INVALID_OPENING_QUOTE: 'a quote stands within a field that does not begin with one; put the whole field in quotes',
};

interface Complaint extends Error {
  readonly code: string;
  readonly lines: number;
  readonly empty_lines: number;
  readonly column: number;
}

/** csv-parse has two classes of errors, one for streams and one for texts, and codes of two forms. */
const isComplaint = (error: unknown): error is Complaint =>
  error instanceof Error && 'code' in error && 'lines' in error && 'empty_lines' in error && 'column' in error;

/**
 * What csv-parse says of a malformed file, as a sentence that names the file, the line on which the row begins, and the
 * column; other errors are given back as they are.
 */
export function csvError(error: unknown, { file, header, line, emptyLines }: Reading): unknown {
  if (!isComplaint(error)) return error;
  // In quotes, the first field of the header is followed by what separates it from the next.
  const separator = SEPARATORS.get(/ got "(.)" /.exec(error.message)?.[1] ?? '');
  if (header.length === 0 && separator !== undefined) return wrongSeparator(file, separator);
  const begins = Math.min(error.lines, line + 1 + error.empty_lines - emptyLines);
  const column = header[error.column] ?? error.column + 1;
  const what = COMPLAINTS[error.code] ?? error.message;
  return new UserError(`${file} is not a well-formed csv file: line ${begins}, column ${column}: ${what}`);
}

/** Reads a whole csv text into `sink`. `file` is what errors call it. */
export function parseCsv(text: string, file: string, sink: RowSink): void {
  const reading = beginReading(file);
  try {
    parse(text, sinkOptions(reading, sink));
  } catch (error) {
    throw csvError(error, reading);
  }
}

/** Where each of `wanted` stands in a header. Throws for a wanted column that is missing or there twice. */
export function findColumns(header: readonly string[], wanted: readonly string[], file: string): number[] {
  return wanted.map((name) => {
    const at = header.indexOf(name);
    if (at < 0) {
      requireCommas(header, name, file);
      throw new UserError(`${file}: column ${name} is missing`);
    }
    if (header.indexOf(name, at + 1) >= 0) throw new UserError(`${file}: column ${name} is there twice`);
    return at;
  });
}

/** What a spreadsheet runs as a formula, or did before it was written with an apostrophe. */
const FORMULA = /^'*[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/**
 * A text as a field of a csv line (RFC 4180): ids are names of files, and may hold a comma. One that a spreadsheet
 * would run as a formula, with = + - @, a tab or CR at its beginning, is given an apostrophe before it, which
 * spreadsheets take for "this is text"; plain numbers are left alone. `plainField` takes it off again.
 */
export function csvField(text: string): string {
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** A field as it was before `csvField` kept a spreadsheet from running it. */
export const plainField = (field: string): string =>
  field.startsWith("'") && FORMULA.test(field) ? field.slice(1) : field;
