import type { Picture } from './picture.ts';

/** Shows a picture on a canvas, which takes its size. */
export function draw(canvas: HTMLCanvasElement, { width, height, data }: Picture): void {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
}

/** One canvas over another, `opacity` in 0..1; the upper is brought to the size of the lower. */
export function drawOver(
  canvas: HTMLCanvasElement,
  lower: HTMLCanvasElement,
  upper: HTMLCanvasElement,
  opacity: number,
): void {
  canvas.width = lower.width;
  canvas.height = lower.height;
  const context = canvas.getContext('2d')!;
  context.drawImage(lower, 0, 0);
  context.globalAlpha = opacity;
  context.drawImage(upper, 0, 0, canvas.width, canvas.height);
}
