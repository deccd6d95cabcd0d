import { make } from '../common/dom.ts';
import type { Arrangement } from './arrangement.ts';
import { paint, type Palette } from './colours.ts';
import { offsetOf } from '../../engine/explain/terms.ts';
import { shortly } from './formula.ts';
import type { Values } from './view.ts';

/** A rectangle of a map's elements, rows and columns counted over all tiles, both ends included. */
export interface Outline {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
  readonly kind: 'selected' | 'field';
}

/** Pixels between tiles. */
const GAP = 3;

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/**
 * An array of signed numbers as small pictures, with its scale beside it. One can point at an element, or move by arrow
 * keys from one to the next, and by Page Up and Page Down from tile to tile.
 */
export class PixelMap {
  readonly element: HTMLElement;
  private readonly canvas = make('canvas', {
    className: 'pixels',
    tabIndex: 0,
    role: 'application',
    'aria-roledescription': 'pixel map',
  });
  private readonly least = make('span', { className: 'mono' });
  private readonly most = make('span', { className: 'mono' });
  private readonly buffer = document.createElement('canvas');
  /** Where in the array each pixel of the buffer lies, or -1. */
  private offsets: Int32Array | undefined;
  private scale = 1;
  private values: Values | undefined;
  private outlines: readonly Outline[] = [];

  /**
   * @param title shown above; @param label said by screen readers
   * @param current the index that the arrow keys start from
   * @param choose told the index that was pointed at
   */
  constructor(
    title: string,
    label: string,
    private readonly arrangement: Arrangement,
    private readonly current: () => readonly number[] | undefined,
    private readonly choose: (index: readonly number[]) => void,
  ) {
    this.canvas.setAttribute('aria-label', `${label}; arrow keys move the selection`);
    const bar = make('span', { className: 'bar', 'aria-hidden': 'true' });
    this.element = make(
      'figure',
      { className: 'map' },
      make('figcaption', {}, title),
      this.canvas,
      make('div', { className: 'scale' }, this.least, bar, this.most),
    );
    this.buffer.width = arrangement.tileColumns * arrangement.tileWidth;
    this.buffer.height = arrangement.tileRows * arrangement.tileHeight;
    this.canvas.addEventListener('click', (event) => this.point(event));
    this.canvas.addEventListener('keydown', (event) => this.move(event));
    this.canvas.addEventListener('focus', () => this.current() ?? this.choose(this.middle()));
  }

  focus(): void {
    this.canvas.focus({ preventScroll: true });
  }

  /** Makes the map about as wide as that, in whole pixels an element. */
  fit(width: number): void {
    const { tileColumns } = this.arrangement;
    this.scale = Math.max(1, Math.min(26, Math.floor((width - (tileColumns - 1) * GAP) / this.buffer.width)));
  }

  show(values: Values, palette: Palette): void {
    this.values = values;
    const { width, height } = this.buffer;
    const context = this.buffer.getContext('2d')!;
    const image = context.createImageData(width, height);
    const most = values.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    this.offsets ??= Int32Array.from({ length: width * height }, (_, pixel) => {
      const index = this.arrangement.indexAt(Math.floor(pixel / width), pixel % width);
      return index ? offsetOf(values.shape, index) : -1;
    });
    this.offsets.forEach(
      (offset, pixel) => offset >= 0 && paint(image.data, pixel * 4, values.data[offset], most, palette),
    );
    context.putImageData(image, 0, 0);
    [this.least.textContent, this.most.textContent] = [shortly(-most, 2), shortly(most, 2)];
    this.draw(palette);
  }

  outline(outlines: readonly Outline[], palette: Palette): void {
    if (outlines.length === 0 && this.outlines.length === 0) return;
    this.outlines = outlines;
    if (this.values) this.draw(palette);
  }

  /** Screen pixels before a row or column. */
  private position(at: number, tile: number): number {
    return at * this.scale + Math.floor(at / tile) * GAP;
  }

