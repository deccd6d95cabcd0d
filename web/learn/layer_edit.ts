import { sameShape, type Shape } from '../../engine/tensor.ts';
import { layerOf, type LayerSpec, type SpecKind } from './layer_spec.ts';

/*
 * Lists of layers with one layer added, removed or moved. What a residual addition adds stays the same layer, wherever
 * that goes.
 */

/** Puts every `from` right: `now` says which number a layer has after the change, by the one that it had. */
const renumbered = (layers: readonly LayerSpec[], now: (number: number) => number): LayerSpec[] =>
  layers.map((layer) => (layer.kind === 'residual' && layer.from > 0 ? { ...layer, from: now(layer.from) } : layer));

/** Exchanges layer `i`, counted from 0, with the one before it (`by` −1) or after it (1). */
export function moved(layers: readonly LayerSpec[], i: number, by: -1 | 1): LayerSpec[] {
  const to = i + by;
  if (to < 0 || to >= layers.length) return [...layers];
  const result = renumbered(layers, (n) => (n === i + 1 ? to + 1 : n === to + 1 ? i + 1 : n));
  [result[i], result[to]] = [result[to], result[i]];
  return result;
}

/** Leaves out layer `i`; what added it adds the one before it. */
export const removed = (layers: readonly LayerSpec[], i: number): LayerSpec[] =>
  renumbered(layers, (n) => (n > i ? n - 1 : n)).filter((_, k) => k !== i);

/** Puts a layer at place `i`, before the one that is there. */
export const inserted = (layers: readonly LayerSpec[], i: number, layer: LayerSpec): LayerSpec[] => {
  const result = renumbered(layers, (n) => (n > i ? n + 1 : n));
  result.splice(i, 0, layer);
  return result;
};

/**
 * A layer of a kind to go to place `i`, of options that fit there as far as may be: a residual addition takes the
 * nearest earlier layer of the same shape.
 * @param shapes after each layer; @param image its shape
 */
export function fitting(kind: SpecKind, i: number, shapes: readonly Shape[], image: Shape): LayerSpec {
  if (kind !== 'residual') return layerOf(kind);
  return layerOf(kind, { from: Math.max(0, addableTo(i, shapes, image).at(-1) ?? i - 1) });
}

/** The numbers of the layers that a residual addition at place `i` can add: of the shape before it, and earlier. */
export function addableTo(i: number, shapes: readonly Shape[], image: Shape): number[] {
  const all = [image, ...shapes];
  return all.flatMap((shape, n) => (n < i && all[i] && sameShape(shape, all[i]) ? [n] : []));
}
