/*
 * A chain of layers on one image in plain float64 loops, forwards and backwards layer by layer, with nothing of the
 * engine and no graph.
 */

type Numbers = ArrayLike<number>;

/** An image [h, w, c] in rows. */
export interface Image {
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly values: Float64Array;
}

/** One step of a chain: what it makes of an image, and what it hands back for the cotangent of that. */
export interface Layer {
  /** The layer is a ReLU or a SiLU, or ends in one: guided backpropagation cuts its output's cotangent. */
  readonly activates?: boolean;
  forward(x: Image): Image;
  backward(x: Image, dy: Float64Array): Float64Array;
}

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

/** Element by element, by a function and its derivative. */
function elementwise(f: (v: number) => number, slope: (v: number) => number): Layer {
  return {
    activates: true,
    forward: (x) => ({ ...x, values: x.values.map(f) }),
    backward: (x, dy) => dy.map((d, i) => d * slope(x.values[i])),
  };
}

export const relu = elementwise(
  (v) => Math.max(v, 0),
  (v) => (v > 0 ? 1 : 0),
);

export const silu = elementwise(
  (v) => v * sigmoid(v),
  (v) => sigmoid(v) * (1 + v * (1 - sigmoid(v))),
);

/** A square convolution of stride 1 that keeps the image's size; filter [size, size, c, k]. */
export function conv(filter: Numbers, size: number, k: number): Layer {
  const eachProduct = ({ h, w, c }: Image, visit: (x: number, f: number, y: number) => void) => {
    const pad = (size - 1) / 2;
    for (let i = 0; i < h; i++)
      for (let j = 0; j < w; j++)
        for (let r = 0; r < size; r++)
          for (let s = 0; s < size; s++) {
            const [row, column] = [i + r - pad, j + s - pad];
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            for (let a = 0; a < c; a++)
              for (let b = 0; b < k; b++)
                visit((row * w + column) * c + a, ((r * size + s) * c + a) * k + b, (i * w + j) * k + b);
          }
  };
  return {
    forward(x) {
      const values = new Float64Array(x.h * x.w * k);
      eachProduct(x, (from, f, to) => (values[to] += x.values[from] * filter[f]));
      return { ...x, c: k, values };
    },
    backward(x, dy) {
      const dx = new Float64Array(x.values.length);
      eachProduct(x, (from, f, to) => (dx[from] += dy[to] * filter[f]));
      return dx;
    },
  };
}

/** Batch norm by running statistics: channel by channel a scale and a shift. */
export function norm(gamma: Numbers, beta: Numbers, mean: Numbers, variance: Numbers, epsilon: number): Layer {
  const scale = (c: number) => gamma[c] / Math.sqrt(variance[c] + epsilon);
  return {
    forward: (x) => ({
      ...x,
      values: x.values.map((v, i) => (v - mean[i % x.c]) * scale(i % x.c) + beta[i % x.c]),
    }),
    backward: (x, dy) => dy.map((d, i) => d * scale(i % x.c)),
  };
}

/** All numbers of an image, times a matrix [h·w·c, k]: k numbers. */
export function dense(matrix: Numbers, k: number): Layer {
  return {
    forward: ({ values: x }) => ({
      h: 1,
      w: 1,
      c: k,
      values: Float64Array.from({ length: k }, (_, b) => x.reduce((sum, v, a) => sum + v * matrix[a * k + b], 0)),
    }),
    backward: ({ values: x }, dy) => x.map((_, a) => dy.reduce((sum, d, b) => sum + d * matrix[a * k + b], 0)),
  };
}

/** The image itself and after each layer. */
export function forwards(layers: readonly Layer[], x: Image): Image[] {
  const seen = [x];
  for (const layer of layers) seen.push(layer.forward(seen[seen.length - 1]));
  return seen;
}

/**
 * The cotangent of what went into layer `down`, from that of the last layer's output.
 *
 * @param seen what `forwards` gave
 * @param guided negative cotangents are cut off behind every activation
 */
export function backwards(
  layers: readonly Layer[],
  seen: readonly Image[],
  dy: Float64Array,
  down = 0,
  guided = false,
): Float64Array {
  let cotangent = dy;
  for (let i = layers.length - 1; i >= down; i--) {
    if (guided && layers[i].activates) cotangent = cotangent.map((d) => Math.max(d, 0));
    cotangent = layers[i].backward(seen[i], cotangent);
  }
  return cotangent;
}

/** Grad-CAM of activations a with the score's gradient g there: Selvaraju et al. 2017, equations 1 and 2. */
export function gradCam({ h, w, c, values }: Image, g: Float64Array): Float64Array {
  return weighted(values, c, (k) => {
    let sum = 0;
    for (let p = 0; p < h * w; p++) sum += g[p * c + k];
    return sum / (h * w);
  });
}

/** Grad-CAM++: Chattopadhay et al. 2018, equation 19 for alpha, and equation 5 for the weights. */
export function gradCamPlusPlus({ h, w, c, values: a }: Image, g: Float64Array): Float64Array {
  return weighted(a, c, (k) => {
    let weight = 0;
    for (let p = 0; p < h * w; p++) {
      const slope = g[p * c + k];
      let third = 0;
      for (let q = 0; q < h * w; q++) third += a[q * c + k] * slope ** 3;
      const alpha = slope ** 2 / (2 * slope ** 2 + third);
      if (slope > 0) weight += alpha * slope;
    }
    return weight;
  });
}

/** Layer-CAM: Jiang et al. 2021, equations 5 to 7. */
export function layerCam({ h, w, c, values: a }: Image, g: Float64Array): Float64Array {
  return Float64Array.from({ length: h * w }, (_, p) => {
    let sum = 0;
    for (let k = p * c; k < (p + 1) * c; k++) sum += Math.max(0, g[k]) * a[k];
    return Math.max(0, sum);
  });
}

/** At each place the sum over the channels, each with its weight, where that is positive. */
function weighted(a: Float64Array, c: number, weightOf: (k: number) => number): Float64Array {
  const weights = Array.from({ length: c }, (_, k) => weightOf(k));
  return Float64Array.from({ length: a.length / c }, (_, p) =>
    Math.max(
      0,
      weights.reduce((sum, weight, k) => sum + weight * a[p * c + k], 0),
    ),
  );
}
