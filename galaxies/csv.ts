import type { Options } from 'csv-parse';
import { CsvError, parse } from 'csv-parse/browser/esm/sync';
import { UserError } from '../engine/user_error.ts';

/** Takes a csv file row by row, the header first. `line` counts from 1. Throws UserError for a row it cannot take. */
export type RowSink = (fields: readonly string[], line: number) => void;

/** Options under which csv-parse hands every row to `sink` and keeps none. */
export function sinkOptions(file: string, sink: RowSink): Options {
  let header: number | null = null;
  return {
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    on_record(fields: string[], { lines }) {
      header ??= fields.length;
      if (fields.length !== header) {
        throw new UserError(`${file}, line ${lines}: ${fields.length} fields where the header has ${header}`);
      }
      sink(fields, lines);
      return null;
    },
  };
}

/**
 * What csv-parse says of a malformed file, as a sentence that names the file; other errors are given back as they are.
 */
export function csvError(error: unknown, file: string): unknown {
  if (
    !(error instanceof CsvError) &&
    !(error instanceof Error && 'code' in error && /^CSV_/.test(String(error.code)))
  ) {
    return error;
  }
  return new UserError(`${file} is not a well-formed csv file: ${error.message}`);
}

/** Reads a whole csv text into `sink`. `file` is what errors call it. */
export function parseCsv(text: string, file: string, sink: RowSink): void {
  try {
    parse(text, sinkOptions(file, sink));
  } catch (error) {
    throw csvError(error, file);
  }
}

/** Where each of `wanted` stands in a header. Throws for a wanted column that is missing or there twice. */
export function findColumns(header: readonly string[], wanted: readonly string[], file: string): number[] {
  return wanted.map((name) => {
    const at = header.indexOf(name);
    if (at < 0) throw new UserError(`${file}: column ${name} is missing`);
    if (header.indexOf(name, at + 1) >= 0) throw new UserError(`${file}: column ${name} is there twice`);
    return at;
  });
}

/** A text as a field of a csv line (RFC 4180): ids are names of files, and may hold a comma. */
export const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