  private draw(palette: Palette): void {
    const {
      canvas,
      scale,
      buffer,
      arrangement: { tileWidth, tileHeight, tileRows, tileColumns },
    } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = buffer.width * scale + (tileColumns - 1) * GAP;
    const height = buffer.height * scale + (tileRows - 1) * GAP;
    // Setting the size clears the canvas.
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
    const context = canvas.getContext('2d')!;
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = false;
    for (let i = 0; i < tileRows; i++) {
      for (let j = 0; j < tileColumns; j++) {
        context.drawImage(
          buffer,
          j * tileWidth,
          i * tileHeight,
          tileWidth,
          tileHeight,
          j * (tileWidth * scale + GAP),
          i * (tileHeight * scale + GAP),
          tileWidth * scale,
          tileHeight * scale,
        );
      }
    }
    for (const { top, bottom, left, right, kind } of this.outlines) {
      const [x, y] = [Math.max(1, this.position(left, tileWidth) - 1), Math.max(1, this.position(top, tileHeight) - 1)];
      const w = Math.min(width - 1, this.position(right, tileWidth) + scale + 1) - x;
      const h = Math.min(height - 1, this.position(bottom, tileHeight) + scale + 1) - y;
      // Two lines, one light and one dark, are seen on every colour.
      for (const [lineWidth, colour] of [
        [4, palette.paper],
        [2, kind === 'selected' ? palette.select : palette.ink],
      ] as const) {
        context.lineWidth = lineWidth;
        context.strokeStyle = colour;
        context.strokeRect(x, y, w, h);
      }
    }
  }

  private middle(): readonly number[] {
    const { tileHeight, tileWidth, indexAt } = this.arrangement;
    return indexAt(Math.floor(tileHeight / 2), Math.floor(tileWidth / 2))!;
  }

  private point({ offsetX, offsetY }: MouseEvent): void {
    const element = (pixel: number, tile: number, tiles: number) => {
      const pitch = tile * this.scale + GAP;
      const number = Math.min(tiles - 1, Math.floor(pixel / pitch));
      return number * tile + Math.max(0, Math.min(tile - 1, Math.floor((pixel - number * pitch) / this.scale)));
    };
    const { tileHeight, tileRows, tileWidth, tileColumns } = this.arrangement;
    const index = this.arrangement.indexAt(
      element(offsetY, tileHeight, tileRows),
      element(offsetX, tileWidth, tileColumns),
    );
    if (index) this.choose(index);
  }

  private move(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const tiles = event.key === 'PageDown' ? 1 : event.key === 'PageUp' ? -1 : 0;
    if (event.altKey || event.ctrlKey || event.metaKey || (!step && tiles === 0)) return;
    event.preventDefault();
    if (step) this.go(...step);
    else this.goTiles(tiles);
  }

  /** Moves the selection by rows and columns, over the edges of tiles. */
  go(rows: number, columns: number): void {
    const { row, column } = this.arrangement.placeOf(this.current() ?? this.middle());
    const index =
      row + rows < 0 ||
      column + columns < 0 ||
      row + rows >= this.buffer.height ||
      column + columns >= this.buffer.width
        ? undefined
        : this.arrangement.indexAt(row + rows, column + columns);
    if (index) this.choose(index);
  }

  /** Moves the selection to the same place of another tile. */
  goTiles(by: number): void {
    const { tileHeight, tileWidth, tileRows, tileColumns, indexAt, placeOf } = this.arrangement;
    const { row, column } = placeOf(this.current() ?? this.middle());
    const tile = Math.floor(row / tileHeight) * tileColumns + Math.floor(column / tileWidth) + by;
    if (tile < 0 || tile >= tileRows * tileColumns) return;
    const index = indexAt(
      Math.floor(tile / tileColumns) * tileHeight + (row % tileHeight),
      (tile % tileColumns) * tileWidth + (column % tileWidth),
    );
    if (index) this.choose(index);
  }
}
