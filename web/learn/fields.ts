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

/** The smallest rectangle around elements [n, h, v, c]; undefined where there are none. */
export function around(layer: number, part: 'y' | 'dy', elements: readonly (readonly number[])[]): Field | undefined {
  if (elements.length === 0) return undefined;
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

/**
 * What an element of a layer's output sees: its receptive field in the output of each layer before it, the nearest
 * first.
 */
export function receptiveFields({ layers }: View, layer: number, at: readonly number[]): Field[] {
  const fields: Field[] = [];
  const spatial = at.length === 4;
  let field: Omit<Field, 'layer' | 'part'> = {
    top: at[1] ?? 0,
    bottom: at[1] ?? 0,
    left: at[2] ?? 0,
    right: at[2] ?? 0,
    channel: spatial ? at[3] : undefined,
  };
  for (let i = layer; i > 0; i--) {
    const { kind, geometry: g } = layers[i];
    const [, height, width] = layers[i - 1].y.shape;
    if (kind === 'dense' || kind === 'loss')
      field = { top: 0, bottom: (height ?? 1) - 1, left: 0, right: (width ?? 1) - 1 };
    else if (g) {
      field = {
        top: Math.max(0, field.top * g.strideH - g.padTop),
        bottom: Math.min(g.inH - 1, field.bottom * g.strideH - g.padTop + g.filterH - 1),
        left: Math.max(0, field.left * g.strideW - g.padLeft),
        right: Math.min(g.inW - 1, field.right * g.strideW - g.padLeft + g.filterW - 1),
        channel: kind === 'pool' ? field.channel : undefined,
      };
    }
    if (layers[i - 1].y.shape.length === 4) fields.push({ ...field, layer: i - 1, part: 'y' });
  }
  return fields;
}
