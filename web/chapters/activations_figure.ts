import { showNumber } from '../../engine/explain/show_number.ts';
import { make } from '../common/dom.ts';
import { tellNumbers } from './figure_events.ts';
import { ACTIVATIONS, chain, type Activation } from './activations.ts';
import { slider } from './slider.ts';
import { draw, picture, show } from './svg.ts';

const number = (value: number): string => showNumber(value).replace('-', '−');

const [WIDTH, HIGH] = [380, 240];
/** What of the plane the curves are drawn in. */
const [LEFT, RIGHT, LOW, TOP] = [-5, 5, -1.5, 3.5];
const across = (x: number) => ((x - LEFT) / (RIGHT - LEFT)) * WIDTH;
const up = (y: number) => HIGH - ((y - LOW) / (TOP - LOW)) * HIGH;

const [LAYERS, ROOM, CHAIN_HIGH, FLOOR, CEILING] = [20, 92, 220, -9, 6];
/** The place of a product of slopes, by powers of ten. */
const power = (product: number) => {
  const log = Math.log10(Math.min(Math.max(Math.abs(product), 10 ** FLOOR), 10 ** CEILING));
  return 12 + ((CEILING - log) / (CEILING - FLOOR)) * (CHAIN_HIGH - 36);
};

/**
 * Activation functions: a curve with its slope at a place that can be moved, and a chain of layers that shows what is
 * left of a change. `data-residual`: the chain can add each layer's input to its output, and begins so;
 * `data-part="chain"` leaves out the curve.
 */
class ActivationsFigure {
  private readonly curve = picture('curve', WIDTH, HIGH);
  private readonly links = picture('chain', WIDTH, CHAIN_HIGH);
  private readonly which = make(
    'select',
    { name: 'activation' },
    ...ACTIVATIONS.map(({ name }) => make('option', { value: name }, name)),
  );
  private readonly reading = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly left = make('p', { className: 'said', 'aria-live': 'polite' });
  private readonly x = slider('x', 'x =', [-5, 5, 0.1, 1], () => this.draw());
  private readonly layers = slider('layers', 'layers', [1, LAYERS, 1, 10], () => this.draw());
  private readonly weight = slider('weight', 'weight of each layer', [0.25, 2, 0.25, 1], () => this.draw());
  private readonly residual = make('input', { type: 'checkbox', name: 'residual' });
  private readonly rows = make('tbody');

  constructor(private readonly section: HTMLElement) {
    const { part, residual } = section.dataset;
    this.residual.checked = residual !== undefined;
    this.residual.addEventListener('change', () => this.draw());
    this.which.addEventListener('change', () => this.draw());
    const add = make(
      'label',
      { className: 'check' },
      this.residual,
      'each layer adds its input: y = x + f(weight · x)',
    );
    const curve = [make('label', {}, 'function', this.which), this.x.element];
    section.replaceChildren(
      make('p', { className: 'message', role: 'status' }),
      make('div', { className: 'controls' }, ...curve),
      ...(part === 'chain' ? [] : [this.curve, this.reading]),
      make(
        'div',
        { className: 'controls' },
        this.layers.element,
        this.weight.element,
        ...(residual === undefined ? [] : [add]),
      ),
      this.links,
      this.left,
      make('details', {}, make('summary', {}, 'The chain as a table'), this.table()),
    );
    this.draw();
  }

  private draw(): void {
    const chosen = ACTIVATIONS.find(({ name }) => name === this.which.value)!;
    this.drawCurve(chosen);
    this.drawChain(chosen);
  }

