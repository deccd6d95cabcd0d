import * as kernels from '../../kernels/sgd/sgd.ts';
import { checkNumber, checkOneOf, checkOptions, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import { shapeError, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { checkHyper, checkUpdate, elementsOf } from './update.ts';

/** The numbers of the tensor `hyper`, which are fed at each step. */
export const SGD_HYPER = ['learning rate', 'factor of the gradient'] as const;

const sgdOp = defineOp<'w' | 'm' | 'g' | 'hyper' | 'guard', kernels.SgdSettings>({
  name: 'sgd',
  inputs: ['w', 'm', 'g', 'hyper', 'guard'],
  mutates: [0, 1],
  grouped: { launch: (all, isGuarded) => kernels.sgd(elementsOf(all), all[0].attrs, isGuarded) },
  shape([w, m, g, hyper, guard], { momentum, dampening, nesterov, weightDecay }): Shape {
    checkUpdate('sgd', [w, m], [g]);
    checkHyper('sgd', hyper, SGD_HYPER);
    if (guard && guard.size !== 1) shapeError('sgd', 'the guard must be one number', guard);
    for (const [name, value] of Object.entries({ momentum, dampening, weightDecay })) checkNumber('sgd', name, value);
    checkOneOf('sgd', 'nesterov', nesterov, [true, false]);
    if (!(momentum >= 0 && momentum < 1))
      throw new UserError(`sgd: the momentum must be at least 0 and less than 1, not ${momentum}`);
    if (!(dampening >= 0 && dampening <= 1))
      throw new UserError(`sgd: the dampening must be between 0 and 1, not ${dampening}`);
    if (nesterov && (momentum === 0 || dampening > 0))
      throw new UserError('sgd: nesterov needs a momentum, and no dampening');
    if (!(weightDecay >= 0)) throw new UserError(`sgd: weightDecay must not be negative, and is ${weightDecay}`);
    return w.shape;
  },
  lower: ({ inputs: [w, , , , guard], attrs, in: from }) => [
    {
      launch: kernels.sgd(w.size, attrs, guard !== undefined),
      // A guard that is not there is not read; another buffer stands in its place.
      buffers: { w: from(0), m: from(1), g: from(2), hyper: from(3), guard: from(guard ? 4 : 3) },
    },
  ],
});

const OPTIONS: Known<kernels.SgdSettings> = { momentum: true, dampening: true, nesterov: true, weightDecay: true };

/**
 * An update: one step of stochastic gradient descent of the parameter w with its momentum m (zeros at first), from the
 * gradient g: m ← momentum·m + (1 − dampening)·g and w ← w − rate·m, or with Nesterov's momentum w − rate·(g +
 * momentum·m), as PyTorch has it, which leaves the first step undamped. Weight decay is added to the gradient (L2).
 * `hyper` is an f32 tensor, see SGD_HYPER. Where the one number of `guard` is NaN or infinite, nothing is changed.
 */
export const sgd = (
  state: { w: Tensor; m: Tensor },
  g: Tensor,
  hyper: Tensor,
  settings: Partial<kernels.SgdSettings> = {},
  guard?: Tensor,
): Tensor => {
  checkOptions('sgd', state, { w: true, m: true });
  checkOptions('sgd', settings, OPTIONS);
  return sgdOp([state.w, state.m, g, hyper, ...(guard ? [guard] : [])], {
    momentum: 0.9,
    dampening: 0,
    nesterov: false,
    weightDecay: 0,
    ...settings,
  });
};
