import { showNumber } from '../../engine/explain/show_number.ts';
import { make } from '../common/dom.ts';

/** A range with its name and its number, which calls `moved` when it is moved. */
export function slider(
  name: string,
  label: string,
  [min, max, step, value]: readonly [min: number, max: number, step: number, value: number],
  moved: () => void,
) {
  const input = make('input', { type: 'range', name, min: String(min), max: String(max), step: String(step) });
  input.value = String(value);
  const output = make('output');
  const write = () => (output.textContent = showNumber(input.valueAsNumber).replace('-', '−'));
  write();
  input.addEventListener('input', () => {
    write();
    moved();
  });
  return { input, element: make('label', {}, make('span', {}, `${label} `, output), input) };
}
