import { batchNormApplyOp, type BatchNormSettings } from '../ops/batch_norm.ts';
import { batchNormCoefficientsOp } from '../ops/batch_norm_gated.ts';
import type { Capabilities } from '../op.ts';
import { Tensor } from '../tensor.ts';
import { readersIn, rewriteEach, type Rewritten } from './rewrite.ts';

/** Where a batch norm has its gate among its inputs, if it has one. */
const GATE = 4;

const isGated = (norm: Tensor): boolean => norm.attrs['gated'] === true;

/**
 * Where only ops that can normalise read a batch norm (depthwise convolutions, those of 1 x 1, and the filter gradients
 * of both), they make it pixel by pixel as they read its input, with its gate if they can, and it is written nowhere.
 * They meet a pixel several times, and activate it as often: that pays where memory is dearer than arithmetic, on GPUs.
 */
export function normaliseOnRead(
  order: readonly Tensor[],
  roots: ReadonlySet<Tensor>,
  became: Map<Tensor, Tensor>,
  capabilities: Capabilities,
): Tensor[] {
  const readers = readersIn(order);
  const isAble = (reader: Tensor, norm: Tensor): boolean =>
    reader.inputs[0] === norm &&
    reader.inputs.lastIndexOf(norm) === 0 &&
    reader.op.normalises(reader.attrs, isGated(norm), capabilities);
  const isDropped = (t: Tensor): boolean =>
    t.op === batchNormApplyOp &&
    t.attrs['added'] !== true &&
    !roots.has(t) &&
    readers.get(t)!.every((reader) => isAble(reader, t));
  /** By what the batch norm was. */
  const coefficients = new Map<Tensor, Tensor>();
  /** The same, those that the backward pass has already included: once for each batch norm. */
  const known = new Map<string, Tensor>();
  const once = (inputs: readonly Tensor[], epsilon: unknown, made: () => Tensor): Rewritten => {
    const key = JSON.stringify([inputs.map(({ id }) => id), epsilon]);
    const twin = known.get(key);
    const next = twin ?? made();
    known.set(key, next);
    return { next, isMade: twin !== undefined };
  };
  return rewriteEach(order, became, (t, moved, now) => {
    if (t.op === batchNormCoefficientsOp) return once(moved.inputs, t.attrs['epsilon'], () => moved);
    if (isDropped(t)) {
      const { epsilon } = t.attrs as unknown as BatchNormSettings;
      const inputs = moved.inputs.slice(1, GATE);
      const made = once(inputs, epsilon, () => batchNormCoefficientsOp(inputs, { epsilon }));
      coefficients.set(t, made.next);
      return made;
    }
    const [norm, other, ...rest] = t.inputs;
    const own = norm && coefficients.get(norm);
    if (!own) return undefined;
    const { activation } = norm.attrs as unknown as BatchNormSettings;
    const read = [norm.inputs[0], other, ...rest].map(now);
    read.splice(2, 0, own, ...norm.inputs.slice(GATE).map(now));
    const normalised = { activation, ...(isGated(norm) && { gated: true }) };
    return { next: new Tensor(t.op, read, { ...t.attrs, normalised }, t.shape).named(...t.names) };
  });
}
