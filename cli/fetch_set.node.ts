import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { fetchFile } from './fetch.node.ts';
import type { Fetched, FetchOptions } from './fetch.node.ts';
import { gunzipFile } from './gunzip.node.ts';
import { SOURCES } from './sources.ts';
import type { Source, SourceSet } from './sources.ts';

export interface FetchSetOptions extends Pick<FetchOptions, 'attempts' | 'firstPauseMs'> {
  readonly sets?: readonly SourceSet[];
  /** Called as a file comes in. */
  onProgress?(file: string, bytes: number, total: number | null): void;
  /** Called with one sentence for each file that is in place. */
  say?(sentence: string): void;
}

/**
 * Brings the files of a set into a folder, which is made if need be; those already there are verified and kept. A
 * .csv.gz is unpacked beside itself; a zip of images is read where it lies. Returns what was fetched, by file name.
 * @throws UserError for an unknown set, and as fetchFile and gunzipFile do.
 */
export async function fetchSet(
  name: string,
  folder: string,
  options: FetchSetOptions = {},
): Promise<Map<string, Fetched>> {
  const { sets = SOURCES, say, onProgress, ...retry } = options;
  const set = sets.find((candidate) => candidate.name === name);
  if (!set)
    throw new UserError(
      `There is nothing called '${name}' to fetch; choose one of ${sets.map((each) => each.name).join(', ')}.`,
    );
  makeFolder(folder);

  const fetched = new Map<string, Fetched>();
  for (const source of set.files) {
    const to = join(folder, source.file);
    const result = await fetchFile({
      ...source,
      ...retry,
      to,
      onProgress: (received, total) => onProgress?.(source.file, received, total),
    });
    fetched.set(source.file, result);
    say?.(sentence(to, source, result));
    if (to.endsWith('.csv.gz')) await unpack(to, result.present);
  }
  return fetched;
}

/** A csv that is there already came from the same archive, unless the archive is new. */
async function unpack(archive: string, archiveWasThere: boolean): Promise<void> {
  const csv = archive.slice(0, -'.gz'.length);
  const there = await stat(csv).then(
    () => true,
    () => false,
  );
  if (!there || !archiveWasThere) await gunzipFile(archive, csv);
}

function sentence(to: string, source: Source, { bytes, sha256, verified, present }: Fetched): string {
  const checked = {
    sha256: 'its sha256 is right',
    md5: 'its md5 is right',
    size: `its size is right, no checksum is known; sha256 ${sha256}`,
    nothing: `no checksum is known for it; sha256 ${sha256}`,
  }[verified];
  return `${to}: ${bytes} bytes${present ? ', there already' : ` from ${new URL(source.url).host}`}; ${checked}.`;
}
