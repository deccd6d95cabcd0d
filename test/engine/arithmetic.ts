import { erf } from '../reference/pointwise.ts';
import { UNIT } from '../tolerance.ts';

/** A number and a bound on what computing it in f32 may be off by. */
export interface Bounded {
  readonly value: number;
  readonly error: number;
}

/** WGSL allows functions and divisions a few ulp each; see functionBound. */
const STEP = 40 * UNIT;

const rounded = (value: number, error: number): Bounded => ({ value, error: error + STEP * Math.abs(value) });
const exact = (value: number): Bounded => ({ value, error: 0 });

const FUNCTIONS: Readonly<Record<string, (...args: Bounded[]) => Bounded>> = {
  exp: (a) => rounded(Math.exp(a.value), Math.exp(a.value) * a.error),
  log: (a) => rounded(Math.log(a.value), a.error / a.value + STEP),
  erf: (a) => rounded(erf(a.value), 1.2 * a.error), // its slope is at most 2/√π
  tanh: (a) => rounded(Math.tanh(a.value), a.error),
  '√': (a) => rounded(Math.sqrt(a.value), a.value > 0 ? a.error / (2 * Math.sqrt(a.value)) : Math.sqrt(a.error)),
  max: (...args) => ({
    value: Math.max(...args.map(({ value }) => value)),
    error: Math.max(...args.map(({ error }) => error)),
  }),
  min: (...args) => ({
    value: Math.min(...args.map(({ value }) => value)),
    error: Math.max(...args.map(({ error }) => error)),
  }),
};

/**
 * Evaluates arithmetic as explanations write it, in float64, with a running bound on the error of the same in f32
 * (Wilkinson 1986). Sums and products of whole numbers are exact there, so their bound is 0.
 * @param known to what part of itself a number is known that is not whole
 */
export function evaluateArithmetic(parts: readonly (string | number)[], known = STEP): Bounded {
  const tokens = parts.flatMap((part) =>
    typeof part === 'number'
      ? [part]
      : (part.match(/\d+(\.\d+)?(e-\d+)?|\p{L}+|\S/gu) ?? []).map((token) =>
          /\d/.test(token) ? Number(token) : token,
        ),
  );
  const whole = parts.every((part) =>
    typeof part === 'number' ? Number.isInteger(part) : !/[./√\p{Ll}]/u.test(part.replaceAll(/max|min/g, '')),
  );
  let at = 0;
  const eat = (token: string): boolean => tokens[at] === token && ++at > 0;
  const need = (token: string): void => {
    if (!eat(token)) throw new Error(`${token} was to come, not ${tokens[at]}, in ${parts.join('')}`);
  };
  const sum = (): Bounded => {
    let a = product();
    for (;;) {
      const sign = eat('+') ? 1 : eat('−') ? -1 : 0;
      if (sign === 0) return a;
      const b = product();
      a = rounded(a.value + sign * b.value, a.error + b.error);
    }
  };
  const product = (): Bounded => {
    let a = factor();
    for (;;) {
      if (eat('·')) {
        const b = factor();
        a = rounded(a.value * b.value, Math.abs(a.value) * b.error + Math.abs(b.value) * a.error);
      } else if (eat('/')) {
        const b = factor();
        const value = a.value / b.value;
        a = rounded(value, (a.error + Math.abs(value) * b.error) / Math.abs(b.value));
      } else return a;
    }
  };
  const factor = (): Bounded => {
    if (eat('−')) {
      const { value, error } = factor();
      return { value: -value, error };
    }
    if (eat('(')) {
      const inside = sum();
      need(')');
      return inside;
    }
    const token = tokens[at++];
    // A number that is not whole was rounded when it was computed, or given to the adapter.
    if (typeof token === 'number')
      return Number.isInteger(token) ? exact(token) : { value: token, error: known * Math.abs(token) };
    const f = FUNCTIONS[token];
    if (!f) throw new Error(`${token} means nothing in ${parts.join('')}`);
    need('(');
    const args = [sum()];
    while (eat(',')) args.push(sum());
    need(')');
    return f(...args);
  };
  const result = sum();
  if (at !== tokens.length) throw new Error(`${tokens[at]} is left over in ${parts.join('')}`);
  return whole ? exact(result.value) : result;
}
