import { EPILOGUE_BINDINGS, takesEpilogue, withEpilogueStages } from '../../kernels/epilogue/epilogue.ts';
import type { Launch } from '../../kernels/kernel.ts';
import type { PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import type { BufferRef, LowerContext, Step } from '../op.ts';
import { pointwiseStep } from './pointwise.ts';

/**
 * The attribute of an op that the compiler gave an epilogue (engine/program/epilogue.ts); the stages' operands follow
 * the op's own inputs.
 */
export interface Epilogue {
  readonly epilogue?: readonly PointwiseStage[];
}

type Context = Pick<LowerContext<Epilogue>, 'inputs' | 'attrs' | 'output' | 'capabilities' | 'in' | 'out' | 'temp'>;

/** The buffers of the operands, in the order of the stages that have one. */
function operandsOf({ inputs, attrs: { epilogue = [] }, in: from }: Context): BufferRef[] {
  const count = epilogue.filter(({ mode }) => mode !== 'immediate').length;
  return Array.from({ length: count }, (_, i) => from(inputs.length - count + i));
}

/**
 * A step of a kernel that could apply an epilogue, but is to apply none: its bindings are filled with a buffer it reads
 * anyway.
 */
export function plainly(step: Step, read: BufferRef): Step {
  return takesEpilogue(step.launch)
    ? { ...step, buffers: { ...Object.fromEntries(EPILOGUE_BINDINGS.map((name) => [name, read])), ...step.buffers } }
    : step;
}

/** The result of an op lies in `from` and its epilogue is still to be applied. */
export function epiloguePass(ctx: Context, from: BufferRef): Step {
  const {
    attrs: { epilogue = [] },
    output,
    capabilities,
  } = ctx;
  // The op's own choice is the one that there is.
  return pointwiseStep(epilogue, output, [from, ...operandsOf(ctx)], ctx.out(), {
    capabilities,
    choose: ({ candidates }) => candidates[0],
  });
}

/**
 * The step that makes an op's output, with the op's epilogue: within the kernel where that takes one, in a pass of its
 * own where not.
 *
 * @param buffers the kernel's buffers when its result goes to the given one
 * @param read one of the buffers that it reads
 */
export function lastStep(
  ctx: Context,
  launch: Launch,
  buffers: (result: BufferRef) => Step['buffers'],
  read: BufferRef,
): Step[] {
  const { epilogue } = ctx.attrs;
  if (!epilogue) return [plainly({ launch, buffers: buffers(ctx.out()) }, read)];
  if (!takesEpilogue(launch)) {
    const result = ctx.temp(ctx.output.size);
    return [{ launch, buffers: buffers(result) }, epiloguePass(ctx, result)];
  }
  const operands = operandsOf(ctx);
  const bound = epilogue.map(
    ({ mode }, k) => [EPILOGUE_BINDINGS[k], mode === 'immediate' ? read : operands.shift()!] as const,
  );
  return [
    plainly(
      {
        launch: withEpilogueStages(launch, epilogue),
        buffers: { ...buffers(ctx.out()), ...Object.fromEntries(bound) },
      },
      read,
    ),
  ];
}
