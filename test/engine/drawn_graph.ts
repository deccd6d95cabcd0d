import { batchNorm, batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { abs, add, maximum, minimum, mul, relu, rsub, sigmoid, silu, sub, tanh } from '../../engine/ops/pointwise.ts';
import { broadcastTo, mean, sum } from '../../engine/ops/reduce.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { randomArray, uniform } from '../random.ts';

/** As many rows as samples: what is one for each row must not be taken for one for each sample. */
export const FULL = [2, 2, 3, 4] as const;
export const SMALL = {
  channel: [4],
  sampleChannel: [2, 1, 1, 4],
  sample: [2, 1, 1, 1],
  row: [1, 2, 1, 1],
  rowChannel: [1, 2, 1, 4],
  sampleRow: [2, 2, 1, 1],
  one: [1],
} as const;

/** Draws a graph of `length` operations: what it has made, its leaves and their values. */
export function draw(seed: number, length: number) {
  const random = uniform(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
  const leaves = new Map<string, Float32Array>();
  const leaf = (name: string, shape: readonly number[], low = -1, high = 1) => {
    const t = input(name, shape);
    leaves.set(name, randomArray(t.size, 1000 * seed + leaves.size, low, high));
    return t;
  };
  const full = [leaf('x', FULL), leaf('y', FULL)];
  const small = Object.entries(SMALL).map(([name, shape]) => leaf(name, shape));
  const [filter, taps, matrix] = [leaf('filter', [1, 1, 4, 4]), leaf('taps', [3, 3, 4]), leaf('matrix', [4, 4])];
  const norm = [leaf('stats', [2, 4], 0.3, 1), leaf('gamma', [4]), leaf('beta', [4])] as const;
  /** Mostly what was made last, so that chains grow; sometimes anything, so that it has a second reader. */
  const any = () => (random() < 0.7 ? full[full.length - 1] : pick(full));
  const activation = () => pick(['none', 'relu', 'silu'] as const);
  const MAKERS: readonly (() => Tensor)[] = [
    () => pick([abs, relu, sigmoid, silu, tanh])(any()),
    () => pick([add, mul, maximum, minimum, rsub, sub])(any(), pick([0.5, -1, 2])),
    () => pick([add, sub, mul, maximum, minimum])(any(), pick(full)),
    () => pick([add, sub, mul, maximum, minimum])(pick(full), any()),
    () => pick([add, sub, mul])(any(), pick(small)),
    () => pick([add, sub, mul, maximum])(any(), broadcastTo(pick(small), FULL)),
    () => pick([add, sub, mul, maximum])(broadcastTo(pick(small), FULL), any()),
    () => conv2d(any(), filter),
    () => depthwiseConv2d(any(), taps, { padding: 'same' }),
    () => reshape(matmul(reshape(any(), [12, 4]), matrix), FULL),
    () => batchNormInference(any(), ...norm, { epsilon: 0.1, activation: activation() }),
    () => batchNormInference(conv2d(any(), filter), ...norm, { epsilon: 0.1, activation: activation() }),
    () =>
      batchNormInference(depthwiseConv2d(any(), taps, { padding: 'same' }), ...norm, {
        epsilon: 0.1,
        activation: activation(),
      }),
    () => batchNorm(any(), norm[1], norm[2], { epsilon: 0.1, activation: activation() }).y,
    () => add(batchNorm(any(), norm[1], norm[2], { epsilon: 0.1, activation: activation() }).y, pick(full)),
    () => {
      const { y } = batchNorm(any(), norm[1], norm[2], { epsilon: 0.1, activation: activation() });
      if (random() < 0.2) full.push(tanh(y));
      return depthwiseConv2d(y, taps, { padding: 'same' });
    },
    () => {
      const { y } = batchNorm(any(), norm[1], norm[2], { epsilon: 0.1, activation: activation() });
      const gate = sigmoid(pick([mean, sum])(y, [1, 2]));
      // Mostly as squeeze and excite does; sometimes another reads it, too.
      if (random() < 0.2) full.push(tanh(y));
      const gated = mul(y, random() < 0.8 ? gate : pick(small));
      return random() < 0.5 ? gated : conv2d(gated, filter);
    },
    () => {
      const product = mul(any(), pick(full));
      small.push(
        pick([sum, mean])(
          product,
          pick([
            [1, 2],
            [0, 1, 2],
            [1, 2, 3],
          ]),
        ),
      );
      return random() < 0.3 ? product : tanh(any());
    },
  ];
  for (let i = 0; i < length; i++) {
    const made = pick(MAKERS)();
    // What grows is brought back to a size near 1, or all differences drown.
    full.push(random() < 0.15 ? tanh(made) : made);
  }
  return { full, small, leaves, pick, random };
}
