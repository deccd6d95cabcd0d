import type { Shape } from '../../engine/tensor.ts';
import { make } from '../common/dom.ts';
import { addableTo, fitting, inserted, moved, removed } from './layer_edit.ts';
import {
  KINDS,
  MOST_LAYERS,
  layersFromText,
  layersToText,
  optionsOf,
  type LayerSpec,
  type Option,
  type SpecKind,
} from './layer_spec.ts';
import { CLASS_COUNT, shapesAfter, standardLayers } from './network.ts';
import type { Settings } from './settings.ts';
import { COLOURS, SIDE } from './sky.ts';
import { ACTIVATION_TITLES } from './words.ts';

const IMAGE: Shape = [1, SIDE, SIDE, COLOURS];
const ADDABLE: readonly SpecKind[] = [
  'conv',
  'depthwise',
  'norm',
  'activation',
  'pool',
  'residual',
  'squeezeExcite',
  'dense',
];

/**
 * The list of layers, to be changed by hand or as text. What one changes is a draft: the network that runs stays until
 * one trains the draft, and a draft that does not fit is answered in a sentence.
 */
export class Editor {
  private layers: readonly LayerSpec[] = [];
  private settings: Settings | undefined;
  private classes = CLASS_COUNT;
  private readonly list = make('ol', { className: 'spec-list' });
  private readonly problem = make('p', { className: 'spec-problem', role: 'status', id: 'spec-problem' });
  private readonly text = make('textarea', { rows: 9, spellcheck: false, id: 'spec-text' });
  private readonly use = make('button', { type: 'button', className: 'primary', id: 'spec-use' }, 'Train this network');
  private readonly discard = make('button', { type: 'button', id: 'spec-discard' }, 'Discard changes');
  private readonly standard = make('button', { type: 'button', id: 'spec-standard' }, 'Standard network');

  /** @param train begins a run with other layers; with none, of the standard network */
  constructor(
    place: HTMLElement,
    private readonly train: (layers: readonly LayerSpec[] | undefined) => void,
  ) {
    this.use.onclick = () => this.train(this.layers);
    this.discard.onclick = () => this.settings && this.show(this.settings);
    this.standard.onclick = () => this.train(undefined);
    this.text.onchange = () => this.read();
    place.append(
      make('p', {}, 'The network, from the image to the logits. Changes wait here until you train the network.'),
      this.list,
      this.problem,
      make('div', { className: 'controls' }, this.use, this.discard, this.standard),
      make(
        'details',
        {},
        make('summary', {}, 'As text'),
        make('label', { className: 'spec-as-text' }, 'A layer on each line: its kind, then name=value.', this.text),
      ),
    );
  }

  /** Shows the layers that run. */
  show(settings: Settings, classes = this.classes): void {
    [this.settings, this.classes] = [settings, classes];
    this.standard.disabled = settings.layers === undefined;
    this.set(settings.layers ?? standardLayers(settings, this.classes));
  }

  /** The draft: `layers`; the control named `focus` has the keyboard. */
  private set(layers: readonly LayerSpec[], focus?: string): void {
    this.layers = layers;
    this.text.value = layersToText(layers);
    const { shapes, problem } = shapesAfter({ ...this.settings!, layers }, this.classes);
    this.list.replaceChildren(
      make('li', { className: 'spec-image' }, 'The image', shapeMark(IMAGE)),
      ...layers.map((layer, i) => this.row(layer, i, shapes)),
    );
    this.list.append(make('li', { className: 'spec-add' }, this.adder(shapes)));
    this.problem.textContent = problem ? `${sentence(problem.message)} The network that runs stays.` : '';
    const running = this.settings!.layers ?? standardLayers(this.settings!, this.classes);
    const isSame = layersToText(running) === layersToText(layers);
    this.use.disabled = isSame || problem !== undefined;
    this.discard.disabled = isSame;
    if (focus) this.list.querySelector<HTMLElement>(`[data-focus="${focus}"]:not(:disabled)`)?.focus();
  }

