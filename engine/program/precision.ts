import { storedAsHalf } from '../../kernels/kernel.ts';
import type { Device } from '../device/device.ts';
import type { BufferRef } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { bytesOf, type Lowered, type LoweredStep, type VirtualBuffer } from './lower.ts';

/**
 * How a program stores activations and their cotangents. All is computed in f32 under both; but under f16, where the
 * adapter has subgroup matrices (tensor cores), the operands of large products are rounded to f16 and their products
 * summed in f32.
 */
export type Precision = 'f32' | 'f16';

/** @throws UserError where the adapter cannot store numbers so */
export function requirePrecision(device: Device, precision: Precision): void {
  if (precision === 'f16' && !device.capabilities.f16) {
    throw new UserError(
      `${device.adapter.description} has no 16-bit floats (WebGPU's shader-f16), which precision f16 needs; take precision f32, or another adapter`,
    );
  }
}

/**
 * Whether a value belongs to a pixel of a sample, [N, H, W, C]. What belongs to a whole sample (logits, gates, sums
 * over pixels) is small beside it.
 */
const hasPixels = ({ shape, dtype }: Tensor): boolean =>
  dtype === 'f32' && shape.length === 4 && shape[1] * shape[2] > 1;

/**
 * Gradients of weights and all that is made from them: their squares overflow, and what the optimizer gets should have
 * all its digits.
 */
function ofWeightGradients(order: readonly Tensor[]): ReadonlySet<Tensor> {
  const found = new Set<Tensor>();
  for (const t of order) if (t.op.isWeightGradient || t.inputs.some((input) => found.has(input))) found.add(t);
  return found;
}

/**
 * Mixed precision (Micikevicius et al. 2018, "Mixed precision training"), decided buffer by buffer. One is stored as
 * f16 where
 * - it holds an activation or the cotangent of one, a number for every channel of every pixel, which is where the
 *   memory goes;
 * - nobody outside the program sees it: no parameter, no input, none of `outputs`; and it is no scratch of an op
 *   (partial sums);
 * - every kernel that it is bound to lets this binding be f16 (`storage` of KernelBinding): no cast is ever needed.
 * So weights, moments, statistics, gradients of weights and losses stay f32 without being named anywhere. A view lives
 * in its source's buffer and has its storage type.
 */
export function storeAsHalf(lowered: Lowered, order: readonly Tensor[], outputs: ReadonlySet<BufferRef>): Lowered {
  const excluded = ofWeightGradients(order);
  const candidates = lowered.buffers.filter(
    ({ ref, kind, tensor }) =>
      (kind === 'temporary' || kind === 'kept') &&
      !outputs.has(ref) &&
      tensor &&
      hasPixels(tensor) &&
      !excluded.has(tensor),
  );
  const half = new Set(candidates.map(({ ref }) => ref));
  for (const { launch, buffers } of lowered.steps)
    for (const { name, storage } of launch.kernel.bindings) if (storage === undefined) half.delete(buffers[name]);

  const steps = lowered.steps.map(
    (step): LoweredStep => ({
      ...step,
      launch: storedAsHalf(
        step.launch,
        step.launch.kernel.bindings.filter(({ name }) => half.has(step.buffers[name])),
      ),
    }),
  );
  const buffers = lowered.buffers.map(
    (buffer): VirtualBuffer =>
      half.has(buffer.ref) ? { ...buffer, dtype: 'f16', bytes: bytesOf(buffer.tensor!.size, 'f16') } : buffer,
  );
  return { ...lowered, steps, buffers };
}
