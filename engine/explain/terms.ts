import { inputShape, type ConvGeometry } from '../ops/conv_geometry.ts';

/**
 * One product of the sum that an element of a result is: which element of which operand, by the names in the formula.
 * The value of the element is Σ over its terms of `factor` · Π of the named elements.
 */
export interface Term {
  readonly at: Readonly<Record<string, readonly number[]>>;
  /** 1 when absent. */
  readonly factor?: number;
}

/** The terms behind an element of each of the three directions; an op without filter has no third. */
export interface Directions {
  /** Behind y: products of x and w. */
  forward(element: readonly number[]): Term[];
  /** Behind dx: products of dy and w. */
  inputGrad(element: readonly number[]): Term[];
  /** Behind dw: products of x and dy. */
  filterGrad(element: readonly number[]): Term[];
}

/** Position in the row-major array of a shape. */
export const offsetOf = (shape: readonly number[], at: readonly number[]): number =>
  at.reduce((offset, i, axis) => offset * shape[axis] + i, 0);

/**
 * The inputs that a window at output (ho, wo) sees, with the tap that each meets; what lies outside of the image is
 * left out.
 */
function* taps(g: ConvGeometry, ho: number, wo: number): Generator<{ h: number; v: number; r: number; s: number }> {
  for (let r = 0; r < g.filterH; r++) {
    const h = ho * g.strideH + r * g.dilationH - g.padTop;
    if (h < 0 || h >= g.inH) continue;
    for (let s = 0; s < g.filterW; s++) {
      const v = wo * g.strideW + s * g.dilationW - g.padLeft;
      if (v >= 0 && v < g.inW) yield { h, v, r, s };
    }
  }
}

/** The outputs whose windows contain input (h, v), with the tap by which each sees it: `taps` read backwards. */
function* windowsOver(
  g: ConvGeometry,
  h: number,
  v: number,
): Generator<{ ho: number; wo: number; r: number; s: number }> {
  for (let r = 0; r < g.filterH; r++) {
    const down = h + g.padTop - r * g.dilationH;
    // Between two strides no window begins: this tap never meets this row.
    if (down < 0 || down % g.strideH !== 0 || down / g.strideH >= g.outH) continue;
    for (let s = 0; s < g.filterW; s++) {
      const right = v + g.padLeft - s * g.dilationW;
      if (right < 0 || right % g.strideW !== 0 || right / g.strideW >= g.outW) continue;
      yield { ho: down / g.strideH, wo: right / g.strideW, r, s };
    }
  }
}

/** The outputs at which filter tap (r, s) lies inside of the image, with the input that it meets there. */
function* meetings(g: ConvGeometry, r: number, s: number): Generator<{ ho: number; wo: number; h: number; v: number }> {
  for (let ho = 0; ho < g.outH; ho++) {
    const h = ho * g.strideH + r * g.dilationH - g.padTop;
    if (h < 0 || h >= g.inH) continue;
    for (let wo = 0; wo < g.outW; wo++) {
      const v = wo * g.strideW + s * g.dilationW - g.padLeft;
      if (v >= 0 && v < g.inW) yield { ho, wo, h, v };
    }
  }
}

/** 0, 1, ... n − 1. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** conv2d: x [n,h,v,c], w [r,s,c within its group,k], y [n,ho,wo,k]. */
export function convTerms(g: ConvGeometry): Directions {
  const groupIn = g.inChannels / g.groups;
  const groupOut = g.outChannels / g.groups;
  return {
    forward([n, ho, wo, k]) {
      const first = Math.floor(k / groupOut) * groupIn;
      return [...taps(g, ho, wo)].flatMap(({ h, v, r, s }) =>
        upTo(groupIn).map((c) => ({ at: { x: [n, h, v, first + c], w: [r, s, c, k] } })),
      );
    },
    inputGrad([n, h, v, c]) {
      const first = Math.floor(c / groupIn) * groupOut;
      return [...windowsOver(g, h, v)].flatMap(({ ho, wo, r, s }) =>
        upTo(groupOut).map((k) => ({ at: { dy: [n, ho, wo, first + k], w: [r, s, c % groupIn, first + k] } })),
      );
    },
    filterGrad([r, s, c, k]) {
      const channel = Math.floor(k / groupOut) * groupIn + c;
      return upTo(g.batch).flatMap((n) =>
        [...meetings(g, r, s)].map(({ ho, wo, h, v }) => ({ at: { x: [n, h, v, channel], dy: [n, ho, wo, k] } })),
      );
    },
  };
}

