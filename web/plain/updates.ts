import type { Tensor } from '../../engine/tensor.ts';
import type { AdamSettings } from '../../kernels/adam/adam.ts';
import type { SgdSettings } from '../../kernels/sgd/sgd.ts';
import { attrsOf, zerosOf, type Evaluate, type Numbers } from './numbers.ts';

/** What the parameters that an op changes come to, in the order of its inputs. */
type Update = (t: Tensor, ...inputs: Numbers[]) => Numbers[];

/** Whether f32, which state is kept as, holds it: the same steps are left undone as on a GPU. */
const isStorable = (v: number): boolean => Number.isFinite(Math.fround(v));
const allows = (guard: Numbers | undefined): boolean => guard === undefined || isStorable(guard[0]);

export const UPDATES: Readonly<Record<string, Update>> = {
  /** Kingma & Ba 2015, algorithm 1; the decay of Loshchilov & Hutter 2019. */
  // biome-ignore lint/complexity/useMaxParams: the op's inputs, in their order
  adam(t, w, m, v, g, [rate, correction1, correction2, factor], guard) {
    if (!allows(guard)) return [w, m, v];
    const { beta1, beta2, epsilon, weightDecay } = attrsOf<AdamSettings>(t);
    const first = m.map((moment, i) => beta1 * moment + (1 - beta1) * g[i] * factor);
    const second = v.map((moment, i) => beta2 * moment + (1 - beta2) * (g[i] * factor) ** 2);
    const moved = w.map((weight, i) => {
      const step = first[i] / correction1 / (Math.sqrt(second[i] / correction2) + epsilon);
      return weight - rate * (step + weightDecay * weight);
    });
    return [moved, first, second];
  },
  /** Momentum as PyTorch has it (Sutskever et al. 2013). */
  // biome-ignore lint/complexity/useMaxParams: the op's inputs, in their order
  sgd(t, w, m, g, [rate, factor], guard) {
    if (!allows(guard)) return [w, m];
    const { momentum, dampening, nesterov, weightDecay } = attrsOf<SgdSettings>(t);
    const gradient = g.map((v, i) => v * factor + weightDecay * w[i]);
    const velocity = m.map((v, i) => momentum * v + (1 - dampening) * gradient[i]);
    const moved = w.map((v, i) => v - rate * (nesterov ? gradient[i] + momentum * velocity[i] : velocity[i]));
    return [moved, velocity];
  },
  assign: (_, __, value) => [value],
  /** A moving average: p + momentum · (value − p), the value of each half with a scale of its own. */
  ema(t, p, value, guard) {
    if (!allows(guard)) return [p];
    const { momentum, scales } = attrsOf<{ momentum: number; scales: readonly number[] }>(t);
    const scaled = value.map((v, i) => v * scales[i < p.length / 2 ? 0 : 1]);
    return [p.map((v, i) => (momentum === 1 ? scaled[i] : v + momentum * (scaled[i] - v)))];
  },
};

/** What a training step knows before its updates. */
export const STEPPING: Readonly<Record<string, Evaluate>> = {
  /** 0 where all numbers are finite, else NaN. */
  guard: (t, ...tensors) => zerosOf(t.shape).fill(tensors.every((x) => x.every(isStorable)) ? 0 : NaN),
  /** The learning rate, 1 − β₁ᵗ, 1 − β₂ᵗ of the step behind those taken, the factor of the gradient. */
  adam_hyper(t, [taken], [rate, factor], scale) {
    const { beta1, beta2 } = attrsOf<{ beta1: number; beta2: number }>(t);
    const step = taken + 1;
    return Float64Array.of(rate, 1 - beta1 ** step, 1 - beta2 ** step, factor / (scale?.[0] ?? 1));
  },
};
