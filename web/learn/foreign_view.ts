import { byId, make } from '../common/dom.ts';
import { paint, readPalette } from './colours.ts';
import { shortly } from './formula.ts';
import type { ForeignFacts, ForeignMaps } from './foreign_model.ts';

/** What the drawer asks its page for. */
export interface ForeignActions {
  open(bytes: Uint8Array, name: string): Promise<ForeignFacts>;
  maps(layer: string, picture: Blob | undefined): Promise<ForeignMaps>;
  /** Does something for the user; what goes wrong becomes a message. */
  attempt(work: () => Promise<void>): void;
}

const count = (n: number) => n.toLocaleString('en');
/** Pixels of a map at least. */
const LEAST = 72;

/** A model of one's own as a page of layers: their shapes, and the maps of the chosen one for an image. */
export class ForeignView {
  private facts: ForeignFacts | undefined;
  private layer: string | undefined;
  private readonly words = make('p', { id: 'foreign-words', role: 'status' });
  private readonly list = make('ol', { className: 'foreign-layers', id: 'foreign-layers' });
  private readonly maps = make('div', { className: 'foreign-maps', id: 'foreign-maps', 'aria-live': 'polite' });
  private readonly picture = make('input', { type: 'file', id: 'foreign-picture', accept: 'image/*', disabled: true });

  constructor(private readonly actions: ForeignActions) {
    const file = make('input', { type: 'file', id: 'foreign-file', accept: '.safetensors,.onnx' });
    file.onchange = () => {
      const [chosen] = file.files ?? [];
      if (chosen) actions.attempt(() => this.open(chosen));
    };
    this.picture.onchange = () => this.layer && this.look(this.layer);
    byId('foreign').append(
      make(
        'p',
        {},
        'A model.safetensors of the command line, or an ONNX file that takes images: its layers, and what they make of an image. Nothing leaves this page.',
      ),
      make(
        'div',
        { className: 'controls' },
        make('label', {}, 'Model ', file),
        make('label', {}, 'Image ', this.picture),
      ),
      this.words,
      make('div', { className: 'foreign-bench' }, this.list, this.maps),
    );
  }

  private async open(file: File): Promise<void> {
    this.words.textContent = `Reading ${file.name} …`;
    try {
      this.facts = await this.actions.open(new Uint8Array(await file.arrayBuffer()), file.name);
    } catch (error) {
      this.words.textContent = '';
      throw error;
    }
    const { name, size, classes, layers } = this.facts;
    const all = layers.reduce((sum, { parameters }) => sum + parameters, 0);
    this.words.textContent = `${file.name}: ${name}, ${layers.length} layers, ${count(all)} parameters, images of ${size} × ${size}${classes.length > 0 ? `, ${classes.length} classes (${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ' …' : ''})` : ''}. Choose a layer.`;
    this.list.replaceChildren(
      ...layers.map(({ name: layer, shape, parameters }) =>
        make(
          'li',
          {},
          make(
            'button',
            { type: 'button', 'aria-pressed': 'false', 'data-layer': layer, onclick: () => this.look(layer) },
            make('span', { className: 'foreign-name' }, layer),
            make('span', { className: 'mono' }, shape.join(' × ')),
            make('span', { className: 'faint' }, parameters > 0 ? `${count(parameters)} parameters` : ''),
          ),
        ),
      ),
    );
    this.maps.replaceChildren();
    this.picture.disabled = false;
  }

  private look(layer: string): void {
    this.layer = layer;
    for (const button of this.list.querySelectorAll<HTMLElement>('button'))
      button.setAttribute('aria-pressed', String(button.dataset['layer'] === layer));
    this.actions.attempt(async () => {
      const [picture] = this.picture.files ?? [];
      const maps = await this.actions.maps(layer, picture);
      if (this.layer === layer) this.show(maps, picture?.name ?? 'a drawn galaxy');
    });
  }

  private show({ layer, shape, data, left }: ForeignMaps, of: string): void {
    const channels = shape[shape.length - 1];
    const rest = left > 0 ? ` The first ${channels} of ${channels + left} channels are shown.` : '';
    const title = make('h3', {}, layer, ' ', make('small', {}, `of ${of}.${rest} Each has its own scale.`));
    const tiles =
      shape.length === 3
        ? Array.from({ length: channels }, (_, c) => tile(shape, data, c))
        : [make('pre', { className: 'formula' }, [...data].map((v) => shortly(v, 3)).join('  '))];
    this.maps.replaceChildren(title, make('div', { className: 'foreign-tiles' }, ...tiles));
  }
}

/** One channel as a small picture. */
function tile([height, width, channels]: readonly number[], data: Float32Array, c: number): HTMLElement {
  const canvas = make('canvas', { className: 'pixels', width, height });
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  let most = 0;
  for (let i = c; i < data.length; i += channels) most = Math.max(most, Math.abs(data[i]));
  const palette = readPalette();
  for (let i = 0; i < width * height; i++) paint(image.data, i * 4, data[i * channels + c], most, palette);
  context.putImageData(image, 0, 0);
  const scale = Math.max(1, Math.ceil(LEAST / Math.max(width, height)));
  canvas.style.width = `${width * scale}px`;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `channel ${c}, from ${shortly(-most, 2)} to ${shortly(most, 2)}`);
  return make('figure', {}, canvas, make('figcaption', { className: 'mono' }, `${c}: ± ${shortly(most, 3)}`));
}
