import { byId, make } from '../common/dom.ts';
import { SIDE, type Sky } from './sky.ts';

const SHOWN = 8;

/** Images to look at, as radio buttons with pictures: some of those that are trained on, and some that are not. */
export function showPicker(sky: Sky, choose: (image: number) => void): void {
  const { labels, classes, training, isOwn } = sky;
  const group = (first: number, end: number, title: string) => [
    make('span', { className: 'break' }, title),
    ...Array.from({ length: Math.min(SHOWN, end - first) }, (_, i) => {
      const image = first + i;
      const name = classes[labels[image]];
      const canvas = picture(sky, image);
      canvas.title = name;
      const input = make('input', {
        type: 'radio',
        name: 'image',
        value: String(image),
        'aria-label': `${isOwn ? 'Image' : 'Galaxy'} ${image}, ${name}`,
        onchange: () => choose(image),
      });
      return make('label', {}, input, canvas);
    }),
  ];
  byId('images').replaceChildren(...group(0, training, 'Trained on'), ...group(training, labels.length, 'Held out'));
}

/** Marks the galaxy as the chosen one, where it is among those that are shown. */
export function pickGalaxy(image: number): void {
  for (const input of byId('images').querySelectorAll('input')) input.checked = input.value === String(image);
}

function picture(sky: Sky, image: number): HTMLCanvasElement {
  const canvas = make('canvas', { className: 'pixels', width: SIDE, height: SIDE });
  paintImage(canvas, sky, image);
  return canvas;
}

/**
 * Draws an image on a canvas of SIDE x SIDE; a galaxy is brightened by a root as for the network, so that the faint
 * arms are seen.
 */
export function paintImage(canvas: HTMLCanvasElement, { bytes, isOwn }: Sky, image: number): void {
  const context = canvas.getContext('2d')!;
  const data = context.createImageData(SIDE, SIDE);
  const brightened = (byte: number) => (isOwn ? byte : Math.sqrt(byte * 255));
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) data.data[i * 4 + c] = brightened(bytes[(image * SIDE * SIDE + i) * 3 + c]);
    data.data[i * 4 + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}
