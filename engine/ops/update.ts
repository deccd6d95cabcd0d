import { parameterOf } from '../device/parameter.ts';
import type { Neighbour } from '../op.ts';
import { sameShape, shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

/** Checks what an update is given: `state` are parameters, all different, and all tensors have one shape. */
export function checkUpdate(op: string, state: readonly Tensor[], others: readonly Tensor[]): void {
  for (const t of state)
    if (!parameterOf(t)) throw new UserError(`${op}: ${t} is no parameter: only parameters can be updated`);
  if (new Set(state).size !== state.length)
    throw new UserError(`${op}: ${state[0]} was given for two of the states; each needs a parameter of its own`);
  const all = [...state, ...others];
  if (all.some((t) => !sameShape(t.shape, all[0].shape)))
    shapeError(op, 'the parameter and what updates it must have one shape', ...all);
}

/** From the first element of the first to the end of the last. */
export const elementsOf = (neighbours: readonly Neighbour<unknown>[]): number =>
  neighbours.reduce((n, { stride }) => n + stride, 0);

/** Checks the tensor of numbers that change from step to step. */
export function checkHyper(op: string, hyper: Tensor, names: readonly string[]): void {
  if (hyper.shape.length !== 1 || hyper.shape[0] < names.length) {
    shapeError(op, `the hyperparameters must be an f32 tensor of ${names.length} numbers (${names.join(', ')})`, hyper);
  }
}
