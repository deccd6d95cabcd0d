import * as kernels from '../../kernels/rmsprop/rmsprop.ts';
import { checkNumber, checkOptions, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { SGD_HYPER } from './sgd.ts';
import { checkHyper, checkUpdate } from './update.ts';

/** The numbers of the tensor `hyper`, which are fed at each step. */
export const RMSPROP_HYPER = SGD_HYPER;

function check(state: readonly Tensor[], g: Tensor, hyper: Tensor, settings: kernels.RmspropSettings): Shape {
  checkUpdate('rmsprop', state, [g]);
  checkHyper('rmsprop', hyper, RMSPROP_HYPER);
  const { decay, momentum, epsilon, weightDecay } = settings;
  for (const [name, value] of Object.entries({ decay, momentum, epsilon, weightDecay }))
    checkNumber('rmsprop', name, value);
  if (![decay, momentum].every((n) => n >= 0 && n < 1))
    throw new UserError(`rmsprop: decay and momentum must be at least 0 and less than 1, not ${decay} and ${momentum}`);
  if (!(epsilon >= 0 && weightDecay >= 0))
    throw new UserError(`rmsprop: epsilon and weightDecay must not be negative, and are ${epsilon} and ${weightDecay}`);
  return g.shape;
}

const rmspropOp = defineOp<'w' | 'v' | 'm' | 'g' | 'hyper', kernels.RmspropSettings>({
  name: 'rmsprop',
  inputs: ['w', 'v', 'm', 'g', 'hyper'],
  mutates: [0, 1, 2],
  shape: ([w, v, m, g, hyper], settings) => check([w, v, m], g, hyper, settings),
  lower: ({ inputs: [w], attrs, in: from, temp }) => [
    {
      launch: kernels.rmsprop(w.size, attrs, false),
      buffers: { w: from(0), v: from(1), m: from(2), a: temp(4), g: from(3), hyper: from(4) },
    },
  ],
});

const centredOp = defineOp<'w' | 'v' | 'm' | 'a' | 'g' | 'hyper', kernels.RmspropSettings>({
  name: 'rmsprop_centred',
  called: () => 'rmsprop',
  inputs: ['w', 'v', 'm', 'a', 'g', 'hyper'],
  mutates: [0, 1, 2, 3],
  shape: ([w, v, m, a, g, hyper], settings) => check([w, v, m, a], g, hyper, settings),
  lower: ({ inputs: [w], attrs, in: from }) => [
    {
      launch: kernels.rmsprop(w.size, attrs, true),
      buffers: { w: from(0), v: from(1), m: from(2), a: from(3), g: from(4), hyper: from(5) },
    },
  ],
});

const OPTIONS: Known<kernels.RmspropSettings> = { decay: true, momentum: true, epsilon: true, weightDecay: true };

/**
 * An update: one step of RMSprop (Tieleman & Hinton 2012) of the parameter w from the gradient g, as PyTorch writes it.
 * v is the mean of squared gradients, m the momentum; where the mean of gradients a is given, they are centred by it
 * (Graves 2013). All are of one shape and zeros at first. Weight decay is added to the gradient (L2). `hyper` is an f32
 * tensor, see RMSPROP_HYPER. The decay is 0.99 (PyTorch's alpha), epsilon 1e-8, the others 0 where not said.
 */
export function rmsprop(
  state: { w: Tensor; v: Tensor; m: Tensor; a?: Tensor },
  g: Tensor,
  hyper: Tensor,
  settings: Partial<kernels.RmspropSettings> = {},
): Tensor {
  checkOptions('rmsprop', state, { w: true, v: true, m: true, a: true });
  checkOptions('rmsprop', settings, OPTIONS);
  const all = { decay: 0.99, momentum: 0, epsilon: 1e-8, weightDecay: 0, ...settings };
  const { w, v, m, a } = state;
  return a === undefined ? rmspropOp([w, v, m, g, hyper], all) : centredOp([w, v, m, a, g, hyper], all);
}
