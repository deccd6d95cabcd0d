import { offsetOf } from '../../engine/explain/terms.ts';
import { make } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import { tellChosen, tellNumbers } from './figure_events.ts';
import type { Shown } from './figure_core.ts';
import { ValueGrids, keyOf } from './grid.ts';
import { draw } from './svg.ts';

const SHAPE = [2, 3, 3, 3] as const;
const [IMAGES, ROWS, COLUMNS, CHANNELS] = SHAPE;
const COLOURS = ['red', 'green', 'blue'];
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const ALL = upTo(IMAGES * ROWS * COLUMNS * CHANNELS);

/** A bright yellow core in a blue disc, and a red spot in a dark corner: red, green, blue of each pixel in turn. */
const FIRST = [
  [0, 0, 0.2, 0.1, 0.2, 0.6, 0, 0, 0.2, 0.1, 0.2, 0.6, 1, 0.9, 0.5, 0.1, 0.2, 0.6, 0, 0, 0.2, 0.1, 0.2, 0.6, 0, 0, 0.2],
  [0, 0, 0, 0, 0, 0, 0.9, 0.2, 0.1, 0, 0, 0, 0.1, 0.1, 0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
].flat();

/** The element at an offset in memory. */
const indexOf = (offset: number): number[] => [
  Math.floor(offset / (ROWS * COLUMNS * CHANNELS)),
  Math.floor(offset / (COLUMNS * CHANNELS)) % ROWS,
  Math.floor(offset / CHANNELS) % COLUMNS,
  offset % CHANNELS,
];

/** A batch of two small images: their pictures, their numbers channel by channel, and the same numbers in memory. */
class ImageFigure {
  private readonly place = make('p', { className: 'message', role: 'status' });
  private readonly reading = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly box = make('input', { type: 'number', min: '0', max: '1', step: '0.1' });
  private readonly editor = make('label', { className: 'editor' }, make('span'), this.box);
  private readonly pictures = upTo(IMAGES).map((n) =>
    draw('svg', { viewBox: `0 0 ${COLUMNS} ${ROWS}`, role: 'img', class: 'picture', 'aria-label': `image ${n}` }),
  );
  private readonly memory = draw('svg', {
    viewBox: `0 0 ${CHANNELS * COLUMNS * ROWS * 10} 44`,
    role: 'img',
    class: 'memory',
  });
  private readonly grids: ValueGrids;
  private data: readonly number[] = FIRST;
  private at: readonly number[] = [0, 1, 1, 0];

  constructor(private readonly section: HTMLElement) {
    this.grids = new ValueGrids(this.shown(), {
      select: ({ at }) => this.select(at),
      edit: () => this.box.focus(),
      nudge: (by) => this.change(this.data[offsetOf(SHAPE, this.at)] + 0.1 * by),
    });
    this.box.addEventListener('change', () => this.change(Number(this.box.value)));
    this.box.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter' || key === 'Escape') this.grids.cells.get(keyOf({ of: 'x', at: this.at }))!.focus();
    });
    const again = make('button', { type: 'button' }, 'First numbers');
    again.addEventListener('click', () => {
      this.data = FIRST;
      this.draw();
    });
    section.replaceChildren(
      this.place,
      make('div', { className: 'controls' }, again),
      make('div', { className: 'pictures' }, ...(this.pictures as unknown as HTMLElement[])),
      this.grids.element,
      make('p', { className: 'legend' }, 'The same numbers in memory, in two lines, one for each image:'),
      this.memory as unknown as HTMLElement,
      make('div', { className: 'reading' }, this.reading, this.editor),
    );
    this.draw();
  }

  private shown(): Shown {
    const slices = upTo(IMAGES).flatMap((n) =>
      COLOURS.map((colour, c) => ({
        title: `n = ${n}, c = ${c} (${colour})`,
        rows: upTo(ROWS).map((h) => upTo(COLUMNS).map((v) => [n, h, v, c])),
      })),
    );
    return { name: 'x', says: 'images [n, h, v, c]', shape: SHAPE, data: this.data, slices, editable: true };
  }

  private select(at: readonly number[]): void {
    this.at = at;
    this.draw();
    tellChosen(this.section, keyOf({ of: 'x', at }));
  }

  private change(value: number): void {
    if (!(value >= -0.05 && value <= 1.05)) {
      showMessage(this.place, new Error('a brightness between 0 and 1 is needed'));
      return;
    }
    const offset = offsetOf(SHAPE, this.at);
    const rounded = Math.round(100 * Math.min(1, Math.max(0, value))) / 100;
    this.data = this.data.map((v, i) => (i === offset ? rounded : v));
    this.draw();
  }

  private draw(): void {
    showMessage(this.place, '');
    const [n, h, v, c] = this.at;
    const chosen = offsetOf(SHAPE, this.at);
    this.grids.show(this.shown());
    for (const [key, cell] of this.grids.cells) {
      const isChosen = key === keyOf({ of: 'x', at: this.at });
      cell.classList.toggle('selected', isChosen);
      cell.classList.toggle('lit', !isChosen && key.startsWith(`x[${n}, ${h}, ${v},`));
      if (isChosen) cell.setAttribute('aria-selected', 'true');
      else cell.removeAttribute('aria-selected');
    }
    this.pictures.forEach((picture, i) => picture.replaceChildren(...this.pixels(i)));
    this.memory.replaceChildren(...ALL.map((offset) => this.box10(offset, chosen)));
    this.memory.setAttribute('aria-label', `${ALL.length} numbers one after another; number ${chosen} is marked`);
    this.reading.textContent = `x[${n}, ${h}, ${v}, ${c}] = ${this.data[chosen]}: the ${COLOURS[c]} of row ${h}, column ${v} of image ${n}. Its place in memory is ((${n} · ${ROWS} + ${h}) · ${COLUMNS} + ${v}) · ${CHANNELS} + ${c} = ${chosen}`;
    this.editor.firstElementChild!.textContent = `x[${this.at.join(', ')}] is`;
    if (document.activeElement !== this.box) this.box.value = String(this.data[chosen]);
    tellNumbers(this.section, Object.fromEntries(ALL.map((i) => [keyOf({ of: 'x', at: indexOf(i) }), this.data[i]])));
  }

  private pixels(n: number): SVGElement[] {
    const [image, row, column] = this.at;
    const each = upTo(ROWS).flatMap((h) => upTo(COLUMNS).map((v) => [h, v]));
    const squares = each.map(([h, v]) => {
      const levels = upTo(CHANNELS).map((c) => Math.round(255 * this.data[offsetOf(SHAPE, [n, h, v, c])]));
      return draw('rect', { x: v, y: h, width: 1, height: 1, fill: `rgb(${levels.join(' ')})` });
    });
    const frame = draw('rect', { x: column + 0.04, y: row + 0.04, width: 0.92, height: 0.92, class: 'frame' });
    return n === image ? [...squares, frame] : squares;
  }

  /** A number in memory: a bar in its channel's colour, as high as the number is large. */
  private box10(offset: number, chosen: number): SVGElement {
    const [n, , , c] = indexOf(offset);
    const inLine = offset % (ALL.length / IMAGES);
    const height = 2 + 14 * this.data[offset];
    const isOfPixel = Math.floor(offset / CHANNELS) === Math.floor(chosen / CHANNELS);
    const group = draw('g', {
      transform: `translate(${inLine * 10} ${22 * n})`,
      class: offset === chosen ? 'chosen' : isOfPixel ? 'lit' : '',
    });
    group.append(
      draw('rect', { x: 0.5, y: 0.5, width: 9, height: 19, class: 'box' }),
      draw('rect', { x: 2, y: 18 - height, width: 6, height, class: `channel-${c}` }),
    );
    return group;
  }
}

export const imageFigure = (section: HTMLElement): Promise<void> => {
  new ImageFigure(section);
  return Promise.resolve();
};
