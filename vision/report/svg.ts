import type { Config, TopLevelSpec } from 'vega-lite';
import { escapeHtml } from './html.ts';

/**
 * Colours that keep 3:1 contrast on white and on near-black and stay apart for the colour-blind. Blue and orange
 * stand for classes, teal and vermilion for right and wrong, so that no colour means two things.
 */
export const colours = {
  blue: '#3f7fbf',
  orange: '#d07a1c',
  grey: '#8a8f98',
  purple: '#9a6bb8',
  teal: '#1f968b',
  vermilion: '#d1512d',
  olive: '#8f8a1e',
} as const;

/** For things that have no colour of their own: the answers of a question, seven at most, or runs. */
const series = [
  colours.blue,
  colours.orange,
  colours.teal,
  colours.purple,
  colours.olive,
  colours.vermilion,
  colours.grey,
];
export const COLOURS = series.length;
/** The colour of the thing at a place, from 0; after the last they begin anew. */
export const seriesColour = (place: number): string => series[place % COLOURS];

/** Text and lines take the page's own colour, so that one drawing serves a light page, a dark one and print. */
const ink = 'currentColor';
const theme: Config = {
  aria: false,
  background: 'transparent',
  padding: 4,
  font: 'system-ui, -apple-system, Segoe UI, Roboto, sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: ink,
    labelOpacity: 0.8,
    labelFontSize: 11,
    titleColor: ink,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    gridColor: ink,
    gridOpacity: 0.12,
    domainColor: ink,
    domainOpacity: 0.45,
    tickColor: ink,
    tickOpacity: 0.45,
    tickSize: 4,
    labelFlush: false,
  },
  // The same room for numbers beside every drawing, so that neighbours come out equally large.
  axisY: { minExtent: 34 },
  legend: {
    labelColor: ink,
    labelFontSize: 12,
    title: null,
    orient: 'top',
    symbolSize: 110,
    symbolStrokeWidth: 2.5,
    columnPadding: 4,
    offset: 8,
  },
  bar: { color: colours.blue },
  line: { strokeWidth: 2.25 },
  rule: { color: ink },
  text: { color: ink, fontSize: 12 },
};

/** Coordinates to a hundredth of a pixel, which no eye can tell from sixteen digits. */
const shorten = (path: string): string =>
  path.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)) || 0));

/** A circle, which vega writes as a path of two arcs, in a third of the bytes: a report has thousands. */
const roundOff = (svg: string): string =>
  svg.replace(
    /<path transform="translate\(([-\d.]+),([-\d.]+)\)" d="M([\d.]+),0A\3,\3,0,1,1,-\3,0A\3,\3,0,1,1,\3,0"( [^>]*?)?\/?>(?:<\/path>)?/g,
    '<circle cx="$1" cy="$2" r="$3"$4/>',
  );

/**
 * A vega-lite drawing as an SVG element, in the report's theme, without a DOM or a canvas. `label` is its title, and is
 * read out in its place. Use no clipping and no gradients: vega gives those ids that it counts through the whole
 * process, and the same data would no longer give the same bytes.
 */
export async function renderSvg(spec: TopLevelSpec, label: string): Promise<string> {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new vega.View(vega.parse(vegaLite.compile({ ...spec, config: theme }).spec), { renderer: 'none' });
  try {
    const svg = await view.toSVG();
    const short = svg
      .replace(/<path class="(?:background|foreground)"[^>]*(?:display="none"|d="M0,0h0v0h0Z")[^>]*\/>/g, '')
      // The drawing is one picture that its title names: its parts have no names of their own.
      .replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, '')
      .replace(/ (?:d|transform)="[^"]*"/g, shorten)
      .replace(/^<svg [^>]*?class="marks"/, (start) => `${start} role="img" aria-label="${escapeHtml(label)}"`)
      .replace(/^<svg [^>]*>/, (start) => `${start}<title>${escapeHtml(label)}</title>`);
    return roundOff(short);
  } finally {
    view.finalize();
  }
}
