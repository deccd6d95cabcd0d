import type { Task } from './train/task.ts';

/** A prediction by the names of its outputs. Fractions of votes are no alternatives: there is no largest to name. */
export type PredictionRecord =
  | { readonly id: string; readonly probabilities: Readonly<Record<string, number>>; readonly predicted: string }
  | { readonly id: string; readonly fractions: Readonly<Record<string, number>> };

/** A galaxy's prediction as `predict --json` prints it. Throws a RangeError where a number is not finite. */
export function predictionRecord(
  id: string,
  { name, outputs }: Pick<Task, 'name' | 'outputs'>,
  row: ArrayLike<number>,
): PredictionRecord {
  for (const [k, output] of outputs.entries())
    if (!Number.isFinite(row[k])) throw new RangeError(`galaxy ${id}, ${output}: ${row[k]} is no prediction`);
  const named = Object.fromEntries(outputs.map((output, k) => [output, row[k]]));
  if (name === 'challenge') return { id, fractions: named };
  const values = Array.from(row);
  return { id, probabilities: named, predicted: outputs[values.indexOf(Math.max(...values))] };
}
