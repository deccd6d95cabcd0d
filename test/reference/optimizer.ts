/** Optimizers in float64, written from their papers; each changes its state in place. */
export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/**
 * Step t (from 1) of Kingma & Ba 2015, algorithm 1, with the decay of Loshchilov & Hutter 2019, algorithm 2 (schedule
 * multiplier = the rate).
 */
export function adamStep(
  s: { w: Float64Array; m: Float64Array; v: Float64Array },
  g: ArrayLike<number>,
  t: number,
  rate: number,
  a: AdamSettings,
): void {
  for (let i = 0; i < s.w.length; i++) {
    s.m[i] = a.beta1 * s.m[i] + (1 - a.beta1) * g[i];
    s.v[i] = a.beta2 * s.v[i] + (1 - a.beta2) * g[i] ** 2;
    const mHat = s.m[i] / (1 - a.beta1 ** t);
    const vHat = s.v[i] / (1 - a.beta2 ** t);
    s.w[i] -= rate * (mHat / (Math.sqrt(vHat) + a.epsilon) + a.weightDecay * s.w[i]);
  }
}

/** PyTorch's form of momentum, and of Nesterov's; weight decay as an L2 term in the gradient. */
export function sgdStep(
  s: { w: Float64Array; m: Float64Array },
  g: ArrayLike<number>,
  rate: number,
  momentum: number,
  nesterov: boolean,
  weightDecay: number,
  dampening = 0,
): void {
  for (let i = 0; i < s.w.length; i++) {
    const d = g[i] + weightDecay * s.w[i];
    s.m[i] = momentum * s.m[i] + (1 - dampening) * d;
    s.w[i] -= rate * (nesterov ? d + momentum * s.m[i] : s.m[i]);
  }
}

export interface RmspropSettings {
  readonly decay: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** PyTorch's RMSprop by its documentation; centred where there is a mean of gradients. */
export function rmspropStep(
  s: { w: Float64Array; v: Float64Array; m: Float64Array; a?: Float64Array },
  g: ArrayLike<number>,
  rate: number,
  r: RmspropSettings,
): void {
  for (let i = 0; i < s.w.length; i++) {
    const d = g[i] + r.weightDecay * s.w[i];
    s.v[i] = r.decay * s.v[i] + (1 - r.decay) * d ** 2;
    let variance = s.v[i];
    if (s.a) {
      s.a[i] = r.decay * s.a[i] + (1 - r.decay) * d;
      variance -= s.a[i] ** 2;
    }
    s.m[i] = r.momentum * s.m[i] + d / (Math.sqrt(variance) + r.epsilon);
    s.w[i] -= rate * s.m[i];
  }
}
