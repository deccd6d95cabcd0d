import { byId, make } from '../common/dom.ts';
import { CHOICES, type OptimizerName, type Settings } from './settings.ts';
import { ACTIVATION_TITLES } from './words.ts';

const OPTIMIZER_TITLES: Readonly<Record<OptimizerName, string>> = {
  sgd: 'SGD',
  momentum: 'SGD with momentum',
  adam: 'Adam',
};

/** Settings that describe the layers of the standard network. */
const OF_THE_STANDARD = ['filterSize', 'stride', 'padding', 'activation', 'pooling', 'batchNorm'];

type Field = HTMLInputElement | HTMLSelectElement;

const places = () => [byId('settings'), byId('running-settings')];
const fields = (): Field[] => places().flatMap((place) => [...place.querySelectorAll<Field>('[name]')]);

/** Makes the fields of the settings that may change while it runs. */
function makeRunning(): void {
  const number = (label: string, name: string, step = 'any') => {
    const { least, most } = CHOICES[name as 'momentum'];
    const inputMode = step === '1' ? 'numeric' : 'decimal';
    const field = make('input', { type: 'number', name, min: String(least), max: String(most), step, inputMode });
    return make('label', {}, `${label} `, field);
  };
  const options = CHOICES.optimizer.map((value) => make('option', { value }, OPTIMIZER_TITLES[value]));
  byId('running-settings').replaceChildren(
    make('label', {}, 'Optimiser ', make('select', { name: 'optimizer' }, ...options)),
    number('Learning rate', 'learningRate'),
    number('Momentum', 'momentum'),
    number('Weight decay', 'weightDecay'),
    number('Dropout', 'dropout'),
    number('Batch size', 'batchSize', '1'),
    number('Training images', 'trainingSize', '1'),
    make(
      'label',
      { className: 'tick' },
      make('input', { type: 'checkbox', name: 'augmentation' }),
      ' Mirror and turn at random',
    ),
  );
}

/** Puts settings into the forms. */
export function showSettings(settings: Settings): void {
  for (const field of fields()) {
    const value = settings[field.name as keyof Settings];
    if (field instanceof HTMLInputElement && field.type === 'checkbox') field.checked = value === true;
    else field.value = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
  }
  const { filterSize: size, stride, padding, activation, pooling, batchNorm, seed, layers } = settings;
  // Layers of one's own say all this themselves.
  for (const field of fields()) if (OF_THE_STANDARD.includes(field.name)) field.disabled = layers !== undefined;
  byId('settings-summary').textContent = layers
    ? `your own network of ${layers.length} layers, seed ${seed}`
    : `${size} × ${size}, stride ${stride}, ${padding} padding, ${ACTIVATION_TITLES[activation]}, ${pooling} pooling${batchNorm ? ', batch norm on' : ''}, seed ${seed}`;
  showMomentum();
}

/** Only one of the optimisers has a momentum to set. */
function showMomentum(): void {
  const [optimizer, momentum] = ['optimizer', 'momentum'].map(
    (wanted) => fields().find(({ name }) => name === wanted)!,
  );
  momentum.disabled = optimizer.value !== 'momentum';
}

/** What a field says; text that is no number becomes NaN, which the laboratory refuses with a sentence. */
function saidBy(field: Field): unknown {
  if (field instanceof HTMLInputElement && field.type === 'checkbox') return field.checked;
  const choices: unknown = CHOICES[field.name as keyof typeof CHOICES];
  if (Array.isArray(choices) && typeof choices[0] === 'boolean') return field.value === 'on';
  if (Array.isArray(choices) && typeof choices[0] === 'string') return field.value;
  return field.value.trim() === '' ? NaN : Number(field.value);
}

/** Calls `change` with what the forms say, in place of what `current` has, whenever they say something else. */
export function onSettings(current: () => Settings, change: (settings: Settings) => void): void {
  makeRunning();
  for (const place of places()) {
    place.addEventListener('change', () => {
      showMomentum();
      change({
        ...current(),
        ...Object.fromEntries(fields().map((field) => [field.name, saidBy(field)])),
      } as Settings);
    });
    place.addEventListener('submit', (event) => event.preventDefault());
  }
}
