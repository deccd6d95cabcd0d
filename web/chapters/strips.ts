import { showNumber } from '../../engine/explain/show_number.ts';
import { make } from '../common/dom.ts';
import type { Shown } from './figure_core.ts';
import { draw } from './svg.ts';

const [WIDTH, HEIGHT, LEFT, RIGHT] = [320, 54, 48, 12];

/** A dot for each number of each column on a common number line, to see where a batch lies and how wide. */
export function strips(values: readonly Shown[]): HTMLElement {
  const all = values.flatMap(({ data }) => data);
  const [low, high] = [Math.floor(Math.min(...all, 0)), Math.ceil(Math.max(...all, 1))];
  const place = (v: number) => LEFT + ((v - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  return make(
    'div',
    { className: 'strips' },
    ...values.map(({ name, shape: [rows, columns], data }) => {
      const mean = (c: number) =>
        Array.from({ length: rows }, (_, i) => data[i * columns + c]).reduce((a, b) => a + b, 0) / rows;
      const picture = draw('svg', {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: 'img',
        'aria-label': `${name}: ${Array.from({ length: columns }, (_, c) => `mean of column ${c} ${showNumber(mean(c))}`).join(', ')}`,
      });
      picture.append(draw('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: 34, y2: 34, class: 'axis' }));
      for (const tick of [low, 0, high])
        picture.append(draw('text', { x: place(tick), y: 50, class: 'tick' }, String(tick).replace('-', '−')));
      for (let c = 0; c < columns; c++)
        picture.append(draw('text', { x: 0, y: 30 - 14 * c, class: 'tick channel' }, `c = ${c}`));
      data.forEach((v, i) =>
        picture.append(
          draw('circle', { cx: place(v), cy: 26 - 14 * (i % columns), r: 5, class: `dot column-${i % columns}` }),
        ),
      );
      return make(
        'figure',
        {},
        make('figcaption', {}, make('strong', {}, name), ' on the number line, one row of dots for each channel'),
        picture as unknown as HTMLElement,
      );
    }),
  );
}
