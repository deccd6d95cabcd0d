import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';

/** A tensor's elements in their order, the last dimension fastest. */
export type Numbers = Float64Array;

/** Computes what `t` describes from the numbers of its inputs. */
export type Evaluate = (t: Tensor, ...inputs: Numbers[]) => Numbers;

/** What an op is told besides its inputs: see its file in engine/ops. */
export const attrsOf = <A>(t: Tensor): A => t.attrs as unknown as A;

export const zerosOf = (shape: Shape): Numbers => new Float64Array(sizeOf(shape));

/** Where element i of a tensor of this shape lies along each dimension. */
export function indexOf(shape: Shape, i: number): number[] {
  const index: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = i % shape[axis];
    i = Math.floor(i / shape[axis]);
  }
  return index;
}

/** Which element lies there. */
export const offsetOf = (shape: Shape, index: readonly number[]): number =>
  index.reduce((offset, i, axis) => offset * shape[axis] + i, 0);
