import { UserError } from '../../engine/user_error.ts';
import type { Example } from './dataset.ts';
import type { Split } from './split.ts';

/** The side of a split that the data itself names: folders `train/`, `val/` and `test/`, or a column of a table. */
export type Side = 'train' | 'validation' | 'test';

/** An image with what the data say of it; where that is null it can be predicted and not trained on. */
export interface Labelled extends Example {
  /** Its class. */
  readonly label: string | null;
  /** Its numbers, a column each: targets. */
  readonly values: readonly number[] | null;
  /** The side of the split that the data themselves name; null: whoever trains divides the images. */
  readonly side: Side | null;
}

/** An image and what is said of it. Runs hash what is said as JSON, so its order is always this one. */
export const labelled = (
  id: string,
  { label = null, values = null, side = null }: Partial<Omit<Labelled, 'id'>>,
): Labelled => ({
  id,
  label,
  values,
  side,
});

/**
 * The sides that data name themselves, of the images that are known; null where no known image is named for validation.
 * Those named for the test are on neither.
 */
export function namedSides(examples: readonly Labelled[], known: (example: Labelled) => boolean): Split | null {
  const validation = examples.flatMap((each, i) => (known(each) && each.side === 'validation' ? [i] : []));
  if (validation.length === 0) return null;
  const train = examples.flatMap((each, i) =>
    known(each) && each.side !== 'validation' && each.side !== 'test' ? [i] : [],
  );
  return { train, validation };
}

const NAMED = 3;
const few = (names: readonly string[]): string =>
  `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ''}`;

/**
 * The classes of images, sorted by their names' code units.
 * @param name what the data are called
 * @throws UserError for fewer than two classes, for a class with a single image, and for two classes whose names differ
 * by nothing but case
 */
export function classNames(name: string, examples: readonly Labelled[]): string[] {
  const counts = new Map<string, number>();
  for (const { label } of examples) if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  const names = [...counts.keys()].sort();
  if (names.length < 2)
    throw new UserError(
      `${name} has ${names.length === 0 ? 'no labelled image' : `only one class, ${names[0]}`}; a network tells two or more apart: put the images of each class into a folder of its own, or name their classes in a table`,
    );
  const byLower = new Map<string, string>();
  for (const each of names) {
    const other = byLower.get(each.toLowerCase());
    if (other !== undefined)
      throw new UserError(
        `${name} has the classes ${other} and ${each}, which differ by case alone; give both one name`,
      );
    byLower.set(each.toLowerCase(), each);
  }
  const single = names.filter((each) => counts.get(each) === 1);
  if (single.length > 0)
    throw new UserError(
      `${name} has one image of the class ${few(single)}: nothing would be left to judge on; give more of each, or take the class away`,
    );
  return names;
}
