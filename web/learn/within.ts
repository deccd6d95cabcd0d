import type { Selection } from './explanation.ts';
import type { View } from './view.ts';

/** The selection, or the middle of the first layer's output where the network has no such element. */
export function within(view: View, selection: Selection): Selection {
  const { layer, part, at } = selection;
  const { y, parameters } = view.layers[layer] ?? {};
  const shape = part === 'y' || part === 'dy' ? y?.shape : parameters?.find(({ role }) => role === part)?.value.shape;
  const isThere = shape && shape.length === at.length && at.every((i, axis) => i < shape[axis]);
  return isThere
    ? selection
    : { layer: 1, part: 'y', at: view.layers[1].y.shape.map((n, axis) => (axis === 3 ? 0 : Math.floor(n / 2))) };
}
