import { batchNormStatsOp, batchNormSumsOp, type BatchNormSettings } from '../ops/batch_norm.ts';
import { batchNormCoefficientsOp } from '../ops/batch_norm_gated.ts';
import { Tensor } from '../tensor.ts';
import { rewriteEach } from './rewrite.ts';

/**
 * What a batch norm sums over the rows of a tensor is made by the op that makes the tensor, from what it has in
 * registers, if the kernel that it takes can: those for GPUs do. Else batch norm reads the tensor for it. Statistics
 * are made by convolutions and products, the sums of the gradient by the input gradient of what follows the batch norm.
 */
export function sumWhereMade(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  return sumCotangents(sumResults(order, became), became);
}

function sumResults(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  const wanted = new Set(order.filter(({ op }) => op === batchNormStatsOp).map(({ inputs }) => inputs[0]));
  return rewriteEach(order, became, (t, moved) => {
    if (!wanted.has(t) || !t.op.takesEpilogue(t.attrs)) return undefined;
    return { next: new Tensor(t.op, moved.inputs, { ...t.attrs, summed: true }, t.shape).named(...t.names) };
  });
}

function sumCotangents(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  const position = new Map(order.map((t, i) => [t, i]));
  const isBefore = (a: Tensor, b: Tensor) => position.get(a)! < position.get(b)!;
  /** The sums that are made of a cotangent. */
  const wanted = new Map<Tensor, Tensor>();
  for (const t of order) {
    const [dy, ...read] = t.inputs;
    if (t.op !== batchNormSumsOp || !dy.op.sums(dy.attrs)) continue;
    if (read.every((input) => isBefore(input, dy)) && !wanted.has(dy)) wanted.set(dy, t);
  }
  return rewriteEach(order, became, (t, moved, now) => {
    const sums = wanted.get(t);
    if (!sums) return undefined;
    const [, x, ...parameters] = sums.inputs;
    const { activation, epsilon } = sums.attrs as unknown as BatchNormSettings;
    const made = order.find(
      (other) =>
        other.op === batchNormCoefficientsOp &&
        other.attrs['epsilon'] === epsilon &&
        other.inputs.every((input, i) => input === parameters[i]) &&
        isBefore(other, t),
    );
    const coefficients = made ? now(made) : batchNormCoefficientsOp(parameters.map(now), { epsilon });
    const inputs = [...moved.inputs, coefficients, now(x)];
    return {
      next: new Tensor(t.op, inputs, { ...t.attrs, gradSummed: { activation } }, t.shape).named(...t.names),
      before: made ? [] : [coefficients],
    };
  });
}
