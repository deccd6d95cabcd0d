import { byId } from '../common/dom.ts';
import { CHOICES, type Settings } from './settings.ts';
import { ACTIVATION_TITLES } from './words.ts';

const form = () => byId<HTMLFormElement>('settings');

/** Puts settings into the form. */
export function showSettings(settings: Settings): void {
  for (const [name, value] of Object.entries(settings)) {
    const field = form().elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
    field.value = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
  }
  const { filterSize: size, stride, padding, activation, pooling, batchNorm, learningRate, batchSize, seed } = settings;
  byId('settings-summary').textContent =
    `${size} × ${size}, stride ${stride}, ${padding} padding, ${ACTIVATION_TITLES[activation]}, ${pooling} pooling, batch norm ${batchNorm ? 'on' : 'off'}, learning rate ${learningRate}, batches of ${batchSize}, seed ${seed}`;
}

/** What the form says; numbers that are none become NaN, which the laboratory refuses with a sentence. */
function readSettings(): Settings {
  const text = (name: string) => (form().elements.namedItem(name) as HTMLInputElement).value;
  const fields = Object.keys(CHOICES).map((name) => {
    const isText = name === 'padding' || name === 'activation' || name === 'pooling';
    return [name, isText ? text(name) : text(name).trim() === '' ? NaN : Number(text(name))];
  });
  return { ...Object.fromEntries(fields), batchNorm: text('batchNorm') === 'on' } as Settings;
}

/** Calls `change` with what the form says, whenever it says something else. */
export function onSettings(change: (settings: Settings) => void): void {
  form().addEventListener('change', () => change(readSettings()));
  form().addEventListener('submit', (event) => event.preventDefault());
}
