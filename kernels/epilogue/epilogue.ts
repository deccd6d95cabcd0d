import type { Launch } from '../kernel.ts';
import {
  MAX_STAGES,
  OPERAND_MODE,
  POINTWISE,
  type OperandMode,
  type PointwiseName,
  type PointwiseStage,
} from '../pointwise/pointwise.ts';

/** The bindings of the stages' operands, in order. A kernel that includes epilogue.wgsl declares them all. */
export const EPILOGUE_BINDINGS = ['e0', 'e1', 'e2', 'e3'] as const;

/** How epilogue.wgsl can read an operand. */
const MODES: ReadonlySet<OperandMode> = new Set<OperandMode>(['immediate', 'full', 'channel', 'secondRow']);

/** The functions that kernels/pointwise/functions.wgsl has. */
const EPILOGUE_OPS: ReadonlySet<PointwiseName> = new Set<PointwiseName>([
  'add',
  'sub',
  'rsub',
  'mul',
  'max',
  'min',
  'sigmoid',
  'relu',
  'silu',
  'relu_grad',
  'silu_grad',
]);

/** Whether a chain of stages can be an epilogue. */
export const canBeEpilogue = (stages: readonly PointwiseStage[]): boolean =>
  stages.length <= MAX_STAGES && stages.every(({ op, mode }) => MODES.has(mode) && EPILOGUE_OPS.has(op));

/** Whether a kernel applies an epilogue to what it writes. */
export const takesEpilogue = ({ kernel }: Launch): boolean =>
  kernel.bindings.some(({ name }) => name === EPILOGUE_BINDINGS[0]);

/** The launch with these stages applied to its result. */
export function withEpilogueStages(launch: Launch, stages: readonly PointwiseStage[]): Launch {
  const overrides: Record<string, number> = { ...launch.overrides };
  stages.forEach(({ op, mode, immediate }, k) => {
    overrides[`EPILOGUE${k}`] = POINTWISE[op];
    overrides[`FROM${k}`] = OPERAND_MODE[mode];
    if (immediate !== undefined) overrides[`IMMEDIATE${k}`] = immediate;
  });
  return { ...launch, overrides };
}