  private drawCurve({ name, formula, value, slope }: Activation): void {
    const at = this.x.input.valueAsNumber;
    const [y, s] = [value(at), slope(at)];
    const path = (f: (x: number) => number, className: string) =>
      draw('polyline', {
        class: className,
        points: Array.from({ length: 201 }, (_, i) => LEFT + (i * (RIGHT - LEFT)) / 200)
          .map((x) => `${across(x).toFixed(1)},${up(f(x)).toFixed(1)}`)
          .join(' '),
      });
    const tick = (x: number, y_: number, text: string) => draw('text', { x, y: y_, class: 'tick' }, text);
    this.reading.textContent = `f(x) = ${formula}: f(${number(at)}) = ${number(y)}, slope f′(${number(at)}) = ${number(s)}`;
    show(
      this.curve,
      `${name} as a solid line and its slope as a dashed line. ${this.reading.textContent}.`,
      draw('line', { x1: 0, x2: WIDTH, y1: up(0), y2: up(0), class: 'axis' }),
      draw('line', { x1: across(0), x2: across(0), y1: 0, y2: HIGH, class: 'axis' }),
      ...[-4, -2, 2, 4].map((x) => tick(across(x), up(0) + 14, number(x))),
      ...[-1, 1, 2, 3].map((y_) => tick(across(0) - 10, up(y_) + 4, number(y_))),
      path(slope, 'slope-curve'),
      path(value, 'value-curve'),
      draw('line', {
        x1: across(at - 1.2),
        y1: up(y - 1.2 * s),
        x2: across(at + 1.2),
        y2: up(y + 1.2 * s),
        class: 'tangent',
      }),
      draw('circle', { cx: across(at), cy: up(y), r: 6, class: 'point' }),
      draw('text', { x: 8, y: 18, class: 'key value' }, `${name}, solid`),
      draw('text', { x: 8, y: 36, class: 'key slope' }, 'its slope, dashed'),
    );
  }

  private drawChain(chosen: Activation): void {
    const settings = {
      layers: this.layers.input.valueAsNumber,
      weight: this.weight.input.valueAsNumber,
      x: this.x.input.valueAsNumber,
      residual: this.residual.checked,
    };
    const all = ACTIVATIONS.map((activation) => ({ activation, links: chain(activation, settings) }));
    const column = (i: number) => 40 + (i / LAYERS) * (WIDTH - 40 - ROOM);
    tellNumbers(
      this.section,
      Object.fromEntries(all.map(({ activation, links }) => [activation.name, links[links.length - 1].product])),
    );
    // Names at the ends of lines, kept apart.
    const ends = all
      .map(({ activation, links }) => ({ activation, y: power(links[links.length - 1].product) }))
      .sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => (end.y = Math.max(end.y, i === 0 ? 0 : ends[i - 1].y + 14)));
    const products = all.map(
      ({ activation, links }) => `${activation.name} ${number(links[links.length - 1].product)}`,
    );
    const { layers } = settings;
    this.left.textContent = `After ${layers} ${layers === 1 ? 'layer' : 'layers'} a small change of x has been multiplied by: ${products.join(', ')}.`;
    show(
      this.links,
      `What is left of a change after each layer, by powers of ten. ${this.left.textContent}`,
      ...[6, 3, 0, -3, -6, -9].flatMap((p) => [
        draw('line', { x1: 40, x2: WIDTH - ROOM, y1: power(10 ** p), y2: power(10 ** p), class: 'axis' }),
        draw('text', { x: 34, y: power(10 ** p) + 4, class: 'tick right' }, p === 0 ? '1' : `1e${number(p)}`),
      ]),
      ...all.map(({ activation, links }) =>
        draw('polyline', {
          class: `chain-line${activation === chosen ? ' chosen' : ''}`,
          points: [1, ...links.map(({ product }) => product)]
            .map((p, i) => `${column(i)},${power(p).toFixed(1)}`)
            .join(' '),
        }),
      ),
      ...ends.map(({ activation, y }) =>
        draw(
          'text',
          { x: column(settings.layers) + 6, y: y + 4, class: `name${activation === chosen ? ' chosen' : ''}` },
          activation.name,
        ),
      ),
      draw('text', { x: column(0), y: CHAIN_HIGH - 2, class: 'tick' }, '0'),
      draw('text', { x: column(LAYERS), y: CHAIN_HIGH - 2, class: 'tick' }, `${LAYERS} layers`),
    );
    this.rows.replaceChildren(
      ...Array.from({ length: settings.layers }, (_, i) =>
        make(
          'tr',
          {},
          make('th', { scope: 'row' }, String(i + 1)),
          ...all.map(({ activation, links }) =>
            make('td', { 'data-cell': `${activation.name}[${i + 1}]` }, number(links[i].product)),
          ),
        ),
      ),
    );
  }

  private table(): HTMLElement {
    const head = ['layer', ...ACTIVATIONS.map(({ name }) => name)].map((text) => make('th', { scope: 'col' }, text));
    return make(
      'div',
      { className: 'scroll' },
      make('table', { className: 'numbers' }, make('thead', {}, make('tr', {}, ...head)), this.rows),
    );
  }
}

export const activationsFigure = async (section: HTMLElement): Promise<void> => void new ActivationsFigure(section);