  private row(layer: LayerSpec, i: number, shapes: readonly Shape[]): HTMLElement {
    const { options } = KINDS[layer.kind];
    const fields = Object.entries(options).map(([name, option]) => {
      const change = (value: string | number | boolean) =>
        this.set(this.layers.with(i, { ...layer, [name]: value } as LayerSpec), `${i} ${name}`);
      const numbers = name === 'from' ? addableTo(i, shapes, IMAGE) : undefined;
      const field = numbers
        ? this.sourceField(optionsOf(layer)['from'] as number, numbers, change)
        : fieldOf(option, optionsOf(layer)[name], change);
      field.dataset['focus'] = `${i} ${name}`;
      return make('label', {}, `${FIELD_TITLES[name] ?? name} `, field);
    });
    const title = KINDS[layer.kind].title;
    const button = (label: string, sign: string, focus: string, isDisabled: boolean, act: () => void) =>
      make(
        'button',
        {
          type: 'button',
          'aria-label': `${label} ${title}, layer ${i + 1}`,
          title: label,
          disabled: isDisabled,
          'data-focus': `${i} ${focus}`,
          onclick: act,
        },
        sign,
      );
    const hands = make(
      'span',
      { className: 'spec-hands' },
      button('Move up', '↑', 'up', i === 0, () => this.set(moved(this.layers, i, -1), `${i - 1} up`)),
      button('Move down', '↓', 'down', i + 1 === this.layers.length, () =>
        this.set(moved(this.layers, i, 1), `${i + 1} down`),
      ),
      button('Remove', '×', 'remove', false, () =>
        this.set(removed(this.layers, i), `${Math.min(i, this.layers.length - 2)} remove`),
      ),
    );
    const head = make('span', { className: 'spec-title' }, `${i + 1}. ${title}`);
    const after = i < shapes.length ? shapeMark(shapes[i]) : make('span', { className: 'faint' }, 'does not fit');
    return make('li', { className: i < shapes.length ? '' : 'spec-wrong' }, head, ...fields, after, hands);
  }

  /** What a residual addition adds: one of the layers that it can. */
  private sourceField(value: number, numbers: readonly number[], change: (value: number) => void): HTMLSelectElement {
    const options = [...new Set([...numbers, value])].sort((a, b) => a - b);
    const titled = (n: number) =>
      n === 0 ? 'the image' : `${n}. ${this.layers[n - 1] ? KINDS[this.layers[n - 1].kind].title : '?'}`;
    const select = make('select', {}, ...options.map((n) => make('option', { value: String(n) }, titled(n))));
    select.value = String(value);
    select.onchange = () => change(Number(select.value));
    return select;
  }

  private adder(shapes: readonly Shape[]): HTMLElement {
    const kind = make(
      'select',
      { 'aria-label': 'Kind of the new layer', id: 'spec-kind' },
      ...ADDABLE.map((value) => make('option', { value }, KINDS[value].title)),
    );
    // The last layer gives the logits, so a new one goes before it.
    const places = this.layers.map((_, i) => i);
    const where = make(
      'select',
      { 'aria-label': 'Place of the new layer', id: 'spec-where' },
      ...places.map((i) =>
        make('option', { value: String(i) }, `before ${i + 1}. ${KINDS[this.layers[i].kind].title}`),
      ),
      make('option', { value: String(this.layers.length) }, 'at the end'),
    );
    where.value = String(Math.max(0, this.layers.length - 1));
    const add = make('button', { type: 'button', 'data-focus': 'add', id: 'spec-add' }, 'Add');
    add.disabled = this.layers.length >= MOST_LAYERS;
    add.onclick = () => {
      const i = Number(where.value);
      this.set(inserted(this.layers, i, fitting(kind.value as SpecKind, i, shapes, IMAGE)), 'add');
    };
    return make('span', { className: 'spec-adder' }, 'Add ', kind, where, add);
  }

  private read(): void {
    const text = this.text.value;
    try {
      this.set(layersFromText(text));
    } catch (error) {
      this.problem.textContent = `${sentence((error as Error).message)} The network that runs stays.`;
      this.use.disabled = true;
      this.discard.disabled = false;
    }
  }
}

/** What options are called here, where it is not their name. */
const FIELD_TITLES: Readonly<Record<string, string>> = { from: 'adds', name: 'function', how: 'takes' };

const sentence = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}.`;

const shapeMark = ([, ...dims]: Shape) => make('span', { className: 'spec-shape mono' }, `→ ${dims.join(' × ')}`);

/** A field for an option: a list of choices, or a number. */
function fieldOf(
  option: Option,
  value: string | number | boolean,
  change: (value: string | number | boolean) => void,
): HTMLInputElement | HTMLSelectElement {
  if ('choices' in option) {
    const titled = (choice: string | number | boolean) =>
      typeof choice === 'boolean'
        ? choice
          ? 'yes'
          : 'no'
        : ((ACTIVATION_TITLES as Record<string, string>)[choice] ?? String(choice));
    const choices = [...option.choices].sort((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : 0));
    const select = make(
      'select',
      {},
      ...choices.map((choice) => make('option', { value: String(choice) }, titled(choice))),
    );
    select.value = String(value);
    select.onchange = () => change(choices.find((choice) => String(choice) === select.value)!);
    return select;
  }
  const { least, most } = option;
  const input = make('input', {
    type: 'number',
    min: String(least),
    max: String(most),
    step: '1',
    value: String(value),
  });
  input.inputMode = 'numeric';
  input.onchange = () => change(input.value.trim() === '' ? NaN : Number(input.value));
  return input;
}
