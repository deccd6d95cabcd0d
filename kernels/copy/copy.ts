import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import stridedKernel from './copy_strided.wgsl';
import tiledKernel from './copy_tiled.wgsl';

/** One dimension of a copy: how many elements, and how far apart they lie in x and in out. */
export interface CopyDimension {
  readonly length: number;
  readonly x: number;
  readonly out: number;
}

/** A copy of some elements of x to some of out: where both begin, and the dimensions, the slowest first. */
export interface StridedCopy {
  readonly dimensions: readonly CopyDimension[];
  readonly xFirst: number;
  readonly outFirst: number;
}

/** Elements that lie side by side in x as in out. */
export const run = (length: number, xFirst = 0, outFirst = 0): StridedCopy => ({
  dimensions: [{ length, x: 1, out: 1 }],
  xFirst,
  outFirst,
});

/**
 * From which element of x on a launch copies to the beginning of out, one after the other; undefined where it does not.
 */
export function copiedFrom({ kernel, overrides, aliases, params }: Launch): number | undefined {
  const isRun = kernel === stridedKernel && overrides!['DIMENSIONS'] === 1 && params['outFirst'] === 0;
  if (!isRun || params['x0'] !== 1 || params['out0'] !== 1) return undefined;
  const width = /vec4/.test(aliases!['Value'] ?? 'vec4') ? 4 : 1;
  return params['xFirst'] * width;
}

/** As many dimensions as a copy can have once those that stay together are merged. */
export const MOST_COPY_DIMENSIONS = 6;

/** Without dimensions of one element; neighbours that step through both sides as one are one. */
export function mergedDimensions(dimensions: readonly CopyDimension[]): CopyDimension[] {
  const merged: CopyDimension[] = [];
  for (const d of dimensions) {
    if (d.length === 1) continue;
    const outer = merged[merged.length - 1];
    if (outer && outer.x === d.length * d.x && outer.out === d.length * d.out)
      merged[merged.length - 1] = { ...d, length: outer.length * d.length };
    else merged.push(d);
  }
  return merged.length > 0 ? merged : [{ length: 1, x: 1, out: 1 }];
}

/** Whether a Value of the copy can be four elements: they are neighbours on both sides, and no Value is cut. */
const fitsFour = ([fastest, ...others]: readonly CopyDimension[], { xFirst, outFirst }: StridedCopy): boolean =>
  fastest.x === 1 &&
  fastest.out === 1 &&
  [fastest.length, xFirst, outFirst, ...others.flatMap(({ x, out }) => [x, out])].every((n) => n % 4 === 0);

/** @param type of the elements, which a copy leaves as they are */
export function copyStrided(copy: StridedCopy, type: 'f32' | 'u32', software: boolean): Launch {
  const [fastest, ...others] = mergedDimensions(copy.dimensions).reverse();
  const dimensions = [fastest, ...others];
  return (software ? undefined : copyTiled(dimensions, copy, type)) ?? copyPlain(dimensions, copy, type, software);
}

/** @param dimensions the fastest first */
function copyPlain(
  dimensions: readonly CopyDimension[],
  copy: StridedCopy,
  type: 'f32' | 'u32',
  software: boolean,
): Launch {
  const width = fitsFour(dimensions, copy) ? 4 : 1;
  const [fastest, ...others] = dimensions;
  // Neighbouring threads of a GPU copy neighbouring Values.
  const own = software ? [8, 4, 2, 1].find((n) => (fastest.length / width) % n === 0)! : 1;
  const part = fastest.length / width / own;
  const inValues = [
    { ...fastest, length: part },
    ...others.map(({ length, x, out }) => ({ length, x: x / width, out: out / width })),
  ];
  const at = (i: number): CopyDimension => inValues[i] ?? { length: 1, x: 0, out: 0 };
  const size = inValues.reduce((n, { length }) => n * length, 1);
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
  return {
    kernel: stridedKernel,
    overrides: { DIMENSIONS: dimensions.length },
    consts: { OWN: own },
    aliases: width === 4 && type === 'f32' ? {} : { Value: width === 4 ? `vec4<${type}>` : type },
    params: {
      size,
      xOn: part * fastest.x,
      outOn: part * fastest.out,
      xFirst: copy.xFirst / width,
      outFirst: copy.outFirst / width,
      ...Object.fromEntries(upTo(5).map((i) => [`n${i}`, at(i).length])),
      ...Object.fromEntries(
        upTo(6).flatMap((i) => [
          [`x${i}`, at(i).x],
          [`out${i}`, at(i).out],
        ]),
      ),
    },
    workgroups: foldWorkgroups(ceilDiv(size, 64)),
  };
}

const TILE = 32;
/** Shorter sides leave most of a tile empty. */
const LEAST_SIDE = 8;

/** Undefined where tiles bring nothing: what is contiguous in x is in out, or is short. */
function copyTiled(
  dimensions: readonly CopyDimension[],
  { xFirst, outFirst }: StridedCopy,
  type: 'f32' | 'u32',
): Launch | undefined {
  const p = dimensions.find(({ x, length }) => x === 1 && length >= LEAST_SIDE);
  const q = dimensions.find(({ out, length }) => out === 1 && length >= LEAST_SIDE);
  if (!p || !q || p === q) return undefined;
  const rest = dimensions.filter((d) => d !== p && d !== q);
  const [pTiles, qTiles] = [ceilDiv(p.length, TILE), ceilDiv(q.length, TILE)];
  const tiles = rest.reduce((n, { length }) => n * length, pTiles * qTiles);
  // The slowest is the fourth of the kernel: what is left once the others are taken off.
  const [slowest = { length: 1, x: 0, out: 0 }, ...faster] = [...rest].reverse();
  faster.reverse();
  const at = (i: number): CopyDimension => (i === 3 ? slowest : (faster[i] ?? { length: 1, x: 0, out: 0 }));
  return {
    kernel: tiledKernel,
    overrides: { DIMENSIONS: Math.max(1, rest.length) },
    aliases: type === 'f32' ? {} : { Value: type },
    params: {
      tiles,
      xFirst,
      outFirst,
      p: p.length,
      q: q.length,
      pTiles,
      qTiles,
      outP: p.out,
      xQ: q.x,
      ...Object.fromEntries([0, 1, 2].map((i) => [`n${i}`, at(i).length])),
      ...Object.fromEntries(
        [0, 1, 2, 3].flatMap((i) => [
          [`x${i}`, at(i).x],
          [`out${i}`, at(i).out],
        ]),
      ),
    },
    workgroups: foldWorkgroups(tiles),
  };
}
