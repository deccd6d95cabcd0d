import { EPILOGUE_BINDINGS, takesEpilogue, withEpilogueStages } from '../../kernels/epilogue/epilogue.ts';
import { PART_ROWS } from '../../kernels/batch_norm/batch_norm.ts';
import { summed } from '../../kernels/batch_norm/summed.ts';
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
  /** A batch norm wants the statistics of the result (engine/program/summed.ts). */
  readonly summed?: true;
}

type Context = Pick<
  LowerContext<Epilogue>,
  'inputs' | 'attrs' | 'output' | 'capabilities' | 'in' | 'out' | 'temp' | 'leave'
>;

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

/** The step with the statistics of its result beside it, if they are wanted and the kernel can make them. */
function withStatistics(ctx: Context, step: Step): Step {
  const { summed: wanted, epilogue } = ctx.attrs;
  const own = wanted && summed(step.launch);
  if (!own || (epilogue && !takesEpilogue(own.launch))) return step;
  const { launch, parts } = own;
  const partial = ctx.temp(parts * PART_ROWS * ctx.output.shape[ctx.output.shape.length - 1]);
  ctx.leave({ partial, parts });
  return { launch, buffers: { ...step.buffers, partial } };
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
  if (!epilogue) return [plainly(withStatistics(ctx, { launch, buffers: buffers(ctx.out()) }), read)];
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
      withStatistics(ctx, {
        launch: withEpilogueStages(launch, epilogue),
        buffers: { ...buffers(ctx.out()), ...Object.fromEntries(bound) },
      }),
      read,
    ),
  ];
}
