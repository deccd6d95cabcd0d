import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { fileChecksums } from './checksum.node.ts';
import { finishedFolds } from './crossval_folder.node.ts';
import { modelFile } from './load_model.node.ts';
import { PartFile } from './part_file.node.ts';
import { RowFile, differenceOf, readState, statePath, type Origin } from './row_file.node.ts';
import { MOST_SHARDS, shardName, type Shard } from './shards.ts';

interface RowFlags {
  readonly out?: string;
  readonly shard?: Shard;
  readonly json?: boolean;
  readonly format: string;
  readonly tta: number;
}

/** The file that a prediction's rows go to, on which an earlier one may have begun; undefined for standard output. */
export async function openRows(
  model: string,
  flags: RowFlags,
  dataset: Dataset,
  rows: number,
  header: string,
): Promise<RowFile | undefined> {
  const { out, shard } = flags;
  if (out === undefined) {
    if (shard) throw new UserError('--shard needs a folder for its part of the rows: give --out');
    return undefined;
  }
  const origin = await originOf(model, flags, dataset);
  if (!shard) return RowFile.open(out, origin, rows, header);
  makeFolder(out);
  return RowFile.open(join(out, shardName(shard, flags.json ?? false)), origin, rows, header);
}

/** What rows depend on: the weights, the galaxies by their ids, and the options. */
async function originOf(model: string, { json, format, tta, shard }: RowFlags, dataset: Dataset): Promise<Origin> {
  const weights: string[] = [];
  for (const path of finishedFolds(model) ?? [model]) weights.push((await fileChecksums(modelFile(path))).sha256);
  const ids = createHash('sha256');
  for (const { id } of dataset.examples) ids.update(`${id}\n`);
  return {
    model: createHash('sha256').update(weights.join()).digest('hex'),
    galaxies: dataset.examples.length,
    ids: ids.digest('hex'),
    '--format': json ? 'json' : format,
    '--tta': tta,
    ...(shard && { shards: shard.of }),
  };
}

/**
 * Puts the shards of a folder together, in the order of the galaxies. Throws a UserError where one is missing, not
 * finished, of another prediction, or changed since it was written.
 */
export async function mergeShards(folder: string, out: string): Promise<void> {
  const names = shardsOf(folder);
  const states = names.map((name) => readState(join(folder, name)));
  const origin = states[0]?.origin;
  names.forEach((name, i) => {
    const state = states[i];
    if (!state)
      throw new UserError(`${join(folder, name)} lacks ${statePath(name)}, which says what it is of; ${AGAIN}`);
    const difference = differenceOf(origin!, state.origin);
    if (difference !== undefined)
      throw new UserError(`${folder} holds parts of different predictions: ${names[0]} and ${name} (${difference})`);
  });
  const json = origin!['--format'] === 'json';
  let rows = 0;
  await using file = await PartFile.create(out);
  for (const [i, name] of names.entries()) {
    const text = await readFile(join(folder, name));
    if (createHash('sha256').update(text).digest('hex') !== states[i]!.sha256)
      throw new UserError(`${join(folder, name)} was changed since it was written; ${AGAIN}`);
    // The header of the first is that of all.
    await file.write(i === 0 || json ? text : text.subarray(text.indexOf('\n') + 1));
    rows += states[i]!.rows;
  }
  if (rows !== origin!['galaxies'])
    throw new UserError(`${folder} holds ${rows} rows, and ${origin!['galaxies']} galaxies were asked for; ${AGAIN}`);
  await file.finish();
  console.log(`${rows} rows of ${names.length} parts: ${out}`);
}

const AGAIN = 'delete both files and predict this part again';

/** The files of a folder's shards in their order. Throws where some are missing, and names them. */
function shardsOf(folder: string): string[] {
  const found = new Set<string>();
  const all = new Map<string, { of: number; json: boolean }>();
  for (const name of listFolder(folder)) {
    const [, of, kind] = /^shard-\d+-of-(\d+)\.(csv|jsonl)/.exec(name) ?? [];
    if (of === undefined || !(Number(of) <= MOST_SHARDS)) continue;
    all.set(`${of} as ${kind}`, { of: Number(of), json: kind === 'jsonl' });
    found.add(name);
  }
  if (all.size === 0)
    throw new UserError(`${folder} holds no part of a prediction; give the --out of tuningfork predict --shard`);
  if (all.size > 1)
    throw new UserError(
      `${folder} holds parts of different predictions, one of ${[...all.keys()].join(' and one of ')}; delete those of one`,
    );
  const [{ of, json }] = all.values();
  const names = Array.from({ length: of }, (_, i) => shardName({ index: i + 1, of }, json));
  const missing = names.flatMap((name, i) => (found.has(name) ? [] : [i + 1]));
  if (missing.length > 0)
    throw new UserError(
      `${folder} lacks ${missing.length === 1 ? 'part' : 'parts'} ${missing.slice(0, 20).join(', ')}${missing.length > 20 ? ' ...' : ''} of ${of}; give the command of each again, such as --shard ${missing[0]}/${of}`,
    );
  return names;
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw fileError('read', folder, error);
  }
}
