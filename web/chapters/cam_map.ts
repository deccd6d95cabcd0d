import { make } from '../common/dom.ts';
import { paint, readPalette } from '../learn/colours.ts';

/** Side of a drawn map in pixels of the page; its numbers are squares in it. */
const SIDE = 96;

/** A map of numbers as a picture with what it is below; a place of it can be chosen. */
export class CamMap {
  readonly element: HTMLElement;
  private readonly canvas = make('canvas', { width: SIDE, height: SIDE, role: 'img' });
  private readonly caption = make('figcaption');
  private values: ArrayLike<number> = [];
  private most = 0;
  private chosen = 0;

  /** @param choose told the index of the place that was clicked */
  constructor(
    private readonly name: string,
    choose: (place: number) => void,
  ) {
    this.element = make('figure', { className: 'cam' }, this.canvas, this.caption);
    this.canvas.addEventListener('click', ({ offsetX, offsetY }) => {
      const side = Math.sqrt(this.values.length);
      const at = (offset: number, size: number) => Math.min(side - 1, Math.max(0, Math.floor((offset / size) * side)));
      choose(at(offsetY, this.canvas.clientHeight) * side + at(offsetX, this.canvas.clientWidth));
    });
  }

  /** @param most the value of the full colours; of several maps the same, so that they can be compared */
  show(values: ArrayLike<number>, most: number, caption: string): void {
    this.values = values;
    this.most = most;
    this.caption.textContent = caption;
    this.canvas.setAttribute('aria-label', `${this.name}: ${caption}`);
    this.draw();
  }

  choose(place: number): void {
    this.chosen = place;
    this.draw();
  }

  draw(): void {
    const side = Math.sqrt(this.values.length);
    const [palette, context] = [readPalette(), this.canvas.getContext('2d')!];
    const colour = new Uint8ClampedArray(4);
    const size = SIDE / side;
    for (let i = 0; i < this.values.length; i++) {
      paint(colour, 0, this.values[i], this.most, palette);
      context.fillStyle = `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
      context.fillRect((i % side) * size, Math.floor(i / side) * size, size, size);
    }
    context.strokeStyle = palette.select;
    context.lineWidth = 2;
    context.strokeRect((this.chosen % side) * size, Math.floor(this.chosen / side) * size, size, size);
  }
}

/** Draws a picture of R, G, B bytes, and over it, where there is one, a map from 0 to `most`: darker where it is 0. */
export function drawPicture(
  canvas: HTMLCanvasElement,
  bytes: Uint8Array,
  map?: { readonly values: ArrayLike<number>; readonly most: number },
): void {
  const side = Math.sqrt(bytes.length / 3);
  canvas.width = canvas.height = side;
  const image = new ImageData(side, side);
  const across = map ? Math.sqrt(map.values.length) : 1;
  for (let i = 0; i < side * side; i++) {
    const row = Math.floor((Math.floor(i / side) * across) / side);
    const place = row * across + Math.floor(((i % side) * across) / side);
    const light = map ? 0.45 + 0.55 * Math.min(1, map.most > 0 ? map.values[place] / map.most : 0) : 1;
    // The root shows what the network sees: see pixelValue in learn/sky.ts.
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = light * 16 * Math.sqrt(bytes[3 * i + c]);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}
