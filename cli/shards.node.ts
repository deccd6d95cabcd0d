import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import type { Stretch } from '../vision/data/stretch.ts';
import { skipped } from './good_images.ts';
import type { OnnxFlags } from './load_model.node.ts';
import { PartFile } from './part_file.node.ts';
import { RowFile, differenceOf, readState, statePath, type RowState } from './row_file.node.ts';
import { imageOrigin } from './row_origin.node.ts';
import { MOST_SHARDS, shardName, shardRange, type Shard } from './shards.ts';

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
  const { dataset, header } = asked;
  const origin = {
    ...(await imageOrigin(asked.path, flags, dataset, asked.stretch)),
    '--format': json ? 'json' : format,
    '--tta': tta,
    ...(shard && { shards: shard.of }),
  };
  const [first, end] = shardRange(dataset.examples.length, shard);
  const stamp = dataset.stamp && ((image: number) => dataset.stamp!(first + image));
  if (shard) makeFolder(out);
  const path = shard ? join(out, shardName(shard, json ?? false)) : out;
  return RowFile.open(path, { origin, total: end - first, header, stamp });
}

/**
 * Puts the shards of a folder together, in the order of the images. Throws a UserError where one is missing, not
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
  let [rows, bad] = [0, 0];
  await using file = await PartFile.create(out);
  for (const [i, name] of names.entries()) {
    // The header of the first is that of all.
    await copyPart(join(folder, name), states[i]!, i === 0 || json ? 0 : states[i]!.header, file);
    rows += states[i]!.rows;
    bad += states[i]!.bad;
  }
  if (rows + bad !== origin!['images'])
    throw new UserError(
      `${folder} holds rows of ${rows + bad} images, and ${origin!['images']} were asked for; ${AGAIN}`,
    );
  await file.finish();
  console.log(`${rows} rows of ${names.length} parts${bad > 0 ? `, ${skipped(bad)}` : ''}: ${out}`);
}

/** Copies a part from byte `from` on. @throws UserError where it is not what was written */
async function copyPart(path: string, { sha256 }: RowState, from: number, to: PartFile): Promise<void> {
  const hash = createHash('sha256');
  let at = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(piece);
      const skipped = Math.min(piece.length, Math.max(0, from - at));
      at += piece.length;
      await to.write(piece.subarray(skipped));
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
  if (hash.digest('hex') !== sha256) throw new UserError(`${path} was changed since it was written; ${AGAIN}`);
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
