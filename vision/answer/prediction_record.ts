import type { Task } from '../train/task.ts';

/** A prediction by the names of its outputs. Fractions and values are no alternatives: there is no largest to name. */
export type PredictionRecord =
  | { readonly id: string; readonly probabilities: Readonly<Record<string, number>>; readonly predicted: string }
  | { readonly id: string; readonly fractions: Readonly<Record<string, number>> }
  | { readonly id: string; readonly values: Readonly<Record<string, number>> };

/** The numbers of a prediction by the names of its outputs. */
export const namedNumbers = (record: PredictionRecord): Readonly<Record<string, number>> =>
  'predicted' in record ? record.probabilities : 'fractions' in record ? record.fractions : record.values;

/** An image's prediction as `predict --json` prints it. Throws a RangeError where a number is not finite. */
export function predictionRecord(
  id: string,
  { answers, outputs, told }: Pick<Task, 'answers' | 'outputs' | 'told'>,
  prediction: ArrayLike<number>,
): PredictionRecord {
  const row = told ? told(prediction) : prediction;
  for (const [k, output] of outputs.entries())
    if (!Number.isFinite(row[k])) throw new RangeError(`image ${id}, ${output}: ${row[k]} is no prediction`);
  const named = Object.fromEntries(outputs.map((output, k) => [output, row[k]]));
  if (answers === 'fractions') return { id, fractions: named };
  if (answers === 'values') return { id, values: named };
  const values = Array.from(row);
  return { id, probabilities: named, predicted: outputs[values.indexOf(Math.max(...values))] };
}
