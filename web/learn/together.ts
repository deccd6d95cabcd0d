import { make } from '../common/dom.ts';

/** A box that says whether an image is looked at alone, as in prediction, or among its batch, as in training. */
export function togetherBox(change: (on: boolean) => void): HTMLElement {
  const box = make('input', { type: 'checkbox', id: 'together', onchange: () => change(box.checked) });
  const title = 'Batch norm takes the mean and variance of the batch, and gradients are those of its mean loss';
  return make('label', { className: 'tick', title }, box, ' among a batch, as in training');
}
