import { batchNormApplyOp, batchNormStatsOp } from '../engine/ops/batch_norm.ts';
import type { Epilogue } from '../engine/ops/epilogue.ts';
import { pointwiseOp, type PointwiseAttributes } from '../engine/ops/pointwise.ts';
import type { Lowered } from '../engine/program/lower.ts';
import { countUses } from '../engine/program/rewrite.ts';
import type { Tensor } from '../engine/tensor.ts';

/** Ops that became one kernel, or did not and why, and in how many places. */
export interface Fusion {
  readonly chain: string;
  readonly count: number;
}

const epilogueOf = ({ attrs }: Tensor) => (attrs as Epilogue).epilogue ?? [];

/** What the compiler made of several ops at once (engine/program/gates.ts), by the ops that it does. */
const MADE_OF_SEVERAL: Readonly<Record<string, string>> = {
  batch_norm_pool: 'batch_norm_apply, sum',
  batch_norm_gate_sums: 'batch_norm_apply, sum_of_products, batch_norm_sums',
  batch_norm_gated_input_grad: 'mul, add, batch_norm_input_grad',
};
/** What a batch norm does to its result (engine/program/gates.ts, residuals.ts). */
const endOf = (t: Tensor): string[] =>
  t.op === batchNormApplyOp ? [...(t.attrs['gated'] ? ['mul'] : []), ...(t.attrs['added'] ? ['add'] : [])] : [];

/**
 * `mul, add, relu` for a fused pointwise op, `conv2d, mul, add` for an op with an epilogue, the op's name for any
 * other.
 */
export function describeOp(t: Tensor): string {
  const ops = MADE_OF_SEVERAL[t.op.name];
  if (ops !== undefined) return `${t.op.name} (${ops})`;
  if (endOf(t).length > 0) return [t.op.name, ...endOf(t)].join(', ');
  const stages = t.op === pointwiseOp ? (t.attrs as unknown as PointwiseAttributes).stages : epilogueOf(t);
  return [...(t.op === pointwiseOp ? [] : [t.op.name]), ...stages.map(({ op }) => op)].join(', ');
}

function counted(chains: readonly string[]): Fusion[] {
  const counts = new Map<string, number>();
  for (const chain of chains) counts.set(chain, (counts.get(chain) ?? 0) + 1);
  return [...counts]
    .map(([chain, count]) => ({ chain, count }))
    .sort((a, b) => b.count - a.count || (a.chain < b.chain ? -1 : 1));
}

type Steps = Pick<Lowered, 'steps'>;

/** The tensors that the program computes, each once, in order. */
export const stepTensors = (program: Steps): Tensor[] => [...new Set(program.steps.map(({ tensor }) => tensor))];

/** Whether the op's own kernel applies its epilogue, or a pass after it. */
const passesAfter = (program: Steps, t: Tensor): boolean =>
  program.steps.findLast(({ tensor }) => tensor === t)!.launch.kernel.name === 'pointwise';

/** Whether statistics are joined from those that the kernel of what they are of has made. */
const isSummed = (program: Steps, t: Tensor): boolean =>
  t.op === batchNormStatsOp &&
  program.steps.find(({ tensor }) => tensor === t)!.launch.kernel.name.startsWith('batch_norm_combine');

/**
 * Pointwise ops that became one kernel, with the convolution or product before them where that takes them as its
 * epilogue; batch norms with what pools and gates them; and statistics with what they are of.
 */
export function fused(program: Steps): Fusion[] {
  const isFused = (t: Tensor) =>
    endOf(t).length > 0 ||
    isSummed(program, t) ||
    t.op.name in MADE_OF_SEVERAL ||
    (t.op === pointwiseOp
      ? (t.attrs as unknown as PointwiseAttributes).stages.length > 1
      : epilogueOf(t).length > 0 && !passesAfter(program, t));
  const describe = (t: Tensor) =>
    isSummed(program, t) ? `${describeOp(t.inputs[0])}, ${describeOp(t)}` : describeOp(t);
  return counted(stepTensors(program).filter(isFused).map(describe));
}

/** What could have been an epilogue and is a pass of its own, with the reason. */
export function notFused(program: Steps): Fusion[] {
  const tensors = stepTensors(program);
  const uses = countUses(tensors);
  return counted(
    tensors.flatMap((t) => {
      if (epilogueOf(t).length > 0)
        return passesAfter(program, t)
          ? [`${describeOp(t)}: the product is turned, padded or added up from parts`]
          : [];
      if (t.op !== pointwiseOp && t.op !== batchNormApplyOp) return [];
      const [x] = t.inputs;
      if (!x.op.takesEpilogue(x.attrs)) return [];
      const chain = `${x.op.name}, ${describeOp(t)}`;
      if (uses.get(x)! > 1) return [`${chain}: others read the ${x.op.name} too`];
      return [
        epilogueOf(x).length > 0
          ? `${chain}: the epilogue is full, or cannot read an operand of this shape`
          : `${chain}: the ${x.op.name} is asked for`,
      ];
    }),
  );
}
