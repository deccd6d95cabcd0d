import * as kernels from '../../kernels/loss_scale/loss_scale.ts';
import { defineOp } from '../op.ts';
import { sameShape, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { checkUpdate } from './update.ts';

/** The numbers of the parameter `state` of loss scaling. */
export const LOSS_SCALE_STATE = ['scale', 'good steps since it last changed'] as const;

const scaleOp = defineOp<'state' | 'guard', { readonly growAfter: number }>({
  name: 'loss_scale',
  inputs: ['state', 'guard'],
  mutates: [0],
  shape([state, guard], { growAfter }): Shape {
    if (!sameShape(state.shape, [LOSS_SCALE_STATE.length]))
      shapeError('loss_scale', `the state must be [${LOSS_SCALE_STATE.length}]: ${LOSS_SCALE_STATE.join(', ')}`, state);
    checkUpdate('loss_scale', [state], []);
    if (guard.size !== 1) shapeError('loss_scale', 'the guard must be one number', guard);
    if (!(Number.isInteger(growAfter) && growAfter >= 1 && growAfter <= 2 ** 24))
      throw new UserError(`loss_scale: the scale must grow after 1 to 2^24 steps, not ${growAfter}`);
    return state.shape;
  },
  lower: ({ attrs, in: from }) => [
    { launch: kernels.lossScale(attrs.growAfter), buffers: { state: from(0), guard: from(1) } },
  ],
});

/**
 * An update: dynamic loss scaling (Micikevicius et al. 2018). Where `guard` is finite the step counts, and after
 * `growAfter` such steps the scale is doubled; else the scale is halved.
 */
export const lossScale = (state: Tensor, guard: Tensor, growAfter: number): Tensor =>
  scaleOp([state, guard], { growAfter });
