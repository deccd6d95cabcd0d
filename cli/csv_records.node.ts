import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { fileError } from '../models/formats/file_error.node.ts';
import { plainField } from '../vision/data/csv.ts';

/** The rows of a csv that `csvField` wrote, the header first, with texts as they were; the file is never held whole. */
export async function* csvRecords(path: string): AsyncGenerator<string[]> {
  const source = createReadStream(path);
  const parser = source.pipe(parse());
  source.on('error', (error) => parser.destroy(error));
  try {
    for await (const fields of parser as AsyncIterable<string[]>) yield fields.map(plainField);
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    source.destroy();
  }
}
