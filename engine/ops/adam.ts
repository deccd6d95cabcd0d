import * as kernels from '../../kernels/adam/adam.ts';
import { checkNumber, checkOptions, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import { shapeError, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { checkHyper, checkUpdate, elementsOf } from './update.ts';

/** The numbers of the tensor `hyper`: these change from step t to step t + 1, so they are fed and not compiled in. */
export const ADAM_HYPER = ['learning rate', '1 - beta1^t', '1 - beta2^t', 'factor of the gradient'] as const;

/** The numbers that a training step is fed: the others of ADAM_HYPER follow from how many steps were taken. */
export const STEP_HYPER = ['learning rate', 'factor of the gradient'] as const;

function checkBetas(op: string, betas: Readonly<Record<string, number>>): void {
  for (const [name, beta] of Object.entries(betas)) {
    checkNumber(op, name, beta);
    if (!(beta >= 0 && beta < 1))
      throw new UserError(`${op}: beta1 and beta2 must be at least 0 and less than 1, not ${beta}`);
  }
}

const adamOp = defineOp<'w' | 'm' | 'v' | 'g' | 'hyper' | 'guard', kernels.AdamSettings>({
  name: 'adam',
  inputs: ['w', 'm', 'v', 'g', 'hyper', 'guard'],
  mutates: [0, 1, 2],
  grouped: { launch: (all) => kernels.adam(elementsOf(all), all[0].attrs) },
  shape([w, m, v, g, hyper, guard], { beta1, beta2, epsilon, weightDecay }): Shape {
    checkUpdate('adam', [w, m, v], [g]);
    checkHyper('adam', hyper, ADAM_HYPER);
    if (guard.size !== 1) shapeError('adam', 'the guard must be one number', guard);
    for (const [name, value] of Object.entries({ epsilon, weightDecay })) checkNumber('adam', name, value);
    checkBetas('adam', { beta1, beta2 });
    if (!(epsilon >= 0 && weightDecay >= 0))
      throw new UserError(`adam: epsilon and weightDecay must not be negative, and are ${epsilon} and ${weightDecay}`);
    return w.shape;
  },
  lower: ({ inputs: [w], attrs, in: from }) => [
    {
      launch: kernels.adam(w.size, attrs),
      buffers: { w: from(0), m: from(1), v: from(2), g: from(3), hyper: from(4), guard: from(5) },
    },
  ],
});

const OPTIONS: Known<kernels.AdamSettings> = { beta1: true, beta2: true, epsilon: true, weightDecay: true };

/**
 * An update: one step of Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019) of the
 * parameter w and its moments m and v, all of one shape, from the gradient g. `hyper` is an f32 tensor, see ADAM_HYPER.
 * Where the one number of `guard` (the loss) is NaN or infinite, nothing is changed.
 */
export const adam = (
  state: { w: Tensor; m: Tensor; v: Tensor },
  g: Tensor,
  hyper: Tensor,
  guard: Tensor,
  settings: Partial<kernels.AdamSettings> = {},
): Tensor => {
  checkOptions('adam', state, { w: true, m: true, v: true });
  checkOptions('adam', settings, OPTIONS);
  return adamOp([state.w, state.m, state.v, g, hyper, guard], {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    ...settings,
  });
};

/**
 * AdamW (Loshchilov & Hutter 2019): `adam` with a weight decay of 0.01 where nothing else is said. The decay acts on
 * the weights and is not part of the gradient, in `adam` too.
 */
export const adamW: typeof adam = (state, g, hyper, guard, settings = {}) => {
  checkOptions('adam_w', settings, OPTIONS);
  return adam(state, g, hyper, guard, { weightDecay: 0.01, ...settings });
};

interface HyperAttributes {
  readonly beta1: number;
  readonly beta2: number;
}

const hyperOp = defineOp<'taken' | 'hyper' | 'scale', HyperAttributes>({
  name: 'adam_hyper',
  inputs: ['taken', 'hyper', 'scale'],
  shape([taken, hyper, scale], { beta1, beta2 }): Shape {
    checkBetas('adam_hyper', { beta1, beta2 });
    for (const t of [taken, ...(scale ? [scale] : [])])
      if (t.size !== 1) shapeError('adam_hyper', 'the count of steps and the scale must be one number each', t);
    checkHyper('adam_hyper', hyper, STEP_HYPER);
    return [ADAM_HYPER.length];
  },
  lower: ({ inputs: [, , scale], attrs, in: from, out }) => [
    {
      launch: kernels.adamHyper(attrs.beta1, attrs.beta2, scale !== undefined),
      buffers: { taken: from(0), hyper: from(1), scale: from(scale ? 2 : 1), out: out() },
    },
  ],
});

/**
 * ADAM_HYPER of the step behind those that were `taken` (one number), from what is fed at each step (`hyper`, see
 * STEP_HYPER). Where the gradients are those of a loss that was multiplied by `scale`, it is taken off again.
 */
export function adamHyper(taken: Tensor, hyper: Tensor, betas: HyperAttributes, scale?: Tensor): Tensor {
  checkOptions('adamHyper', betas, { beta1: true, beta2: true });
  return hyperOp([taken, hyper, ...(scale ? [scale] : [])], betas);
}
