import { batchNormApplyOp, batchNormInputGradOp, batchNormSumsOp, type BatchNormSettings } from '../ops/batch_norm.ts';
import {
  batchNormCoefficientsOp,
  batchNormGatedInputGradOp,
  batchNormGatedSumsOp,
  batchNormGateSumsOp,
  batchNormPoolOp,
} from '../ops/batch_norm_gated.ts';
import { reshape } from '../ops/leaves.ts';
import { pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { sumOfProductsOp, sumOp } from '../ops/reduce.ts';
import { row } from '../ops/row.ts';
import { Tensor } from '../tensor.ts';
import { readersIn, rewriteEach, type Rewritten } from './rewrite.ts';

type Now = (t: Tensor) => Tensor;
type ReadersOf = (t: Tensor) => readonly Tensor[];
/** What becomes of tensors. */
type Plan = Map<Tensor, (now: Now) => Rewritten>;

/**
 * A batch norm of images that is only pooled, and multiplied by a gate for each sample and channel, as squeeze and
 * excite does: its readers make it again from what it reads, and it is written nowhere. Nor is its cotangent, a factor
 * and a summand for all pixels of a sample: the batch norm's sums are made by sample before those two are known.
 */
export function gateBatchNorms(
  order: readonly Tensor[],
  roots: ReadonlySet<Tensor>,
  became: Map<Tensor, Tensor>,
): Tensor[] {
  const readers = readersIn(order);
  const readersOf = (t: Tensor) => (roots.has(t) ? [t] : (readers.get(t) ?? []));
  const plan: Plan = new Map();
  for (const t of order) {
    if (t.op !== batchNormApplyOp || t.shape.length !== 4) continue;
    const plans = readersOf(t).map((reader) => planReader(t, reader, readersOf));
    if (plans.includes(undefined)) continue;
    for (const own of plans) own!.forEach((become, reader) => plan.set(reader, become));
  }
  return rewriteEach(order, became, (t, _, now) => plan.get(t)?.(now));
}

/** What becomes of a reader of a batch norm, and of what reads that; undefined where it needs the batch norm itself. */
function planReader(norm: Tensor, reader: Tensor, readersOf: ReadersOf): Plan | undefined {
  if (reader.op === sumOp && isOverPixels(reader))
    return new Map([[reader, (now) => ({ next: pooled(norm, reader, now) })]]);
  if (isOfSamples(reader, 'mul') && reader.inputs[0] === norm)
    return new Map([[reader, (now) => ({ next: gated(norm, reader, now) })]]);
  if (reader.op === sumOfProductsOp && isOverPixels(reader) && reader.attrs['scale'] === 1)
    return planBackward(norm, reader, readersOf);
  return undefined;
}

/** Whether a sum of [N, H, W, C] runs over its pixels. */
const isOverPixels = ({ attrs }: Tensor): boolean => attrs['first'] === 1 && attrs['last'] === 2;

/** Whether it is a single pointwise stage of this kind, with a number for each sample and channel as its operand. */
function isOfSamples(t: Tensor, op: 'mul' | 'add'): boolean {
  if (t.op !== pointwiseOp) return false;
  const { stages } = t.attrs as unknown as PointwiseAttributes;
  return stages.length === 1 && stages[0].op === op && stages[0].mode === 'sampleChannel';
}

const pooled = (norm: Tensor, sum: Tensor, now: Now): Tensor =>
  batchNormPoolOp(norm.inputs.map(now), { ...settingsOf(norm), scale: sum.attrs['scale'] as number }).named(
    ...sum.names,
  );

const gated = (norm: Tensor, product: Tensor, now: Now): Tensor =>
  new Tensor(
    batchNormApplyOp,
    [...norm.inputs, product.inputs[1]].map(now),
    { ...norm.attrs, gated: true },
    norm.shape,
  ).named(...product.names);

/**
 * The backward pass, from the gate's cotangent on, the sum of products of `dy` and the batch norm: where dy, multiplied
 * by the gate and with what comes back through the gate added, goes into gradients of this batch norm and nowhere else.
 */
function planBackward(norm: Tensor, gateGrad: Tensor, readersOf: ReadersOf): Plan | undefined {
  const dy = gateGrad.inputs[gateGrad.inputs[0] === norm ? 1 : 0];
  for (const scaled of readersOf(dy)) {
    const [sum, ...others] = readersOf(scaled);
    if (!sum || others.length > 0 || !isOfSamples(scaled, 'mul') || !isOfSamples(sum, 'add')) continue;
    const gradients = readersOf(sum);
    if (scaled.inputs[0] !== dy || sum.inputs[0] !== scaled || !gradients.every((t) => isGradient(t, sum, norm)))
      continue;
    return backward(norm, gateGrad, { dy, gate: scaled.inputs[1], back: sum.inputs[1] }, gradients);
  }
  return undefined;
}

/** Whether it is a gradient of this batch norm from the cotangent `dz`. */
function isGradient(t: Tensor, dz: Tensor, norm: Tensor): boolean {
  if (t.op !== batchNormSumsOp && t.op !== batchNormInputGradOp) return false;
  const [own, x, stats, ...rest] = t.inputs;
  const [settings, wanted] = [settingsOf(t), settingsOf(norm)];
  return (
    own === dz &&
    [x, stats, ...rest.slice(-2)].every((input, i) => input === norm.inputs[i]) &&
    settings.activation === wanted.activation &&
    settings.epsilon === wanted.epsilon &&
    settings.frozen === wanted.frozen
  );
}

function backward(
  norm: Tensor,
  gateGrad: Tensor,
  { dy, gate, back }: Readonly<Record<'dy' | 'gate' | 'back', Tensor>>,
  gradients: readonly Tensor[],
): Plan {
  const settings = settingsOf(norm);
  const [x, ...parameters] = norm.inputs;
  let bySample: Tensor;
  const plan: Plan = new Map();
  plan.set(gateGrad, (now) => {
    bySample = batchNormGateSumsOp([dy, x, ...parameters].map(now), settings);
    const first = row(bySample, 0);
    return { next: reshape(first, gateGrad.shape).named(...gateGrad.names), before: [bySample, first] };
  });
  let sums: Tensor | undefined;
  for (const gradient of gradients)
    plan.set(gradient, (now) => {
      const isMade = sums !== undefined;
      sums ??= batchNormGatedSumsOp([bySample, now(gate), now(back)], {});
      if (gradient.op === batchNormSumsOp) return { next: sums, isMade };
      const coefficients = batchNormCoefficientsOp(parameters.map(now), { epsilon: settings.epsilon });
      const inputs = [now(dy), now(x), sums, now(gate), now(back), coefficients];
      const next = batchNormGatedInputGradOp(inputs, settings).named(...gradient.names);
      return { next, before: [...(isMade ? [] : [sums]), coefficients] };
    });
  return plan;
}

const settingsOf = (t: Tensor) => t.attrs as unknown as BatchNormSettings;
