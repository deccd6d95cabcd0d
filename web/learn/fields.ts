import type { View } from './view.ts';

/**
 * A rectangle of elements of a layer's map: rows top..bottom and columns left..right, both ends included; of one
 * channel, or of all.
 */
export interface Field {
  readonly layer: number;
  readonly part: 'y' | 'dy';
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
  readonly channel?: number;
}

/** The smallest rectangle around elements [n, h, v, c]; undefined where there are none, or no maps. */
export function around(layer: number, part: 'y' | 'dy', elements: readonly (readonly number[])[]): Field | undefined {
  if (elements.length === 0 || elements[0].length !== 4) return undefined;
  const axis = (i: number) => elements.map((at) => at[i]);
  const channels = new Set(axis(3));
  return {
    layer,
    part,
    top: Math.min(...axis(1)),
    bottom: Math.max(...axis(1)),
    left: Math.min(...axis(2)),
    right: Math.max(...axis(2)),
    channel: channels.size === 1 ? elements[0][3] : undefined,
  };
}

type Box = Omit<Field, 'layer' | 'part'>;

/**
 * What an element of a layer's output sees: its receptive field in the output of each layer before it, the nearest
 * first.
 */
export function receptiveFields({ layers }: View, layer: number, at: readonly number[]): Field[] {
  const [top, left, channel] = at.length === 4 ? at.slice(1) : [0, 0];
  const boxes = new Map<number, Box>([[layer, { top, bottom: top, left, right: left, channel }]]);
  const fields: Field[] = [];
  for (let i = layer; i >= 0; i--) {
    const box = boxes.get(i);
    if (!box) continue;
    if (i < layer && layers[i].y.shape.length === 4) fields.push({ ...box, layer: i, part: 'y' });
    for (const from of layers[i].inputs) boxes.set(from, around2(boxes.get(from), seenBy(layers, i, from, box)));
  }
  return fields;
}

/** What a rectangle of a layer's output is made from, of its input `from`. */
function seenBy(layers: View['layers'], layer: number, from: number, box: Box): Box {
  const { kind, geometry: g } = layers[layer];
  const [, height, width] = layers[from].y.shape;
  if (kind === 'dense' || kind === 'loss' || kind === 'mean')
    return { top: 0, bottom: (height ?? 1) - 1, left: 0, right: (width ?? 1) - 1 };
  // A factor has no place in space.
  if (layers[from].y.shape.length !== 4) return { top: 0, bottom: 0, left: 0, right: 0 };
  if (!g) return box;
  return {
    top: Math.max(0, box.top * g.strideH - g.padTop),
    bottom: Math.min(g.inH - 1, box.bottom * g.strideH - g.padTop + g.filterH - 1),
    left: Math.max(0, box.left * g.strideW - g.padLeft),
    right: Math.min(g.inW - 1, box.right * g.strideW - g.padLeft + g.filterW - 1),
    channel: kind === 'conv' ? undefined : box.channel,
  };
}

/** The smallest rectangle around two. */
const around2 = (one: Box | undefined, other: Box): Box =>
  one
    ? {
        top: Math.min(one.top, other.top),
        bottom: Math.max(one.bottom, other.bottom),
        left: Math.min(one.left, other.left),
        right: Math.max(one.right, other.right),
        channel: one.channel === other.channel ? one.channel : undefined,
      }
    : other;
