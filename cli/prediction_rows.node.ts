import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import type { Stretch } from '../vision/data/stretch.ts';
import type { Task } from '../vision/train/task.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { skipped } from './good_images.ts';
import type { OnnxFlags } from './load_model.node.ts';
import { PartFile } from './part_file.node.ts';
import { csvToParquet, isParquetPath, type CsvColumns } from './parquet_rows.node.ts';
import { checkPart, checkedPieces, readParts, type Part } from './parts.node.ts';
import { RowFile } from './row_file.node.ts';
import { imageOrigin } from './row_origin.node.ts';
import type { Origin } from './row_state.node.ts';
import { shardName, shardRange, type Shard } from './shards.ts';

interface RowFlags extends OnnxFlags {
  readonly out?: string;
  readonly shard?: Shard;
  readonly json?: boolean;
  readonly format: string;
  readonly tta: number;
}

/** The rows of a prediction: those of all images, or of a part of them. */
interface AskedRows {
  /** The path of the model, and the stretch that it has. */
  readonly path: string;
  readonly stretch?: Stretch;
  /** What the numbers are: behind probabilities stands the likeliest class. */
  readonly answers: Task['answers'];
  readonly dataset: Dataset;
  readonly header: string;
}

/** The file that a prediction's rows go to, on which an earlier one may have begun; undefined for standard output. */
export async function openRows(asked: AskedRows, flags: RowFlags): Promise<RowFile | undefined> {
  const { out, shard, json, format, tta } = flags;
  if (out === undefined) {
    if (shard) throw new UserError('--shard needs a folder for its part of the rows: give --out');
    return undefined;
  }
  const { dataset, header, answers } = asked;
  const origin = {
    ...{ rows: 'predictions', ...(await imageOrigin(asked.path, flags, dataset, asked.stretch)), answers },
    ...{ '--format': json ? 'json' : format, '--tta': tta },
    ...(shard && { shards: shard.of }),
  };
  const [first, end] = shardRange(dataset.examples.length, shard);
  const stamp = dataset.stamp && ((image: number) => dataset.stamp!(first + image));
  if (shard) makeFolder(out);
  const path = shard ? join(out, shardName(shard, json ? 'jsonl' : 'csv')) : out;
  return RowFile.open(path, { origin, total: end - first, header, stamp });
}

/** What the columns of predictions are. */
export const predictionColumns = (answers: string | number | undefined): CsvColumns => ({
  type: 'DOUBLE',
  endsWithText: answers === 'probabilities',
});

/**
 * Puts the parts of a folder together, in the order of the images. Throws a UserError where one is missing, not
 * finished, of another prediction, or changed since it was written, or is no csv where a parquet file is asked for.
 */
export async function mergePredictions(folder: string, out: string): Promise<void> {
  const { all, rows, bad, origin } = readParts(folder, 'predictions');
  if (isParquetPath(out) && origin['--format'] !== 'csv')
    throw new UserError(`${folder} holds parts of --format ${origin['--format']}, of which no parquet file is made`);
  await using file = await PartFile.create(out);
  await (isParquetPath(out) ? mergeToParquet(all, origin['answers'], file) : mergeText(all, file));
  await file.finish();
  console.log(`${rows} rows of ${all.length} parts${bad > 0 ? `, ${skipped(bad)}` : ''}: ${out}`);
}

async function mergeToParquet(all: readonly Part[], answers: Origin[string], file: PartFile): Promise<void> {
  for (const { path, state } of all) await checkPart(path, state.sha256);
  const paths = all.map(({ path }) => path);
  await csvToParquet(paths, predictionColumns(answers), (bytes) => file.write(bytes));
}

async function mergeText(all: readonly Part[], file: PartFile): Promise<void> {
  for (const [i, { path, state }] of all.entries()) {
    // The header of the first is that of all.
    let header = i === 0 ? 0 : state.header;
    for await (const piece of checkedPieces(path, state.sha256)) {
      await file.write(piece.subarray(Math.min(header, piece.length)));
      header -= Math.min(header, piece.length);
    }
  }
}
