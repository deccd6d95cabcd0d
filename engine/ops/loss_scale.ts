import * as kernels from '../../kernels/loss_scale/loss_scale.ts';
import { defineOp } from '../op.ts';
import { sameShape, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { ADAM_HYPER } from './adam.ts';
import { checkHyper, checkUpdate } from './update.ts';

/** The numbers of the parameter `state` of loss scaling. */
export const LOSS_SCALE_STATE = ['scale', 'good steps since it last changed', '1 - beta1^t', '1 - beta2^t'] as const;

function checkState(op: string, state: Tensor): void {
  if (!sameShape(state.shape, [LOSS_SCALE_STATE.length]))
    shapeError(op, `the state must be [${LOSS_SCALE_STATE.length}]: ${LOSS_SCALE_STATE.join(', ')}`, state);
}

const hyperOp = defineOp<'state' | 'hyper', { readonly beta1: number; readonly beta2: number }>({
  name: 'adam_hyper_scaled',
  inputs: ['state', 'hyper'],
  shape([state, hyper]): Shape {
    checkState('adam_hyper_scaled', state);
    checkHyper('adam_hyper_scaled', hyper, ADAM_HYPER);
    return [ADAM_HYPER.length];
  },
  lower: ({ attrs, in: from, out }) => [
    {
      launch: kernels.adamHyperScaled(attrs.beta1, attrs.beta2),
      buffers: { state: from(0), hyper: from(1), out: out() },
    },
  ],
});

/**
 * ADAM_HYPER for gradients of the scaled loss: what they are multiplied by takes the scale off, and t counts the steps
 * that were taken.
 */
export const adamHyperScaled = (
  state: Tensor,
  hyper: Tensor,
  betas: { readonly beta1: number; readonly beta2: number },
): Tensor => hyperOp([state, hyper], { beta1: betas.beta1, beta2: betas.beta2 });

const scaleOp = defineOp<'state' | 'hyper' | 'guard', { readonly growAfter: number }>({
  name: 'loss_scale',
  inputs: ['state', 'hyper', 'guard'],
  mutates: [0],
  shape([state, hyper, guard], { growAfter }): Shape {
    checkState('loss_scale', state);
    checkUpdate('loss_scale', [state], [hyper]);
    if (guard.size !== 1) shapeError('loss_scale', 'the guard must be one number', guard);
    if (!(Number.isInteger(growAfter) && growAfter >= 1 && growAfter <= 2 ** 24))
      throw new UserError(`loss_scale: the scale must grow after 1 to 2^24 steps, not ${growAfter}`);
    return state.shape;
  },
  lower: ({ attrs, in: from }) => [
    { launch: kernels.lossScale(attrs.growAfter), buffers: { state: from(0), hyper: from(1), guard: from(2) } },
  ],
});

/**
 * An update: dynamic loss scaling (Micikevicius et al. 2018). Where `guard` is finite the step counts, `hyper`
 * (adamHyperScaled) being that of the step, and after `growAfter` such steps the scale is doubled; else the scale is
 * halved.
 */
export const lossScale = (state: Tensor, hyper: Tensor, guard: Tensor, growAfter: number): Tensor =>
  scaleOp([state, hyper, guard], { growAfter });