/** depthwise_conv2d: x [n,h,v,c], w [r,s,c], y [n,ho,wo,c]. */
export function depthwiseTerms(g: ConvGeometry): Directions {
  return {
    forward: ([n, ho, wo, c]) =>
      [...taps(g, ho, wo)].map(({ h, v, r, s }) => ({ at: { x: [n, h, v, c], w: [r, s, c] } })),
    inputGrad: ([n, h, v, c]) =>
      [...windowsOver(g, h, v)].map(({ ho, wo, r, s }) => ({ at: { dy: [n, ho, wo, c], w: [r, s, c] } })),
    filterGrad: ([r, s, c]) =>
      upTo(g.batch).flatMap((n) =>
        [...meetings(g, r, s)].map(({ ho, wo, h, v }) => ({ at: { x: [n, h, v, c], dy: [n, ho, wo, c] } })),
      ),
  };
}

/** matmul of x [m,i] with w [i,k]: a convolution without space. */
export function matmulTerms([rows, inner]: readonly number[], outer: number): Directions {
  return {
    forward: ([m, k]) => upTo(inner).map((i) => ({ at: { x: [m, i], w: [i, k] } })),
    inputGrad: ([m, i]) => upTo(outer).map((k) => ({ at: { dy: [m, k], w: [i, k] } })),
    filterGrad: ([i, k]) => upTo(rows).map((m) => ({ at: { x: [m, i], dy: [m, k] } })),
  };
}

/**
 * Max pooling: y is the one x that is the largest of its window, the first of equals; dx collects the dy of the windows
 * that it won.
 * @param x values [n,h,v,c]: who wins depends on them
 */
export function maxPoolTerms(g: ConvGeometry, x: Float32Array): Omit<Directions, 'filterGrad'> {
  const winner = (n: number, ho: number, wo: number, c: number): readonly number[] => {
    let best: readonly number[] = [];
    let most = -Infinity;
    for (const { h, v } of taps(g, ho, wo)) {
      const value = x[offsetOf(inputShape(g), [n, h, v, c])];
      if (value > most) [most, best] = [value, [n, h, v, c]];
    }
    return best;
  };
  return {
    forward: ([n, ho, wo, c]) => [{ at: { x: winner(n, ho, wo, c) } }],
    inputGrad: ([n, h, v, c]) =>
      [...windowsOver(g, h, v)].flatMap(({ ho, wo }) =>
        winner(n, ho, wo, c).join() === [n, h, v, c].join() ? [{ at: { dy: [n, ho, wo, c] } }] : [],
      ),
  };
}

/** Average pooling: each x of a window counts 1 / size; `countPadding` as in avgPool2d. */
export function avgPoolTerms(g: ConvGeometry, countPadding = true): Omit<Directions, 'filterGrad'> {
  const share = (ho: number, wo: number) => 1 / (countPadding ? g.filterH * g.filterW : [...taps(g, ho, wo)].length);
  return {
    forward: ([n, ho, wo, c]) =>
      [...taps(g, ho, wo)].map(({ h, v }) => ({ at: { x: [n, h, v, c] }, factor: share(ho, wo) })),
    inputGrad: ([n, h, v, c]) =>
      [...windowsOver(g, h, v)].map(({ ho, wo }) => ({ at: { dy: [n, ho, wo, c] }, factor: share(ho, wo) })),
  };
}

/** The sum that terms stand for, in float64, over operands of the given shapes. */
export function sumOfTerms(
  terms: readonly Term[],
  operands: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>,
): number {
  return terms.reduce(
    (sum, { at, factor = 1 }) =>
      sum +
      Object.entries(at).reduce(
        (product, [name, index]) => product * operands[name].data[offsetOf(operands[name].shape, index)],
        factor,
      ),
    0,
  );
}
