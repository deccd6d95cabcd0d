/*
 * SGD, momentum and Adam on their way down a curved valley, in float64. The figure `valley` shows them.
 */

const STEEPNESS = 5;

/** The loss of the figure, Rosenbrock's valley (1960) made less steep: (1 − a)² + 5·(b − a²)², lowest at (1, 1). */
export const valley = (a: number, b: number): number => (1 - a) ** 2 + STEEPNESS * (b - a * a) ** 2;
const gradient = ([a, b]: readonly number[]): [number, number] => [
  -2 * (1 - a) - 4 * STEEPNESS * a * (b - a * a),
  2 * STEEPNESS * (b - a * a),
];
const START = [-1.2, 1.4] as const;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

export const METHODS = ['sgd', 'momentum', 'adam'] as const;
export type Method = (typeof METHODS)[number];

export interface Descent {
  readonly steps: number;
  readonly rates: Readonly<Record<Method, number>>;
  /** What of its speed the second method keeps at each step. */
  readonly momentum: number;
}

/** Where each method was after each step, beginning with the start. */
export type Paths = Readonly<Record<Method, readonly (readonly [a: number, b: number])[]>>;

/** How far each coordinate goes at step t = 1, 2, …, from its gradient; what is remembered is in the closure. */
type Rule = (g: number, t: number) => number;

const RULES: Readonly<Record<Method, (rate: number, momentum: number) => Rule>> = {
  sgd: (rate) => (g) => rate * g,
  momentum: (rate, momentum) => {
    let m = 0;
    return (g) => rate * (m = momentum * m + g);
  },
  adam: (rate) => {
    let [m, v] = [0, 0];
    return (g, t) => {
      m = BETA1 * m + (1 - BETA1) * g;
      v = BETA2 * v + (1 - BETA2) * g * g;
      return (rate * (m / (1 - BETA1 ** t))) / (Math.sqrt(v / (1 - BETA2 ** t)) + EPSILON);
    };
  },
};

function walk(steps: number, rules: readonly [Rule, Rule]): (readonly [number, number])[] {
  const path: (readonly [number, number])[] = [START];
  for (let t = 1; t <= steps; t++) {
    const at = path[t - 1];
    const g = gradient(at);
    path.push([at[0] - rules[0](g[0], t), at[1] - rules[1](g[1], t)]);
  }
  return path;
}

/** The three methods from the same start. A rate that is too large ends in numbers that are not finite. */
export function descend({ steps, rates, momentum }: Descent): Paths {
  const path = (method: Method) => {
    const rule = () => RULES[method](rates[method], momentum);
    return walk(steps, [rule(), rule()]);
  };
  return { sgd: path('sgd'), momentum: path('momentum'), adam: path('adam') };
}

/** Lines of equal loss as pieces [a, b, a, b], by marching through a grid of small squares. */
export function contours(
  [a0, a1]: readonly [number, number],
  [b0, b1]: readonly [number, number],
  levels: readonly number[],
  cells = 96,
): number[][] {
  const place = (i: number, j: number) => [a0 + ((a1 - a0) * i) / cells, b0 + ((b1 - b0) * j) / cells] as const;
  const pieces: number[][] = [];
  for (const level of levels)
    for (let j = 0; j < cells; j++)
      for (let i = 0; i < cells; i++) {
        const corners = [place(i, j), place(i + 1, j), place(i + 1, j + 1), place(i, j + 1)];
        const crossings = corners.flatMap(([a, b], k) => {
          const [c, d] = corners[(k + 1) % 4];
          const [from, to] = [valley(a, b), valley(c, d)];
          if (from < level === to < level) return [];
          const share = (level - from) / (to - from);
          return [[a + share * (c - a), b + share * (d - b)]];
        });
        for (let k = 0; k + 1 < crossings.length; k += 2) pieces.push([...crossings[k], ...crossings[k + 1]]);
      }
  return pieces;
}
