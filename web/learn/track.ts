import { make } from '../common/dom.ts';
import type { Track } from './follow.ts';
import { shortly } from './formula.ts';

const [WIDTH, HEIGHT] = [380, 96];
const MARGIN = { left: 64, right: 12, top: 8, bottom: 20 };

function svg(tag: string, attributes: Readonly<Record<string, string | number>>, ...children: (Node | string)[]) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A weight over all steps that are kept, as a line; the present step is marked. */
export function trackOf(track: Track, step: number): HTMLElement {
  const values = track.map(([, value]) => value).filter(Number.isFinite);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [track[0][0], Math.max(track[track.length - 1][0], track[0][0] + 1)];
  // A weight that never moved lies in the middle.
  const span = most > least ? most - least : 1;
  const middle = (most + least) / 2;
  const x = (at: number) => MARGIN.left + ((at - first) / (last - first)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) => {
    const height = HEIGHT - MARGIN.top - MARGIN.bottom;
    return MARGIN.top + height * (0.5 - (value - middle) / span);
  };
  const now = track.find(([at]) => at === step);
  const label = (text: string, at: { x: number; y: number; 'text-anchor': string }) => svg('text', { ...at }, text);
  const bounds = most > least ? [least, most] : [middle];
  const drawn = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'track' },
    svg(
      'title',
      {},
      `The weight from step ${first}, ${shortly(track[0][1])}, to step ${track[track.length - 1][0]}, ${shortly(track[track.length - 1][1])}; the least is ${shortly(least)}, the most ${shortly(most)}`,
    ),
    ...bounds.flatMap((value) => [
      svg('line', { class: 'mark', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value) }),
      label(shortly(value, 3), { x: MARGIN.left - 6, y: y(value) + 4, 'text-anchor': 'end' }),
    ]),
    svg('polyline', {
      class: 'weight',
      points: track
        .filter(([, value]) => Number.isFinite(value))
        .map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
        .join(' '),
    }),
    ...(now && Number.isFinite(now[1]) ? [svg('circle', { class: 'now', cx: x(now[0]), cy: y(now[1]), r: 4 })] : []),
    label(`step ${first}`, { x: MARGIN.left, y: HEIGHT - 5, 'text-anchor': 'start' }),
    label(`step ${last}`, { x: WIDTH - MARGIN.right, y: HEIGHT - 5, 'text-anchor': 'end' }),
  );
  return make('figure', { className: 'track-figure' }, make('figcaption', {}, 'The weight over all steps kept'), drawn);
}
