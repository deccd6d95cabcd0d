import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { differenceOf, readState, statePath, type Origin, type RowState } from './row_state.node.ts';
import { MOST_SHARDS, shardName, type PartKind } from './shards.ts';

/** What rows hold, and so which command makes them. */
export type Rows = 'predictions' | 'features';

const COMMANDS = { predictions: 'predict', features: 'embed' } as const satisfies Record<Rows, string>;

/** One part, and what was said of it when it was written. */
export interface Part {
  readonly path: string;
  readonly state: RowState;
}

/** All parts of one command, in the order of their images. */
export interface Parts {
  readonly kind: PartKind;
  readonly all: readonly Part[];
  readonly origin: Origin;
  /** Rows in all, and images that have none. */
  readonly rows: number;
  readonly bad: number;
}

const AGAIN = 'delete both files and give the command of this part again';

/**
 * The parts of a folder. Their bytes are not read.
 * @throws UserError where one is missing, not finished, or of another command
 */
export function readParts(folder: string, wanted: Rows): Parts {
  const { names, kind } = partsIn(folder, wanted);
  const all = names.map((name): Part => {
    const path = join(folder, name);
    const state = readState(path);
    if (!state) throw new UserError(`${path} lacks ${statePath(name)}, which says what it is of; ${AGAIN}`);
    return { path, state };
  });
  const { origin } = all[0].state;
  const made = origin['rows'];
  if (made !== wanted && (made === 'predictions' || made === 'features'))
    throw new UserError(`${folder} holds parts of ${made}; join them by \`tuningfork ${COMMANDS[made]} merge\``);
  all.forEach(({ state }, i) => {
    const difference = differenceOf(origin, state.origin);
    if (difference !== undefined)
      throw new UserError(`${folder} holds parts of different ${wanted}: ${names[0]} and ${names[i]} (${difference})`);
  });
  const sum = (of: 'rows' | 'bad') => all.reduce((total, { state }) => total + state[of], 0);
  const [rows, bad] = [sum('rows'), sum('bad')];
  if (rows + bad !== origin['images'])
    throw new UserError(
      `${folder} holds rows of ${rows + bad} images, and ${origin['images']} were asked for; ${AGAIN}`,
    );
  return { kind, all, origin, rows, bad };
}

/**
 * A file in pieces, which are hashed as they come.
 * @throws UserError at its end, where it is not what was written
 */
export async function* checkedPieces(path: string, sha256: string | undefined): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(piece);
      yield piece;
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
  if (hash.digest('hex') !== sha256) throw new UserError(`${path} was changed since it was written; ${AGAIN}`);
}

/** Reads a file to its end for nothing but to see that it is what was written. */
export async function checkPart(path: string, sha256: string | undefined): Promise<void> {
  for await (const _ of checkedPieces(path, sha256));
}

/** The files of a folder's shards in their order. Throws where some are missing, and names them. */
function partsIn(folder: string, wanted: Rows): { names: string[]; kind: PartKind } {
  const found = new Set<string>();
  const sets = new Map<string, { of: number; kind: PartKind }>();
  for (const name of listFolder(folder)) {
    const [, of, kind] = /^shard-\d+-of-(\d+)\.(csv|jsonl|npy)/.exec(name) ?? [];
    if (of === undefined || !(Number(of) <= MOST_SHARDS)) continue;
    sets.set(`${of} as ${kind}`, { of: Number(of), kind: kind as PartKind });
    found.add(name);
  }
  const command = `tuningfork ${COMMANDS[wanted]} --shard`;
  if (sets.size === 0) throw new UserError(`${folder} holds no parts of ${wanted}; give the --out of ${command}`);
  if (sets.size > 1)
    throw new UserError(
      `${folder} holds parts of different ${wanted}, one of ${[...sets.keys()].join(' and one of ')}; delete those of one`,
    );
  const [{ of, kind }] = sets.values();
  const names = Array.from({ length: of }, (_, i) => shardName({ index: i + 1, of }, kind));
  const missing = names.flatMap((name, i) => (found.has(name) ? [] : [i + 1]));
  if (missing.length > 0)
    throw new UserError(
      `${folder} lacks ${missing.length === 1 ? 'part' : 'parts'} ${missing.slice(0, 20).join(', ')}${missing.length > 20 ? ' ...' : ''} of ${of}; give the command of each again, such as --shard ${missing[0]}/${of}`,
    );
  return { names, kind };
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw fileError('read', folder, error);
  }
}
