import type { Selection } from './explanation.ts';
import type { View } from './view.ts';

/** The selection, or where the network has no such element, the middle of its first layer. */
export function thereIn(view: View, selection: Selection): Selection {
  const { layer, part, at } = selection;
  const { y, parameters } = view.layers[layer] ?? {};
  const isOfMap = part === 'y' || part === 'dy';
  const shape = isOfMap ? y?.shape : parameters?.find(({ role }) => role === part)?.value.shape;
  if (shape?.length === at.length && at.every((i, axis) => i < shape[axis])) return selection;
  const middle = view.layers[1].y.shape.map((n, axis) => (axis === 3 ? 0 : Math.floor(n / 2)));
  return { layer: 1, part: 'y', at: middle };
}
