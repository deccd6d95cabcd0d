import { batchNormApplyOp, type BatchNormSettings } from '../ops/batch_norm.ts';
import { batchNormCoefficientsOp } from '../ops/batch_norm_gated.ts';
import { Tensor } from '../tensor.ts';
import { readersIn, rewriteEach } from './rewrite.ts';

/** Whether a reader of a batch norm can normalise by itself what it reads. */
const isAble = (reader: Tensor, norm: Tensor): boolean =>
  reader.op.normalises(reader.attrs) && reader.inputs[0] === norm && reader.inputs[1] !== norm;

/**
 * Where only ops that can normalise read a batch norm (depthwise convolutions and their filter gradients), they make it
 * pixel by pixel as they read its input, and it is written nowhere. They meet a pixel several times, and activate it as
 * often: that pays where memory is dearer than arithmetic, on GPUs.
 */
export function normaliseOnRead(
  order: readonly Tensor[],
  roots: ReadonlySet<Tensor>,
  became: Map<Tensor, Tensor>,
): Tensor[] {
  const readers = readersIn(order);
  const isDropped = (t: Tensor): boolean =>
    t.op === batchNormApplyOp && t.inputs.length === 4 && !roots.has(t) && readers.get(t)!.every((r) => isAble(r, t));
  /** By what the batch norm was. */
  const coefficients = new Map<Tensor, Tensor>();
  return rewriteEach(order, became, (t, moved, now) => {
    if (isDropped(t)) {
      const { epsilon } = t.attrs as unknown as BatchNormSettings;
      const made = batchNormCoefficientsOp(moved.inputs.slice(1), { epsilon });
      coefficients.set(t, made);
      return { next: made };
    }
    const [norm, other, ...rest] = t.inputs;
    const own = norm && coefficients.get(norm);
    if (!own) return undefined;
    const { activation } = norm.attrs as unknown as BatchNormSettings;
    const inputs = [norm.inputs[0], other, ...rest].map(now);
    inputs.splice(2, 0, own);
    return { next: new Tensor(t.op, inputs, { ...t.attrs, normalised: { activation } }, t.shape).named(...t.names) };
  });
}
