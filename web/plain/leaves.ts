import { attrsOf, zerosOf, type Evaluate } from './numbers.ts';

/** Where graphs begin. What inputs and parameters hold is given at each run. */
export const LEAVES: Readonly<Record<string, Evaluate>> = {
  input: (t) => zerosOf(t.shape),
  parameter: (t) => zerosOf(t.shape),
  constant(t) {
    const { value } = attrsOf<{ value: number | ArrayLike<number> }>(t);
    return typeof value === 'number' ? zerosOf(t.shape).fill(value) : Float64Array.from(value);
  },
};
