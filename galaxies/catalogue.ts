import { UserError } from '../engine/user_error.ts';
import { challengeTable, checkNew } from './challenge/table.ts';
import { findColumns, parseCsv, type RowSink } from '../vision/data/csv.ts';
import type { Votes } from './galaxy.ts';

/** Ids that are remembered to be shown where none of them meets. */
const EXAMPLES = 1000;

/** Rounding in published fractions that is forgiven, and clamped away. */
const ROUNDING = 1e-6;

/** A vote fraction in 0..1, or null for a field that is empty or NaN. `where` gives file, line and column. */
function fraction(field: string, where: () => string): number | null {
  if (field === '' || /^nan$/i.test(field)) return null;
  const value = Number(field);
  if (Number.isNaN(value)) throw new UserError(`${where()}: "${field}" is not a number`);
  if (value < -ROUNDING || value > 1 + ROUNDING)
    throw new UserError(`${where()}: ${field} is not a vote fraction in 0..1`);
  return Math.min(1, Math.max(0, value));
}

/** A vote fraction that must be there. */
export function requiredFraction(field: string, where: () => string): number {
  const value = fraction(field, where);
  if (value === null) throw new UserError(`${where()}: no number`);
  return value;
}

/**
 * Takes the challenge's csv (see `challengeTable`). Fields that are no fraction in 0..1 and a GalaxyID that comes twice
 * are errors.
 */
export function kaggleTable(file: string): { sink: RowSink; votes: Map<string, Votes> } {
  const votes = new Map<string, Votes>();
  const sink = challengeTable(file, requiredFraction, (id, values, line) => {
    checkNew(votes.has(id), file, line, id);
    // Not from the Float32Array: 0.7 as a float is less than 0.7, and would miss that threshold.
    const [smooth, featured, artifact] = values;
    votes.set(id, { smooth, featured, artifact, all: Float32Array.from(values) });
  });
  return { sink, votes };
}

/** The challenge's csv from its text: votes by GalaxyID. `file` is what errors call it. */
export function parseKaggle(text: string, file: string): Map<string, Votes> {
  const { sink, votes } = kaggleTable(file);
  parseCsv(text, file, sink);
  return votes;
}

/**
 * Takes `gz2_filename_mapping.csv` (objid, sample, asset_id) and keeps the rows whose image is `wanted`. Object ids
 * have 18 digits, more than a double holds, and stay strings. One object has one image: further ones are counted.
 */
export function assetTable(file: string, wanted: (assetId: string) => boolean) {
  const assetOf = new Map<string, string>();
  const counts = { repeated: 0, withoutImage: 0 };
  /** Some of the images that the table names and that are not there. */
  const unmet: string[] = [];
  let columns: number[] | null = null;
  const sink: RowSink = (fields) => {
    if (!columns) {
      columns = findColumns(fields, ['objid', 'asset_id'], file);
      return;
    }
    const [objid, assetId] = columns.map((at) => fields[at]);
    if (!wanted(assetId)) {
      if (counts.withoutImage++ < EXAMPLES) unmet.push(assetId);
    } else if (assetOf.has(objid)) counts.repeated++;
    else assetOf.set(objid, assetId);
  };
  return { sink, assetOf, counts, unmet };
}

/** The columns of `gz2_hart16.csv` that are read: debiased shares of the first question (Hart et al. 2016). */
export const HART_COLUMNS = [
  'dr7objid',
  't01_smooth_or_features_a01_smooth_debiased',
  't01_smooth_or_features_a02_features_or_disk_debiased',
  't01_smooth_or_features_a03_star_or_artifact_debiased',
] as const;

/**
 * Takes `gz2_hart16.csv` and keeps the votes of the objects that are `wanted`. Rows with an empty or NaN fraction,
 * which the published table has, are counted and left out; so are second rows of one object. Values outside 0..1 are
 * errors.
 */
export function hartTable(file: string, wanted: (objid: string) => boolean) {
  const votes = new Map<string, Votes>();
  const counts = { repeated: 0, empty: 0, unwanted: 0 };
  /** Some of the objects that the table has and that are not wanted. */
  const unmet: string[] = [];
  let columns: number[] | null = null;
  const sink: RowSink = (fields, line) => {
    if (!columns) {
      columns = findColumns(fields, HART_COLUMNS, file);
      return;
    }
    const objid = fields[columns[0]];
    const [smooth, featured, artifact] = [1, 2, 3].map((i) =>
      fraction(fields[columns![i]], () => `${file}, line ${line}, column ${HART_COLUMNS[i]}`),
    );
    if (!wanted(objid)) {
      if (counts.unwanted++ < EXAMPLES) unmet.push(objid);
    } else if (smooth === null || featured === null || artifact === null) counts.empty++;
    else if (votes.has(objid)) counts.repeated++;
    else votes.set(objid, { smooth, featured, artifact });
  };
  return { sink, votes, counts, unmet };
}
