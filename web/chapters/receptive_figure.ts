import { make, paletteColour } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import { tellNumbers } from './figure_events.ts';
import { additions, outputsOf, receptiveField, seenBy, type SlidingLayer } from './receptive_field.ts';
import { draw } from './svg.ts';

const PIXELS = 32;
const [STEP, ROW, SIZE] = [20, 62, 14];
const CHOICES = { filter: [1, 3, 5, 7], stride: [1, 2], dilation: [1, 2] } as const;

/** Brightness of the picture, from 0 to 1: a small spiral that stands for a galaxy. */
function brightness(row: number, column: number): number {
  const [y, x] = [row - PIXELS / 2 + 0.5, column - PIXELS / 2 + 0.5];
  const distance = Math.hypot(x, y);
  const arm = 0.5 + 0.5 * Math.cos(2 * Math.atan2(y, x) - 0.75 * distance);
  return Math.min(1, 0.9 * Math.exp(-((distance / 4) ** 2)) + 0.9 * arm * Math.exp(-((distance / 11) ** 2)));
}

/** Three layers over a row of pixels: which of them the chosen output sees, and the square that it sees of an image. */
class ReceptiveFigure {
  private readonly place = make('p', { className: 'message', role: 'status' });
  private readonly picture = draw('svg', { viewBox: `0 0 ${PIXELS * STEP} ${4 * ROW}`, role: 'img', class: 'field' });
  private readonly canvas = make('canvas', { width: 320, height: 320, className: 'pixels field', role: 'img' });
  private readonly reading = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly slider = make('input', { type: 'range', name: 'output', min: '0', step: '1', value: '12' });
  private readonly selects: Readonly<Record<keyof SlidingLayer, HTMLSelectElement>>[] = [];

  constructor(private readonly section: HTMLElement) {
    const rows = [1, 2, 3].map((layer) => {
      const selects = {
        filter: this.select(`filter${layer}`, CHOICES.filter, 3),
        stride: this.select(`stride${layer}`, CHOICES.stride, 1),
        dilation: this.select(`dilation${layer}`, CHOICES.dilation, 1),
      };
      this.selects.push(selects);
      const labels = Object.entries(selects).map(([name, select]) => make('label', {}, name, select));
      return make('div', { className: 'controls', role: 'group', 'aria-label': `layer ${layer}` }, ...labels);
    });
    this.slider.addEventListener('input', () => this.draw());
    const which = make('label', {}, 'output of layer 3', this.slider);
    const layers = rows.map((row, i) => make('div', { className: 'layer' }, make('strong', {}, `Layer ${i + 1}`), row));
    section.replaceChildren(
      this.place,
      make(
        'div',
        { className: 'layers' },
        make('div', {}, ...layers, make('div', { className: 'controls' }, which)),
        this.canvas,
      ),
      this.picture as unknown as HTMLElement,
      this.reading,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.draw();
  }

  private select(name: string, choices: readonly number[], chosen: number): HTMLSelectElement {
    const options = choices.map((n) => make('option', { value: String(n), selected: n === chosen }, String(n)));
    const select = make('select', { name }, ...options);
    select.addEventListener('change', () => this.draw());
    return select;
  }

  private draw(): void {
    const layers = this.selects.map(({ filter, stride, dilation }) => ({
      filter: Number(filter.value),
      stride: Number(stride.value),
      dilation: Number(dilation.value),
    }));
    const counts = outputsOf(layers, PIXELS);
    const r = receptiveField(layers);
    if (counts[2] < 1) {
      showMessage(
        this.place,
        new Error(`an output sees ${r} pixels, and the row has ${PIXELS}: choose less somewhere`),
      );
      return;
    }
    showMessage(this.place, '');
    this.slider.max = String(counts[2] - 1); // the browser moves the slider back where it is beyond
    const at = Number(this.slider.value);
    const levels = seenBy(layers, at);
    this.drawRows(layers, counts, levels);
    this.drawSquare(levels[0], r);
    const [first, last] = [levels[0][0], levels[0][levels[0].length - 1]];
    const sum = additions(layers).map(([wider, strides]) => ` + ${wider} · ${strides}`);
    const gaps = levels[0].length < r ? ` It reads ${levels[0].length} of them.` : '';
    this.reading.textContent = `r = 1${sum.join('')} = ${r}: output ${at} sees pixels ${first} to ${last}.${gaps}`;
    this.picture.setAttribute(
      'aria-label',
      `A row of ${PIXELS} pixels and three layers over it. ${this.reading.textContent}`,
    );
    this.canvas.setAttribute('aria-label', `In an image the output sees a square of ${r} by ${r} pixels.`);
    tellNumbers(this.section, { r, first, last, reads: levels[0].length });
  }

  private drawRows(layers: readonly SlidingLayer[], counts: readonly number[], levels: readonly number[][]): void {
    // Where an output stands: over the middle of what it sees.
    const middle = (level: number, i: number): number => {
      const seen = seenBy(layers.slice(0, level), i)[0];
      return ((seen[0] + seen[seen.length - 1]) / 2 + 0.5) * STEP;
    };
    const y = (level: number) => 4 * ROW - level * ROW - SIZE - 6;
    const lines = levels.slice(1).flatMap((level, l) =>
      level.flatMap((i) =>
        seenBy([layers[l]], i)[0].map((below) =>
          draw('line', {
            x1: middle(l + 1, i),
            y1: y(l + 1) + SIZE,
            x2: middle(l, below),
            y2: y(l),
            class: 'sees',
          }),
        ),
      ),
    );
    const squares = [PIXELS, ...counts].flatMap((count, level) =>
      Array.from({ length: count }, (_, i) => {
        const seen = levels[level].includes(i);
        const square = draw('rect', {
          x: middle(level, i) - SIZE / 2,
          y: y(level),
          width: SIZE,
          height: SIZE,
          rx: 2,
          class: `${seen ? 'seen' : ''}${level === 3 ? ' top' : ''}`,
          'data-cell': `${level === 0 ? 'x' : `layer${level}`}[${i}]`,
        });
        if (level === 3)
          square.addEventListener('click', () => {
            this.slider.value = String(i);
            this.draw();
          });
        return square;
      }),
    );
    const names = ['pixels', 'layer 1', 'layer 2', 'layer 3'].map((name, level) =>
      draw('text', { x: 0, y: y(level) - 5 }, name),
    );
    this.picture.replaceChildren(...lines, ...squares, ...names);
  }

  /** The same in both directions: an output of a layer sees a square of the image. */
  private drawSquare(pixels: readonly number[], r: number): void {
    const context = this.canvas.getContext('2d')!;
    const side = this.canvas.width / PIXELS;
    for (let h = 0; h < PIXELS; h++)
      for (let v = 0; v < PIXELS; v++) {
        const grey = Math.round(255 * brightness(h, v));
        context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
        context.fillRect(v * side, h * side, side, side);
      }
    context.strokeStyle = paletteColour('select');
    context.lineWidth = 4;
    context.strokeRect(pixels[0] * side, pixels[0] * side, r * side, r * side);
  }
}

export const receptiveFigure = (section: HTMLElement): Promise<void> => {
  new ReceptiveFigure(section);
  return Promise.resolve();
};
