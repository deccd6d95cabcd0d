import { show } from '../engine/check.ts';
import { numbersFor, type Numbers } from '../engine/device/numbers.ts';
import { showShape, sizeOf, type Shape } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';

/**
 * Samples as arrays: `x` the inputs one after another, `y` for each the number of its class, or as many numbers as the
 * network has outputs.
 */
export interface Arrays {
  readonly x: Numbers;
  readonly y: Numbers;
}

/** Samples that are made when they are needed: images that are decoded, or drawn, or augmented. */
export interface Samples {
  readonly count: number;
  /** The samples of these numbers, from 0. @param epoch how often all were seen before, for views that differ */
  at(indices: readonly number[], epoch: number): Arrays | Promise<Arrays>;
}

/** How many samples of a shape these numbers are. @throws UserError where they are no whole number of them */
export function countSamples(what: string, values: Numbers, shape: Shape): number {
  const size = sizeOf(shape);
  const isNested = Array.isArray(values) && values.some((each) => typeof each !== 'number');
  if (typeof values !== 'number' && !Array.isArray(values) && !ArrayBuffer.isView(values))
    throw new UserError(`${what} must be an array of numbers, not ${show(values)}`);
  const length = typeof values === 'number' ? 1 : (values as ArrayLike<unknown>).length;
  const count = isNested ? length : length / size;
  if (!Number.isInteger(count) || count < 1)
    throw new UserError(`${what} holds ${length} numbers, and samples ${showShape(shape)} have ${size} each`);
  return count;
}

/** These samples, given as arrays or made when they are needed. @param what begins the sentences of errors */
export function samplesOf(what: string, data: Arrays | Samples, shape: Shape): Samples {
  if (typeof data !== 'object' || data === null || Array.isArray(data) || ArrayBuffer.isView(data))
    throw new UserError(`${what} must be { x, y }, not ${show(data)}`);
  if (data instanceof Promise) throw new UserError(`${what} must be { x, y }, not a Promise; await it`);
  if ('at' in data) {
    if (!Number.isInteger(data.count) || data.count < 1)
      throw new UserError(`${what}: count must be a whole number of at least 1, not ${show(data.count)}`);
    return data;
  }
  const { x, y } = data;
  if (x === undefined || y === undefined)
    throw new UserError(`${what} must be { x, y }: inputs and what they are; it has ${Object.keys(data).join(', ')}`);
  const count = countSamples(`${what}: x`, x, shape);
  const all = numbersFor(`${what}: x`, x, [count, ...shape], 'f32');
  const size = sizeOf(shape);
  const length = (y as ArrayLike<unknown>).length ?? 1;
  const wide = Array.isArray(y) && Array.isArray(y[0]) ? y[0].length : length / count;
  if (!Number.isInteger(wide) || wide < 1)
    throw new UserError(`${what}: y holds ${length} numbers, and there are ${count} samples`);
  const known = numbersFor(`${what}: y`, y, wide === length / count ? [length] : [count, wide], 'f32');
  const rows = (from: Float32Array, width: number, indices: readonly number[]) => {
    const picked = new Float32Array(indices.length * width);
    indices.forEach((i, k) => picked.set(from.subarray(i * width, (i + 1) * width), k * width));
    return picked;
  };
  return { count, at: (indices) => ({ x: rows(all, size, indices), y: rows(known, wide, indices) }) };
}
