// How the formulas of explanations are written.

export const show = (name: string, index: readonly number[]): string => `${name}[${index.join(', ')}]`;
/** A number within a formula: a negative one in brackets. */
export const inFormula = (v: number): string => (v < 0 ? `(${shortly(v)})` : shortly(v));
/** To so many digits, four when not said otherwise. */
export const shortly = (v: number, digits = 4): string =>
  (v === 0
    ? '0'
    : Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5
      ? String(Number(v.toPrecision(digits)))
      : v.toExponential(Math.min(2, digits - 1))
  ).replaceAll('-', '−');

/** A sliding index with its constant part worked out: `r + 3`, `r − 1`, `r`. */
export const slid = (letter: string, start: number): string =>
  start === 0 ? letter : `${letter} ${start < 0 ? '−' : '+'} ${Math.abs(start)}`;
export const times = (letter: string, stride: number): string => (stride === 1 ? letter : `${letter}·${stride}`);
/** `(5 − r)/2`, the output that sees a place through tap r. */
export const seen = (letter: string, from: number, stride: number): string =>
  stride === 1 ? `${from} − ${letter}` : `(${from} − ${letter})/${stride}`;
