import type { PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import { Tensor } from '../../engine/tensor.ts';
import { batchNormApply, type Activation } from './batch_norm.ts';
import * as gated from './batch_norm_gated.ts';
import { evaluateGraph, type Leaves } from './interpreter.ts';
import { pointwise } from './pointwise.ts';

/**
 * Evaluates a graph that the compiler rewrote, in float64 and in its own order: what a tensor reads must have been made
 * before it. The interpreter knows what users write; added here is what the compiler alone makes: chains of stages that
 * read their operands as their modes say, epilogues, and batch norm that is folded, or pooled and gated.
 */
export function evaluateRewritten(order: readonly Tensor[], leaves: Leaves): Map<Tensor, Float64Array> {
  const values = new Map<Tensor, Float64Array>();
  for (const t of order) {
    const missing = t.inputs.find((input) => !values.has(input));
    if (missing) throw new Error(`${t} reads ${missing} before it is made`);
    values.set(t, make(t, values, leaves));
  }
  return values;
}

interface Rewritten {
  readonly stages?: readonly PointwiseStage[];
  readonly epilogue?: readonly PointwiseStage[];
  readonly epsilon?: number;
}

/**
 * An op whose first input is normalised as it is read, by the coefficients that are its third and the gate that is its
 * fourth, or that sums.
 */
interface OnRead {
  readonly gradSummed?: { readonly activation: Activation };
  readonly normalised?: { readonly activation: Activation; readonly gated?: true };
}

interface GatedAttributes {
  readonly activation: Activation;
  readonly epsilon: number;
  readonly frozen: boolean;
  readonly scale: number;
  readonly gated?: true;
  readonly added?: true;
}

function make(t: Tensor, values: Map<Tensor, Float64Array>, leaves: Leaves): Float64Array {
  const { stages, epilogue, ...attrs } = t.attrs as Rewritten;
  const valuesOf = (tensors: readonly Tensor[]) => tensors.map((input) => values.get(input)!);
  if (stages) {
    const [x, ...operands] = valuesOf(t.inputs);
    return applyStages(t, stages, x, operands);
  }
  if (t.op.name === 'batch_norm_fold') {
    const [stats, gamma, beta] = valuesOf(t.inputs);
    const channels = gamma.length;
    const scale = gamma.map((g, c) => g / Math.sqrt(stats[channels + c] + attrs.epsilon!));
    return Float64Array.from([...scale, ...beta.map((b, c) => b - stats[c] * scale[c])]);
  }
  const { normalised, gradSummed, ...others } = attrs as OnRead;
  // What it sums for a batch norm lies beside its result.
  if (gradSummed)
    return make(new Tensor(t.op, t.inputs.slice(0, 2), others as Tensor['attrs'], t.shape), values, leaves);
  if (normalised) {
    const [x, other, coefficients, ...rest] = t.inputs;
    const operands = rest.slice(normalised.gated ? 1 : 0);
    const plain = new Tensor(t.op, [x, other, ...operands], { ...others, ...(epilogue && { epilogue }) }, t.shape);
    const y = onRead(values.get(x)!, values.get(coefficients)!, normalised.activation);
    const samples = { samples: x.shape[0], gamma: { length: x.shape[3] } };
    const made = normalised.gated ? gated.gated(y, values.get(rest[0])!, samples) : y;
    return make(plain, new Map(values).set(x, made), leaves);
  }
  if (t.op.name === 'batch_norm_coefficients') {
    const [stats, gamma, beta] = valuesOf(t.inputs);
    return gated.coefficients({ stats, gamma, beta, epsilon: attrs.epsilon! });
  }
  const gatedNorm = gatedNorms(t, valuesOf(t.inputs));
  if (gatedNorm) return gatedNorm;
  if (!epilogue) return evaluateGraph([t], leaves, new Map(values)).get(t)!;
  const count = epilogue.filter(({ mode }) => mode !== 'immediate').length;
  const own = t.inputs.slice(0, t.inputs.length - count);
  const bare = new Tensor(t.op, own, attrs as Tensor['attrs'], t.shape, t.dtype);
  const made = evaluateGraph([bare], leaves, new Map(values)).get(bare)!;
  return applyStages(t, epilogue, made, valuesOf(t.inputs.slice(t.inputs.length - count)));
}

/** What a batch norm makes of x, by its coefficients. */
function onRead(x: Float64Array, coefficients: Float64Array, activation: Activation): Float64Array {
  const channels = coefficients.length / 4;
  const row = (k: number) => coefficients.subarray(k * channels, (k + 1) * channels);
  const stats = [...row(0), ...row(1).map((inverse) => 1 / inverse ** 2)];
  return batchNormApply({ x, stats, gamma: row(2), beta: row(3), epsilon: 0, activation });
}

/** What the compiler makes of a batch norm that is pooled and gated; undefined of all else. */
function gatedNorms(t: Tensor, inputs: readonly Float64Array[]): Float64Array | undefined {
  const { activation, epsilon, frozen, scale, gated: isGated, added: isAdded } = t.attrs as unknown as GatedAttributes;
  const norm = ([x, stats, gamma, beta]: readonly Float64Array[], { shape }: Tensor): gated.GatedCase => ({
    x,
    stats,
    gamma,
    beta,
    epsilon,
    activation,
    samples: shape[0],
  });
  switch (t.op.name) {
    case 'batch_norm_apply': {
      const at = norm(inputs, t);
      const y = isGated ? gated.gated(batchNormApply(at), inputs[4], at) : batchNormApply(at);
      return isAdded ? y.map((v, i) => v + inputs[inputs.length - 1][i]) : y;
    }
    case 'batch_norm_pool':
      return gated.pool(norm(inputs, t), scale);
    case 'batch_norm_gate_sums':
      return gated.gateSums(norm(inputs.slice(1), t.inputs[0]), inputs[0]);
    case 'batch_norm_gated_sums': {
      const [sums, s, g] = inputs;
      return gated.gatedSums(sums, s, g, t.shape[1]);
    }
    case 'batch_norm_gated_input_grad': {
      const [dy, x, sums, s, g, coefficients] = inputs;
      return gated.gatedInputGrad({ x, samples: t.shape[0], activation }, [dy, sums, s, g, coefficients], frozen);
    }
    default:
      return undefined;
  }
}

function applyStages(
  { shape, size }: Tensor,
  stages: readonly PointwiseStage[],
  x: Float64Array,
  operands: readonly Float64Array[],
): Float64Array {
  const channels = shape[shape.length - 1] ?? 1;
  const sample = shape.length > 0 ? size / shape[0] : 1;
  // As operand_index in kernels/pointwise/pointwise.wgsl: by the mode and nothing else.
  const at: Record<string, (i: number) => number> = {
    full: (i) => i,
    channel: (i) => i % channels,
    sampleChannel: (i) => Math.floor(i / sample) * channels + (i % channels),
    sample: (i) => Math.floor(i / sample),
    scalar: () => 0,
    secondRow: (i) => channels + (i % channels),
  };
  let next = 0;
  return stages.reduce((y, { op, mode, immediate }) => {
    const operand = mode === 'immediate' ? undefined : operands[next++];
    return y.map((v, i) => {
      const s = operand ? operand[at[mode](i)] : (immediate ?? Number.NaN);
      if (s === undefined) throw new Error(`${op}: an operand read as ${mode} has no element for ${i}`);
      return pointwise(op, v, s);
    });
  }, x);
}
