import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { UserError } from '../../engine/user_error.ts';
import { fileError } from '../../models/formats/file_error.node.ts';
import { beginReading, csvError, parseCsv, type RowSink, sinkOptions } from './csv.ts';

/**
 * Streams a csv file, gzipped if its name ends in .gz, through `sink`; the file is never held whole. Returns how many
 * rows it has, the header among them.
 */
export async function readCsv(path: string, sink: RowSink, delimiter = ','): Promise<number> {
  const reading = beginReading(path);
  const parser = parse(sinkOptions(reading, sink, delimiter));
  parser.resume();
  const source = createReadStream(path);
  try {
    await (path.endsWith('.gz') ? pipeline(source, createGunzip(), parser) : pipeline(source, parser));
  } catch (error) {
    throw readError(csvError(error, reading), path);
  }
  return reading.rows;
}

/** The first line of a csv file as its fields; none for an empty one. Reads no more than 64 KiB. */
export async function readHeader(path: string): Promise<readonly string[]> {
  let header: readonly string[] = [];
  parseCsv(await firstLine(path), path, (fields) => (header = fields));
  return header;
}

/** The first line of a file, or its first 64 KiB where that is longer. */
export async function firstLine(path: string): Promise<string> {
  const handle = await open(path).catch((error) => {
    throw fileError('read', path, error);
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0);
    return buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)[0];
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    await handle.close();
  }
}

function readError(error: unknown, path: string): unknown {
  if (error instanceof Error && 'code' in error && /^Z_/.test(String(error.code)))
    return new UserError(`${path} is not a whole gzip file: ${error.message}`);
  return fileError('read', path, error);
}
