/** `scale`: what the channels of a residual branch are multiplied by, near 0 before training (Touvron et al. 2021). */
export type ParameterKind = 'filter' | 'depthwise' | 'dense' | 'bias' | 'gamma' | 'beta' | 'mean' | 'var' | 'scale';

/** One array of numbers a model holds: its name, its shape in our layout, what it is. */
export interface ParameterSpec {
  readonly name: string;
  /** filter HWIO [r,s,c,k], depthwise [r,s,c], dense [in,out], all else [channels]. */
  readonly shape: readonly number[];
  readonly kind: ParameterKind;
  /** Whether gradients move it: all but batch norm's running mean and variance. */
  readonly trainable: boolean;
}

/** Collects the parameters of a network in the order data flows through them. */
export class ParameterList {
  readonly specs: ParameterSpec[] = [];

  add(name: string, kind: ParameterKind, ...shape: number[]): void {
    this.specs.push({ name, shape, kind, trainable: kind !== 'mean' && kind !== 'var' });
  }

  addBatchNorm(name: string, channels: number): void {
    for (const kind of ['gamma', 'beta', 'mean', 'var'] as const) this.add(`${name}.${kind}`, kind, channels);
  }

  /** A fully connected layer `name.w` [inputs, outputs] with its bias `name.b`. */
  addDense(name: string, inputs: number, outputs: number): void {
    this.add(`${name}.w`, 'dense', inputs, outputs);
    this.add(`${name}.b`, 'bias', outputs);
  }
}
