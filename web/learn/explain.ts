import { offsetOf } from '../../engine/explain/terms.ts';
import { backwards } from './explain_backwards.ts';
import { forwards } from './explain_forwards.ts';
import { parameterGradient } from './explain_parameter.ts';
import type { Explanation, Selection } from './explanation.ts';
import { receptiveFields } from './fields.ts';
import { at, parameter } from './layer_sums.ts';
import type { Target, View } from './view.ts';

/** What Selection names, as the worker's check wants it. */
export function targetOf({ layers }: View, { layer, part, at: index }: Selection): Target {
  if (part === 'y' || part === 'dy') return { layer, offset: offsetOf(layers[layer].y.shape, index) };
  return { layer, role: part, offset: offsetOf(parameter(layers[layer], part).shape, index) };
}

/**
 * How the selected number comes about: for an output forwards; for a cotangent, or a parameter's gradient, on the way
 * back.
 */
export function explain(view: View, selection: Selection): Explanation {
  const { layer, part, at: index } = selection;
  const { y, dy, parameters } = view.layers[layer];
  const value =
    part === 'y'
      ? at(y, index)
      : part === 'dy'
        ? at(dy, index)
        : at(parameters.find(({ role }) => role === part)!.gradient!, index);
  const behind =
    part === 'y'
      ? forwards(view, layer, index)
      : part === 'dy'
        ? backwards(view, layer, index)
        : parameterGradient(view, layer, part, index);
  const fields =
    part === 'y' ? receptiveFields(view, layer, index) : (behind.fields ?? []).filter((field) => field !== undefined);
  return { ...behind, value, fields };
}
