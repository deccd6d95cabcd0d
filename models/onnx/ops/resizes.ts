import { depthToSpace, spaceToDepth } from '../../../engine/ops/depth_to_space.ts';
import { reshape } from '../../../engine/ops/leaves.ts';
import { resize, type ResizeOptions } from '../../../engine/ops/resize.ts';
import { axesOf } from '../arguments.ts';
import { arranged, computed, physical } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { channelsLast, type Computed } from '../value.ts';

/** Which lengths a Resize asks for, and by which factors it was told. */
interface Target {
  readonly shape: readonly number[];
  /** Of all axes; undefined where sizes were given. */
  readonly scales?: readonly number[];
}

/** From `scales` or `sizes`; before opset 11 the one input is scales, and before 9 an attribute. */
function targetOf(l: Lowering, shape: readonly number[]): Target {
  const { node } = l;
  const isOld = node.op === 'Upsample' || node.opset < 11;
  const axes = (isOld ? undefined : axesOf(node, [], 0, shape.length)) ?? shape.map((_, i) => i);
  const spread = (list: readonly number[], absent: readonly number[]): number[] => {
    if (list.length !== axes.length) node.fail(`${list.length} lengths or scales do not fit ${axes.length} axes`);
    return absent.map((n, axis) => (axes.includes(axis) ? list[axes.indexOf(axis)] : n));
  };
  const ones = shape.map(() => 1);
  const scales = node.floats('scales') ?? l.knownNumbers(isOld ? 1 : 2);
  if (scales && scales.length > 0) {
    const all = spread(scales, ones);
    return { shape: shape.map((n, i) => Math.floor(n * all[i])), scales: all };
  }
  const sizes = spread(l.knownNumbers(3) ?? node.fail('it has neither scales nor sizes'), shape);
  const policy = node.text('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return { shape: sizes };
  const ratios = axes.map((axis) => sizes[axis] / shape[axis]);
  const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  const kept = shape.map((n, axis) => (axes.includes(axis) ? Math.floor(n * ratio + 0.5) : n));
  return { shape: kept, scales: shape.map((_, axis) => (axes.includes(axis) ? ratio : 1)) };
}

function optionsOf({ node }: Lowering, isSmaller: boolean): Omit<ResizeOptions, 'size' | 'scales'> {
  const mode = node.text('mode', 'nearest');
  if (!['nearest', 'linear', 'cubic'].includes(mode)) node.fail(`there is no mode ${mode}`);
  const method = mode as ResizeOptions['method'];
  if (node.op === 'Upsample' || node.opset < 11)
    return { method, coordinates: 'asymmetric', rounding: isSmaller ? 'ceil' : 'floor' };
  const coordinates = node.text('coordinate_transformation_mode', 'half_pixel');
  if (coordinates.startsWith('tf_')) node.fail(`its coordinates ${coordinates} are not computed here`);
  return {
    method,
    coordinates: coordinates as ResizeOptions['coordinates'],
    rounding: node.text('nearest_mode', 'round_prefer_floor') as ResizeOptions['rounding'],
    cubicA: node.float('cubic_coeff_a', -0.75),
    antialias: node.int('antialias', 0) === 1,
    excludeOutside: node.int('exclude_outside', 0) === 1,
  };
}

/** Images [N, C, H, W] as they lie; of other shapes the one or two axes that change are brought to the end. */
function resized(l: Lowering): Computed {
  const x = l.computed(0);
  const target = targetOf(l, x.shape);
  const rank = x.shape.length;
  const changed = x.shape.flatMap((n, axis) =>
    n !== target.shape[axis] || (target.scales?.[axis] ?? 1) !== 1 ? [axis] : [],
  );
  if (changed.length > 2) l.node.fail(`it changes ${changed.length} axes, and two can be changed here`);
  const isImage = rank === 4 && changed.every((axis) => axis > 1);
  if (rank < 2) l.node.fail('it resizes a single row, which is not computed here');
  const sides = isImage ? [2, 3] : sidesFor(changed, rank);
  const order = isImage ? channelsLast(4) : [...x.order.filter((axis) => !sides.includes(axis)), ...sides];
  const arrangedX = arranged(x, order);
  const lengths = physical(x.shape, sides);
  const images = isImage ? arrangedX : reshape(arrangedX, [arrangedX.size / lengths[0] / lengths[1], ...lengths, 1]);
  const isSmaller = sides.some((axis) => target.shape[axis] < x.shape[axis]);
  const [height, width] = physical(target.shape, sides);
  const y = resize(images, {
    ...optionsOf(l, isSmaller),
    size: [height, width],
    ...(target.scales && { scales: physical(target.scales, sides) as unknown as [number, number] }),
  });
  return computed(reshape(y, physical(target.shape, order)), target.shape, order, x.type);
}

/** Two axes: those that change, and else others beside them. */
function sidesFor(changed: readonly number[], rank: number): number[] {
  const more = Array.from({ length: rank }, (_, i) => rank - 1 - i).filter((axis) => !changed.includes(axis));
  return [...changed, ...more.slice(0, 2 - changed.length)].sort((a, b) => a - b);
}

function toSpace(l: Lowering): Computed {
  const x = l.computed(0);
  const mode = l.node.text('mode', 'DCR');
  const y = depthToSpace(l.channelsLast(0), l.node.int('blocksize', 1), mode as 'DCR' | 'CRD');
  return imagesValue(y, x);
}

function toDepth(l: Lowering): Computed {
  return imagesValue(spaceToDepth(l.channelsLast(0), l.node.int('blocksize', 1)), l.computed(0));
}

function imagesValue(y: Computed['tensor'], { type }: Computed): Computed {
  const [n, h, w, c] = y.shape;
  return computed(y, [n, c, h, w], channelsLast(4), type);
}

export const resizeOps = (): Readonly<Record<string, OnnxOp>> => ({
  Resize: { lower: resized },
  Upsample: { lower: resized },
  DepthToSpace: { lower: toSpace },
  SpaceToDepth: { lower: toDepth },
});
