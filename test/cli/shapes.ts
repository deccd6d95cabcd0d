import { toPng } from '../../vision/report/encode.node.ts';

/** The classes of drawn pictures that any small network can tell apart. */
export const SHAPES = ['standing', 'lying', 'corner'] as const;

/** Whatever names a galaxy or those who vote on one. */
export const SKY = /galax|volunteer|\b(vot(e|es|ed)|smooth|featured)\b/i;

/** Grey values 0 to 255, a row after the other. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly values: readonly number[];
}

/** A bright bar on a dark ground, standing or lying or in the corner, at a place and with a noise of its own. */
export function greyShape(kind: number, i: number): Grey {
  const [width, height] = [40 + (i % 5), 34 + (i % 3)];
  const values: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const on = [Math.abs(x - 20 - (i % 4)) < 4, Math.abs(y - 17 - (i % 4)) < 4, x + y < 20][kind];
      values.push((on ? 190 : 30) + ((x * 7 + y * 13 + i * 29) % 31));
    }
  return { width, height, values };
}

/** The same as a PNG file. */
export function shape(kind: number, i: number): Uint8Array {
  const { width, height, values } = greyShape(kind, i);
  return toPng({ width, height, data: Uint8Array.from(values.flatMap((value) => [value, value, value])) });
}
