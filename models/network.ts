import type { Tensor } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import type { ParameterSpec } from './parameter_spec.ts';
import type { JsonObject } from './formats/model_file.ts';
import type { ParameterSource } from './parameter_set.ts';

/** How a network is being used: what differs between training and inference. */
export interface ForwardContext {
  readonly parameters: ParameterSource;
  /**
   * `running`: normalise by the running statistics (inference, and fine-tuning on small batches).
   * `batch`: by the batch's own, which are handed to `onStatistics` to update the running ones.
   */
  readonly batchNorm: 'running' | 'batch';
  /** `count`: the elements of a channel that the statistics were taken over. */
  readonly onStatistics?: (parameterName: string, stats: Tensor, count: number) => void;
  /** Present while training: the (seed, step) that dropout and stochastic depth draw from. Absent: neither happens. */
  readonly noise?: { readonly seed: Tensor; readonly dropout: number; readonly dropPath: number };
}

/** A piece of a network between two places where it may be cut. */
export interface Segment {
  readonly name: string;
  /** The parameters it uses are those whose names begin so, where it ends in a dot, and else the one of this name. */
  readonly prefixes: readonly string[];
  /** The segment's part of the forward pass. */
  apply(x: Tensor, context: ForwardContext): Tensor;
}

/**
 * A network as a chain of segments. Cutting the chain is how a frozen front is computed once and kept, how features are
 * taken and how Grad-CAM finds its layer: a segment's output carries the segment's name.
 */
export interface Network {
  readonly name: string;
  /** What `buildNetwork` needs to make it again; goes into model files. */
  readonly config: JsonObject;
  readonly specs: readonly ParameterSpec[];
  readonly segments: readonly Segment[];
  /** The segment whose output is pooled: the last conv's activation, which Grad-CAM looks at. */
  readonly lastConv: string;
  /** The segment whose output is the feature vector [N, D]. */
  readonly features: string;
}

const indexOf = (network: Network, segment: string): number => {
  const index = network.segments.findIndex((s) => s.name === segment);
  if (index < 0)
    throw new UserError(
      `${network.name} has no segment ${segment}; it has ${network.segments.map((s) => s.name).join(', ')}`,
    );
  return index;
};

/** The segments after `after` (from the input when undefined) up to and with `upTo` (to the logits when undefined). */
export function segmentsBetween(network: Network, after?: string, upTo?: string): readonly Segment[] {
  const first = after === undefined ? 0 : indexOf(network, after) + 1;
  const last = upTo === undefined ? network.segments.length - 1 : indexOf(network, upTo);
  return network.segments.slice(first, last + 1);
}

/** Applies these segments one after another. */
export function applySegments(segments: readonly Segment[], x: Tensor, context: ForwardContext): Tensor {
  return segments.reduce((y, segment) => {
    const out = segment.apply(y, context);
    // Only a tensor made here is named here: a segment that passes its input through must not rename it.
    return out === y ? out : out.named(segment.name);
  }, x);
}

/** Whether a parameter belongs to one of these segments. */
export const belongsTo =
  (segments: readonly Segment[]) =>
  (name: string): boolean =>
    segments.some((segment) =>
      segment.prefixes.some((prefix) => (prefix.endsWith('.') ? name.startsWith(prefix) : name === prefix)),
    );
