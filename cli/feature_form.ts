import { npyHeader } from '../models/formats/npy.ts';
import { csvField } from '../vision/data/csv.ts';

/** What features are written as: .npy with the ids in a file of their own, or csv. */
export type FeatureKind = 'npy' | 'csv';

/** How features are written. */
export interface FeatureForm {
  /** What stands above `count` rows. Its length is the same for any count. */
  header(count: number): string | Uint8Array;
  rows(ids: readonly string[], values: Float32Array): string | Uint8Array;
  /** Of the file of ids. */
  ids(ids: readonly string[]): string;
}

/** Nine digits tell every float32 from every other. */
const shortest = (value: number): number => Number(value.toPrecision(9));

/** @param width numbers in a row */
export const featureForm = (kind: FeatureKind, width: number): FeatureForm =>
  kind === 'npy'
    ? {
        header: (count) => npyHeader([count, width]),
        rows: (_, values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        ids: (ids) => ids.map((id) => `${id}\n`).join(''),
      }
    : {
        header: () => `id,${Array.from({ length: width }, (_, i) => `f${i}`).join(',')}\n`,
        rows: (ids, values) =>
          ids
            .map(
              (id, i) =>
                `${csvField(id)},${Array.from(values.subarray(i * width, (i + 1) * width), shortest).join(',')}\n`,
            )
            .join(''),
        ids: () => '',
      };
