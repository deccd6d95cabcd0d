import { paletteColour } from '../common/dom.ts';

type Rgb = readonly [number, number, number];

/** Colours of signed numbers, and of outlines, as the page has them just now. */
export interface Palette {
  readonly negative: Rgb;
  readonly zero: Rgb;
  readonly positive: Rgb;
  readonly select: string;
  readonly accent: string;
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  readonly right: string;
  readonly paper: string;
}

/** site.css names these colours as #rrggbb. */
const rgb = (colour: string): Rgb => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) as unknown as Rgb;

const NAMES = ['select', 'accent', 'ink', 'faint', 'line', 'right', 'paper'] as const;

export function readPalette(): Palette {
  const text = Object.fromEntries(NAMES.map((name) => [name, paletteColour(name)])) as Record<
    (typeof NAMES)[number],
    string
  >;
  return {
    negative: rgb(paletteColour('negative')),
    zero: rgb(paletteColour('zero')),
    positive: rgb(paletteColour('positive')),
    ...text,
  };
}

/** Writes the colour of `value` at byte `at`: from negative over zero to positive, the full colours at ±`most`. */
export function paint(
  out: Uint8ClampedArray,
  at: number,
  value: number,
  most: number,
  { negative, zero, positive }: Palette,
): void {
  const share = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
  const end = value < 0 ? negative : positive;
  for (let c = 0; c < 3; c++) out[at + c] = zero[c] + (end[c] - zero[c]) * share;
  out[at + 3] = 255;
}
