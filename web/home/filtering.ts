import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { cropResize } from '../../vision/view/resample.ts';
import { byId, make } from '../common/dom.ts';
import { paint, readPalette, type Palette } from '../learn/colours.ts';
import { FILTERS, WIDE, filtered, pixelsBelow, sumInWords, type NamedFilter } from './filters.ts';

/** Side of the galaxy in pixels. */
const SIDE = 28;
const OUT = SIDE - WIDE + 1;
/** Pixels of the canvas for a pixel of the galaxy. */
const CELL = 10;
/** A galaxy with arms: `synthetic:N:19` begins with it. */
const SEED = 19;

const [image, kernel, map] = ['image', 'filter', 'map'].map((id) => byId<HTMLCanvasElement>(id));

/** The galaxy's brightness in hundredths of 0..1, its faint parts raised: what is written is then all of a number. */
async function galaxy(): Promise<Float64Array> {
  const { data } = cropResize(await syntheticDataset(1, SEED).load(0), { crop: 0.45, size: SIDE });
  const share = (i: number) => Math.sqrt((data[3 * i] + data[3 * i + 1] + data[3 * i + 2]) / 765);
  return Float64Array.from({ length: SIDE * SIDE }, (_, i) => Math.round(100 * share(i)) / 100);
}

/** Draws numbers [side, side] as squares. */
function drawCells(
  canvas: HTMLCanvasElement,
  side: number,
  colour: (out: Uint8ClampedArray, at: number, i: number) => void,
): CanvasRenderingContext2D {
  canvas.width = canvas.height = side * CELL;
  const context = canvas.getContext('2d')!;
  const cells = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) colour(cells.data, 4 * i, i);
  const small = new OffscreenCanvas(side, side);
  small.getContext('2d')!.putImageData(cells, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return context;
}

const within = (n: number, most: number): number => Math.min(most, Math.max(0, n));

/** The figure of the first page: a filter on a galaxy, the sum that it makes there, and all its sums. */
export class Filtering {
  private filter: NamedFilter = FILTERS[0];
  private row = Math.floor(OUT / 2);
  private column = Math.floor(OUT / 2) - 4;

  private constructor(private readonly pixels: Float64Array) {
    const buttons = FILTERS.map((filter) => make('button', { type: 'button' }, filter.name));
    const choose = (at: number): void => {
      this.filter = FILTERS[at];
      buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(i === at)));
      this.draw();
    };
    buttons.forEach((button, at) => (button.onclick = () => choose(at)));
    byId('filters').replaceChildren(...buttons);
    for (const [canvas, side] of [
      [image, SIDE],
      [map, OUT],
    ] as const)
      for (const event of ['pointerdown', 'pointermove'] as const)
        canvas.addEventListener(event, ({ offsetX, offsetY }) => {
          const half = side === SIDE ? 1 : 0;
          this.moveTo(
            Math.floor((offsetY / canvas.clientHeight) * side) - half,
            Math.floor((offsetX / canvas.clientWidth) * side) - half,
          );
        });
    image.addEventListener('keydown', (event) => this.step(event));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    choose(0);
  }

  static async start(): Promise<void> {
    new Filtering(await galaxy());
  }

  private step(event: KeyboardEvent): void {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ] ?? [0, 0];
    if (down === 0 && right === 0) return;
    event.preventDefault();
    this.moveTo(this.row + down, this.column + right);
  }

  private moveTo(row: number, column: number): void {
    const [r, c] = [within(row, OUT - 1), within(column, OUT - 1)];
    if (r === this.row && c === this.column) return;
    [this.row, this.column] = [r, c];
    this.draw();
  }

  private draw(): void {
    const { pixels, row, column, filter } = this;
    const palette = readPalette();
    const grey = drawCells(image, SIDE, (out, at, i) => {
      out.fill(255 * pixels[i], at, at + 3);
      out[at + 3] = 255;
    });
    const frame = (context: CanvasRenderingContext2D, wide: number): void => {
      context.lineWidth = 4;
      context.strokeStyle = palette.select;
      context.strokeRect(column * CELL, row * CELL, wide * CELL, wide * CELL);
    };
    frame(grey, WIDE);
    const signed = (numbers: ArrayLike<number>, shown: Palette) => {
      const most = Math.max(...Array.from(numbers, Math.abs));
      return (out: Uint8ClampedArray, at: number, i: number) => paint(out, at, numbers[i], most, shown);
    };
    drawCells(kernel, WIDE, signed(filter.weights, palette));
    kernel.setAttribute('aria-label', `The filter for ${filter.name}: ${filter.weights.join(', ')}`);
    const sums = filtered(pixels, SIDE, filter.weights);
    frame(drawCells(map, OUT, signed(sums, palette)), 1);
    byId('sum').textContent = sumInWords(pixelsBelow(pixels, SIDE, row, column), filter.weights);
  }
}
