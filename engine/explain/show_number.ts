/** A number in as few digits as tell it: 7, 0.3333, 1e-8. */
export const showNumber = (value: number): string =>
  String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
