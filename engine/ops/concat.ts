import { show } from '../check.ts';
import { defineOp, type Op } from '../op.ts';
import { checkTensors, shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { axisOf, stridesOf } from './axis.ts';
import { copySteps } from './copy.ts';
import { slice } from './slice.ts';

type Axis = { readonly axis: number };

/** Where each part begins along the axis, and where the last one ends. */
function beginnings(parts: readonly Tensor[], axis: number): number[] {
  const at = [0];
  for (const { shape } of parts) at.push(at[at.length - 1] + shape[axis]);
  return at;
}

/** a, b, ... z, aa, ab, ... */
const letters = (k: number): string =>
  (k < 26 ? '' : letters(Math.floor(k / 26) - 1)) + String.fromCharCode(97 + (k % 26));

// y[..., begin_k + i, ...] = x_k[..., i, ...]: an op for each count of inputs, since an op names its inputs
function concatOf(count: number): Op<Axis> {
  const names = Array.from({ length: count }, (_, k) => letters(k));
  return defineOp<string, Axis>({
    name: 'concat',
    inputs: names,
    takes: Object.fromEntries(names.map((name) => [name, 'any' as const])),
    cheap: true,
    dtype: ([x]) => x.dtype,
    shape: (parts, { axis }) => parts[0].shape.map((d, i) => (i === axis ? beginnings(parts, axis)[count] : d)),
    vjp({ y }, dy, { axis }) {
      const begin = beginnings(y.inputs, axis);
      const partOf = (k: number) =>
        slice(
          dy,
          y.shape.map((_, d) => (d === axis ? begin[k] : 0)),
          y.inputs[k].shape,
        );
      return Object.fromEntries(names.map((name, k) => [name, () => partOf(k)]));
    },
    lower(context) {
      const { inputs, attrs, output } = context;
      const begin = beginnings(inputs, attrs.axis);
      const out = stridesOf(output.shape);
      return inputs.flatMap(({ shape }, k) => {
        const x = stridesOf(shape);
        return copySteps(
          context,
          {
            dimensions: shape.map((length, d) => ({ length, x: x[d], out: out[d] })),
            xFirst: 0,
            outFirst: begin[k] * out[attrs.axis],
          },
          k,
        );
      });
    },
  });
}

const ops = new Map<number, Op<Axis>>();

/**
 * Tensors one after the other along an axis; their other dimensions and their dtypes must be alike.
 * @param axis a negative one counts from the last
 */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new UserError(`concat: it takes a list of tensors, not ${show(tensors)}`);
  checkTensors('concat', Object.fromEntries(tensors.map((t, k) => [`tensor ${k}`, t])));
  const [first] = tensors;
  const at = axisOf('concat', first, axis);
  const fits = ({ shape, dtype }: Tensor): boolean =>
    dtype === first.dtype &&
    shape.length === first.shape.length &&
    shape.every((d, i) => i === at || d === first.shape[i]);
  const other = tensors.find((t) => !fits(t));
  if (other?.dtype === first.dtype) shapeError('concat', `all dimensions but ${at} must be alike`, first, other);
  if (other) throw new UserError(`concat: ${first} is ${first.dtype}, and ${other} is ${other.dtype}`);
  if (tensors.length === 1) return first;
  let op = ops.get(tensors.length);
  if (!op) ops.set(tensors.length, (op = concatOf(tensors.length)));
  return op(tensors, { axis: at });
}
