import { EMA_TENSORS, ema as emaLaunch } from '../../kernels/assign/assign.ts';
import { copyStrided, run } from '../../kernels/copy/copy.ts';
import { checkWhole, show } from '../check.ts';
import { defineOp } from '../op.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { checkUpdate } from './update.ts';

const assignOp = defineOp<'p' | 'value'>({
  name: 'assign',
  inputs: ['p', 'value'],
  mutates: [0],
  shape([p, value]): Shape {
    checkUpdate('assign', [p], [value]);
    return p.shape;
  },
  lower: ({ inputs: [p], capabilities, in: from }) => [
    { launch: copyStrided(run(p.size), 'f32', capabilities.software), buffers: { x: from(1), out: from(0) } },
  ],
});

/** An update: the parameter takes the value of a tensor of its shape. */
export const assign = (parameter: Tensor, value: Tensor): Tensor => assignOp([parameter, value], {});

interface EmaAttributes {
  readonly momentum: number;
  readonly scales: readonly [number, number];
}

const emaOp = defineOp<'p' | 'value' | 'guard', EmaAttributes>({
  name: 'ema',
  inputs: ['p', 'value', 'guard'],
  mutates: [0],
  grouped: {
    shared: ({ momentum }) => momentum,
    most: EMA_TENSORS,
    launch: (all, isGuarded) =>
      emaLaunch(
        all.map(({ size, stride, attrs: { scales } }) => ({ size, stride, scales })),
        all[0].attrs.momentum,
        isGuarded,
      ),
  },
  shape([p, value], { momentum }): Shape {
    checkUpdate('ema', [p], [value]);
    if (!(typeof momentum === 'number' && momentum >= 0 && momentum <= 1))
      throw new UserError(`ema: the momentum must be between 0 and 1, not ${show(momentum)}`);
    return p.shape;
  },
  lower: ({ inputs: [p, , guard], attrs: { momentum, scales }, in: from }) => [
    {
      launch: emaLaunch([{ size: p.size, stride: p.size, scales }], momentum, guard !== undefined),
      buffers: { p: from(0), value: from(1), guard: from(guard ? 2 : 1) },
    },
  ],
});

/**
 * The update as it is, but nothing is changed where the one number of `guard` is NaN or infinite.
 * @throws UserError where the update neither assigns nor averages: others cannot be left undone
 */
export function guarded(update: Tensor, guard: Tensor): Tensor {
  const [p, value] = update.inputs;
  if (update.op === emaOp) return emaOp([p, value, guard], update.attrs as unknown as EmaAttributes);
  if (update.op === assignOp) return emaOp([p, value, guard], { momentum: 1, scales: [1, 1] });
  throw new UserError(
    `${update.op.name} of ${p} cannot be left undone where a step is not finite; only assign, ema and updateRunningStats can`,
  );
}

/** An update: an exponential moving average, p ← p + momentum·(value − p). */
export const ema = (parameter: Tensor, value: Tensor, momentum: number): Tensor =>
  emaOp([parameter, value], { momentum, scales: [1, 1] });

/**
 * An update: running statistics [2, C] of batch norm move towards a batch's `stats` [2, C]. The batch's variance was
 * divided by `count` (the elements of a channel); what is averaged is the unbiased one, divided by count − 1, as
 * PyTorch keeps it.
 */
export function updateRunningStats(running: Tensor, stats: Tensor, count: number, momentum: number): Tensor {
  checkWhole('update_running_stats', 'the count', count, 1);
  return emaOp([running, stats], { momentum, scales: [1, count > 1 ? count / (count - 1) : 1] });
}
