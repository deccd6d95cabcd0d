import { make } from '../common/dom.ts';
import type { Arrangement } from './arrangement.ts';
import { paint, type Palette } from './colours.ts';
import { offsetOf } from '../../engine/explain/terms.ts';
import { shortly } from './formula.ts';
import { GAP, heightAt, scaleWithin, widthAt, type Extent } from './map_fit.ts';
import type { Values } from './view.ts';

/** A rectangle of a map's elements, rows and columns counted over all tiles, both ends included. */
export interface Outline {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
  readonly kind: 'selected' | 'field';
}

/** What a map asks its page for. */
export interface MapActions {
  /** The index that the arrow keys start from. */
  current(): readonly number[] | undefined;
  /** Told the index that was pointed at. */
  choose(index: readonly number[]): void;
  /** Goes to what is said of the selected element. */
  enter(): void;
  /** Shows the map larger. */
  enlarge(): void;
}

/** Pixels an element of an enlarged map at most, and those from which on its number is written in it. */
const LARGEST = 64;
const WITH_NUMBERS = 44;

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
  readonly extent: Extent;
  private readonly canvas = make('canvas', {
    className: 'pixels',
    tabIndex: 0,
    role: 'application',
    'aria-roledescription': 'pixel map',
  });
  private readonly range = make('span', { className: 'range' });
  private readonly buffer = document.createElement('canvas');
  /** Where in the array each pixel of the buffer lies, or -1. */
  private offsets: Int32Array | undefined;
  private scale = 1;
  private values: Values | undefined;
  private outlines: readonly Outline[] = [];

  /**
   * @param title shown above; @param label said by screen readers
   */
  constructor(
    title: string,
    label: string,
    private readonly arrangement: Arrangement,
    private readonly actions: MapActions,
  ) {
    this.canvas.setAttribute('aria-label', `${label}; arrow keys move the selection, Enter goes to its inspector`);
    const button = make('button', {
      type: 'button',
      className: 'enlarge',
      // From the keyboard it is reached in the inspector, so that there is one stop less for each map.
      tabIndex: -1,
      title: `Enlarge: ${title}`,
      'aria-label': `Enlarge: ${label}`,
      onclick: () => actions.enlarge(),
    });
    this.element = make(
      'figure',
      { className: 'map' },
      make('figcaption', {}, make('span', {}, title, ' ', this.range), button),
      this.canvas,
    );
    const { tileColumns, tileRows, tileWidth, tileHeight } = arrangement;
    this.extent = { columns: tileColumns * tileWidth, rows: tileRows * tileHeight, tileColumns, tileRows };
    [this.buffer.width, this.buffer.height] = [this.extent.columns, this.extent.rows];
    this.canvas.addEventListener('click', (event) => this.point(event));
    this.canvas.addEventListener('keydown', (event) => this.move(event));
    this.canvas.addEventListener('focus', () => this.actions.current() ?? this.actions.choose(this.middle()));
  }

  focus(): void {
    this.canvas.focus({ preventScroll: true });
  }

  /** Pixels an element. The map takes its place at once, drawn or not: nothing moves when it is drawn. */
  setScale(scale: number): void {
    this.scale = scale;
    this.canvas.style.width = `${widthAt(this.extent, scale)}px`;
    this.canvas.style.height = `${heightAt(this.extent, scale)}px`;
  }

  /** Makes the map as large as fits. */
  fill(width: number, height: number): void {
    this.setScale(scaleWithin(this.extent, width, height, LARGEST));
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
    this.range.textContent = `± ${shortly(most, 2)}`;
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
    const [width, height] = [widthAt(this.extent, scale), heightAt(this.extent, scale)];
    // Setting the size clears the canvas.
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
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
    if (scale >= WITH_NUMBERS) this.write(context);
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

  /** The numbers themselves, in black or white, whichever is read better. */
  private write(context: CanvasRenderingContext2D): void {
    const { width, height } = this.buffer;
    const { data } = this.buffer.getContext('2d')!.getImageData(0, 0, width, height);
    context.font = `${Math.min(14, this.scale / 4.2)}px system-ui, sans-serif`;
    [context.textAlign, context.textBaseline] = ['center', 'middle'];
    this.offsets!.forEach((offset, pixel) => {
      if (offset < 0) return;
      const [row, column] = [Math.floor(pixel / width), pixel % width];
      const [red, green, blue] = data.subarray(pixel * 4);
      context.fillStyle = 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? '#000' : '#fff';
      context.fillText(
        shortly(this.values!.data[offset], 2),
        this.position(column, this.arrangement.tileWidth) + this.scale / 2,
        this.position(row, this.arrangement.tileHeight) + this.scale / 2,
      );
    });
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
    if (index) this.actions.choose(index);
  }

  private move(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const tiles = event.key === 'PageDown' ? 1 : event.key === 'PageUp' ? -1 : 0;
    const enters = event.key === 'Enter';
    if (event.altKey || event.ctrlKey || event.metaKey || (!step && tiles === 0 && !enters)) return;
    event.preventDefault();
    if (enters) this.actions.enter();
    else if (step) this.go(...step);
    else this.goTiles(tiles);
  }

  /** Moves the selection by rows and columns, over the edges of tiles. */
  go(rows: number, columns: number): void {
    const { row, column } = this.arrangement.placeOf(this.actions.current() ?? this.middle());
    const index =
      row + rows < 0 ||
      column + columns < 0 ||
      row + rows >= this.buffer.height ||
      column + columns >= this.buffer.width
        ? undefined
        : this.arrangement.indexAt(row + rows, column + columns);
    if (index) this.actions.choose(index);
  }

  /** Moves the selection to the same place of another tile. */
  goTiles(by: number): void {
    const { tileHeight, tileWidth, tileRows, tileColumns, indexAt, placeOf } = this.arrangement;
    const { row, column } = placeOf(this.actions.current() ?? this.middle());
    const tile = Math.floor(row / tileHeight) * tileColumns + Math.floor(column / tileWidth) + by;
    if (tile < 0 || tile >= tileRows * tileColumns) return;
    const index = indexAt(
      Math.floor(tile / tileColumns) * tileHeight + (row % tileHeight),
      (tile % tileColumns) * tileWidth + (column % tileWidth),
    );
    if (index) this.actions.choose(index);
  }
}
