import { copyStrided, MOST_COPY_DIMENSIONS, mergedDimensions, type StridedCopy } from '../../kernels/copy/copy.ts';
import type { LowerContext, Step } from '../op.ts';
import { UserError } from '../user_error.ts';

/** The step that copies from an input to the output. */
export function copySteps(
  { inputs, output, capabilities, in: from, out }: LowerContext<unknown>,
  copy: StridedCopy,
  input = 0,
): Step[] {
  const left = mergedDimensions(copy.dimensions).length;
  if (left > MOST_COPY_DIMENSIONS)
    throw new UserError(
      `${output}: of ${inputs[input]} ${left} dimensions move apart, and a copy has at most ${MOST_COPY_DIMENSIONS}; reshape it so that fewer do`,
    );
  const launch = copyStrided(copy, output.dtype, capabilities.software);
  return [{ launch, buffers: { x: from(input), out: out() } }];
}
