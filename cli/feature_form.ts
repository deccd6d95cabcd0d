import { npyHeader } from '../models/formats/npy.ts';
import { extname } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { csvField } from '../vision/data/csv.ts';

/** What features are written as: .npy with the ids in a file of their own, or csv. */
export type FeatureKind = 'npy' | 'csv';

/** What a file of features is, by its ending. @throws UserError where it has another */
export function featureKind(path: string): FeatureKind | 'parquet' {
  const kind = extname(path).slice(1);
  if (kind !== 'npy' && kind !== 'csv' && kind !== 'parquet')
    throw new UserError(`--out ${path}: it must end with .npy, .csv or .parquet`);
  return kind;
}

/** The names of `width` numbers. */
export const featureNames = (width: number): string[] => Array.from({ length: width }, (_, i) => `f${i}`);

/** How features are written. */
export interface FeatureForm {
  /** What stands above `count` rows. Its length is the same for any count. */
  header(count: number): string | Uint8Array;
  rows(ids: readonly string[], values: Float32Array): string | Uint8Array;
  /** Of the file of ids. Throws a UserError for an id of two lines: the ids behind it would be other rows'. */
  ids(ids: readonly string[]): string;
}

/** Nine digits tell every float32 from every other. */
const shortest = (value: number): number => Number(value.toPrecision(9));

function idLine(id: string): string {
  if (/[\r\n]/.test(id))
    throw new UserError(
      `image ${JSON.stringify(id)}: its name has a line break, which a file of ids cannot hold; rename it, or write .csv or .parquet`,
    );
  return `${id}\n`;
}

/** @param width numbers in a row */
export const featureForm = (kind: FeatureKind, width: number): FeatureForm =>
  kind === 'npy'
    ? {
        header: (count) => npyHeader([count, width]),
        rows: (_, values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        ids: (ids) => ids.map(idLine).join(''),
      }
    : {
        header: () => `id,${featureNames(width).join(',')}\n`,
        rows: (ids, values) =>
          ids
            .map(
              (id, i) =>
                `${csvField(id)},${Array.from(values.subarray(i * width, (i + 1) * width), shortest).join(',')}\n`,
            )
            .join(''),
        ids: () => '',
      };
