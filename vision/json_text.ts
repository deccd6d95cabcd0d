/**
 * A value as JSON, by default over several lines. JSON has no NaN and no Infinity, and JSON.stringify makes them null
 * in silence; where there is no number, whoever made `value` says null.
 * @throws RangeError naming the field that is not finite
 */
export function jsonText(value: unknown, indent: number | undefined = 2): string {
  return JSON.stringify(
    value,
    (key, field: unknown) => {
      if (typeof field === 'number' && !Number.isFinite(field))
        throw new RangeError(`${key} is ${field}, which JSON cannot hold`);
      return field;
    },
    indent,
  );
}

/** null in the place of NaN: for figures of nothing, such as the precision of a class that was never predicted. */
export const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
