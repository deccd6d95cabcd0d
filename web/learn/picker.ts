import { byId, make } from '../common/dom.ts';
import { CLASSES } from '../../galaxies/labels.ts';
import { SIDE, TRAINING, type Sky } from './sky.ts';

const SHOWN = 8;

/** Galaxies to look at, as radio buttons with pictures: some of those that are trained on, and some that are not. */
export function showPicker({ bytes, labels }: Pick<Sky, 'bytes' | 'labels'>, choose: (image: number) => void): void {
  const group = (first: number, title: string) => [
    make('span', { className: 'break' }, title),
    ...Array.from({ length: SHOWN }, (_, i) => {
      const image = first + i;
      const name = CLASSES[labels[image]];
      const canvas = picture(bytes, image);
      canvas.title = name;
      const input = make('input', {
        type: 'radio',
        name: 'image',
        value: String(image),
        'aria-label': `Galaxy ${image}, ${name}`,
        onchange: () => choose(image),
      });
      return make('label', {}, input, canvas);
    }),
  ];
  byId('images').replaceChildren(...group(0, 'Trained on'), ...group(TRAINING, 'Held out'));
}

/** Marks the galaxy as the chosen one, where it is among those that are shown. */
export function pickGalaxy(image: number): void {
  for (const input of byId('images').querySelectorAll('input')) input.checked = input.value === String(image);
}

function picture(bytes: Uint8Array, image: number): HTMLCanvasElement {
  const canvas = make('canvas', { className: 'pixels', width: SIDE, height: SIDE });
  paintGalaxy(canvas, bytes, image);
  return canvas;
}

/** Draws a galaxy on a canvas of SIDE x SIDE, brightened by a root as for the network: the faint arms are seen. */
export function paintGalaxy(canvas: HTMLCanvasElement, bytes: Uint8Array, image: number): void {
  const context = canvas.getContext('2d')!;
  const data = context.createImageData(SIDE, SIDE);
  const brightened = (byte: number) => Math.sqrt(byte * 255);
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) data.data[i * 4 + c] = brightened(bytes[(image * SIDE * SIDE + i) * 3 + c]);
    data.data[i * 4 + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}
