import { input } from '../../engine/ops/leaves.ts';
import { sizeOf, topologicalOrder } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import type { BuiltModel } from '../../models/build_network.ts';
import { applySegments, belongsTo, type Network, type Segment } from '../../models/network.ts';
import type { ParameterSource } from '../../models/parameter_set.ts';

/** Where fine-tuning begins. */
export interface NetworkCut {
  /** The last segment of the frozen front; undefined: nothing is frozen. */
  readonly after: string | undefined;
  /** The first that is trained. */
  readonly first: string;
  /** Of the parameters before the classifier, the share that is trained. */
  readonly share: number;
}

/** Where fine-tuning begins, as a sentence for whoever asked for a share of the weights. */
export const cutNote = ({ after, first, share }: NetworkCut): string =>
  after === undefined
    ? 'fine-tuning trains all weights (--unfreeze)'
    : `fine-tuning begins with ${first}: ${(100 * share).toFixed(0)} % of the weights before the classifier are trained, the others stay as they are (--unfreeze)`;

/** Whether the whole network is trained, on images; otherwise it is trained on what a frozen front made of them. */
export const trainsWhole = ({ pretrained }: Pick<BuiltModel, 'pretrained'>, unfreeze: number | string): boolean =>
  !pretrained || unfreeze === 'all';

/**
 * Where fine-tuning begins, as `--unfreeze` says it.
 * @param unfreeze a whole number: so many of the last stages, or in a network without stages of the last layers that
 *   have weights; a number below 1: the least that holds this share of the weights before the classifier; `all`: the
 *   whole network; another name: from the segment that has this node
 * @throws UserError where nothing would be frozen, nothing trained, or there is no such node
 */
export function cutOf(
  network: Network,
  parameters: ParameterSource,
  { unfreeze, size }: { readonly unfreeze: number | string; readonly size: number },
): NetworkCut {
  const { name, segments, specs, features } = network;
  if (unfreeze === 'all') return { after: undefined, first: segments[0].name, share: 1 };
  const last = segments.findIndex((segment) => segment.name === features);
  const sizes = segments.slice(0, last + 1).map((segment) => {
    const isOf = belongsTo([segment]);
    return specs.filter((s) => s.trainable && isOf(s.name)).reduce((n, { shape }) => n + sizeOf(shape), 0);
  });
  const total = sizes.reduce((a, b) => a + b, 0);
  const from = (first: number) => sizes.slice(first).reduce((a, b) => a + b, 0);

  let first: number;
  if (typeof unfreeze === 'string') first = holderOf(network, parameters, size, unfreeze);
  else if (unfreeze < 1) {
    first = last;
    while (first > 0 && from(first) < unfreeze * total) first--;
  } else first = countedFromEnd(name, segments, sizes, unfreeze);
  // Something must lie before the cut.
  if (first < 1)
    throw new UserError(
      `--unfreeze ${unfreeze} leaves nothing of ${name} frozen; take all, or less: its layers are ${listed(segments.slice(1, last + 1))}`,
    );
  if (first > last)
    throw new UserError(
      `--unfreeze ${unfreeze}: nothing of ${name} but its classifier would be trained, and that the first phase does; take a layer before it: ${listed(segments.slice(1, last + 1))}`,
    );
  return { after: segments[first - 1].name, first: segments[first].name, share: from(first) / total };
}

const listed = (segments: readonly Segment[]): string => segments.map(({ name }) => name).join(', ');

/** The first of so many stages, or layers with weights, at the end. */
function countedFromEnd(name: string, segments: readonly Segment[], sizes: readonly number[], count: number): number {
  const stages = segments.flatMap((segment, i) => (/^(stage|block)\d+$/.test(segment.name) ? [i] : []));
  const places = stages.length > 0 ? stages : sizes.flatMap((n, i) => (n > 0 ? [i] : []));
  // A network without a stem keeps its first stage frozen.
  const most = places.length - (places[0] === 0 ? 1 : 0);
  if (!(Number.isInteger(count) && count <= most))
    throw new UserError(
      `${name} has ${places.length} ${stages.length > 0 ? 'stages' : 'layers with weights'}; --unfreeze takes 1 to ${most} or all, not ${count}; or a share of its weights such as 0.3, or the name of a layer`,
    );
  return places[places.length - count];
}

/** The segment that has a node of this name. */
function holderOf({ name, segments }: Network, parameters: ParameterSource, size: number, node: string): number {
  const named = segments.findIndex((segment) => segment.name === node);
  if (named >= 0) return named;
  let x = input('x', [1, size, size, 3]);
  const found = segments.findIndex((segment) => {
    x = applySegments([segment], x, { parameters, batchNorm: 'running' });
    return topologicalOrder([x]).some(({ names }) => names.includes(node));
  });
  if (found < 0)
    throw new UserError(`--unfreeze ${node}: ${name} has no layer of this name; it has ${listed(segments.slice(1))}`);
  return found;
}
