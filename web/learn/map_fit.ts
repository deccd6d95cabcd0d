/** Pixels between tiles. */
export const GAP = 3;
/** Pixels between maps: see .maps in layers.css. */
const BETWEEN = 16;
/** What is written above a map of the flow may be wider than its few elements. */
const CAPTION = 190;
/** A weight is at least so many pixels wide where there is room, and at most so many. */
const LEAST_WEIGHT = 12;
const MOST_WEIGHT = 18;
/** A map of activations is about as wide as that, or wider, beside its weights. */
const LEAST_MAP = 170;
const MOST = 26;
/** A card narrower than that has one map below the other. */
const NARROW = 420;

/** Columns and rows of a map in elements, and how many tiles they are cut into. */
export interface Extent {
  readonly columns: number;
  readonly rows: number;
  readonly tileColumns: number;
  readonly tileRows: number;
}

export const widthAt = ({ columns, tileColumns }: Extent, scale: number): number =>
  columns * scale + (tileColumns - 1) * GAP;
export const heightAt = ({ rows, tileRows }: Extent, scale: number): number => rows * scale + (tileRows - 1) * GAP;

/** Whole pixels an element, so that the map is no wider than `width` and no higher than `height`; at least 1. */
export const scaleWithin = (extent: Extent, width: number, height = Infinity, most = MOST): number =>
  Math.max(
    1,
    Math.min(
      most,
      Math.floor((width - (extent.tileColumns - 1) * GAP) / extent.columns),
      Math.floor((height - (extent.tileRows - 1) * GAP) / extent.rows),
    ),
  );

/** How the maps of a card lie; also the name of a class in learn.css. */
export type Layout = 'row' | 'beside' | 'below' | 'stacked' | 'narrow';

export interface Fit {
  readonly layout: Layout;
  /** Pixels an element: of activations and cotangents, of weights and their gradients, of biases and the like. */
  readonly flow: number;
  readonly weights: number;
  readonly small: number;
}

/**
 * Fills a card of `width` pixels with a pair of maps of the flow, and pairs of weights and of small parameters: with
 * the weights in the same row; one below the other beside the flow; in a row below it; or each in a row of its own.
 * Whichever is lowest, of those in which a weight can be seen. Without weights, maps are no higher than `height`.
 */
export function fitMaps(
  { width, height = Infinity }: { readonly width: number; readonly height?: number },
  flow: Extent,
  weights: Extent | undefined,
  small: number,
): Fit {
  const half = (width - BETWEEN) / 2;
  const narrow = width < NARROW;
  const smallScale = Math.max(LEAST_WEIGHT, Math.min(20, Math.floor((half - small * GAP) / Math.max(1, small))));
  if (!weights || narrow) {
    const room = narrow ? width : half;
    return {
      layout: narrow ? 'narrow' : 'below',
      flow: scaleWithin(flow, room, height),
      weights: weights ? scaleWithin(weights, room, Infinity, MOST_WEIGHT) : 1,
      small: smallScale,
    };
  }
  const candidates: (Fit & { height: number })[] = [];
  const consider = (layout: Layout, flowRoom: number, weightRoom: number, beside: boolean, stacked: boolean) => {
    const most = stacked ? LEAST_WEIGHT : MOST_WEIGHT;
    const [f, w] = [scaleWithin(flow, flowRoom), scaleWithin(weights, weightRoom, Infinity, most)];
    if (w < LEAST_WEIGHT || (beside && widthAt(flow, f) > flowRoom)) return;
    const parts = [heightAt(flow, f), heightAt(weights, w) * (stacked ? 2 : 1)];
    const height = beside ? Math.max(...parts) : parts[0] + parts[1];
    candidates.push({ layout, flow: f, weights: w, small: smallScale, height });
  };
  const seen = widthAt(weights, LEAST_WEIGHT);
  for (const [layout, columns] of [
    ['row', 2],
    ['beside', 1],
  ] as const) {
    const room = (width - columns * seen - (columns + 1) * BETWEEN) / 2;
    if (room < Math.min(LEAST_MAP, widthAt(flow, MOST))) continue;
    const used = Math.max(CAPTION, widthAt(flow, scaleWithin(flow, room)));
    consider(layout, room, (width - 2 * used - (columns + 1) * BETWEEN) / columns, true, layout === 'beside');
  }
  consider('below', half, half, false, false);
  const lowest = candidates.sort((a, b) => a.height - b.height)[0];
  return (
    lowest ?? {
      layout: 'stacked',
      flow: scaleWithin(flow, half),
      weights: scaleWithin(weights, width, Infinity, LEAST_WEIGHT),
      small: smallScale,
    }
  );
}
