import { make } from '../common/dom.ts';
import { slider } from './slider.ts';
import { draw, picture, show } from './svg.ts';
import { tellNumbers } from './figure_events.ts';
import { METHODS, contours, descend, valley, type Method, type Paths } from './valley.ts';

const STEPS = 120;
/** The part of the plane that is shown. */
const [A, B] = [
  [-2, 2],
  [-1, 3],
] as const;
const SIDE = 380;
const LEVELS = [0.1, 0.5, 1, 2, 4, 8, 16, 32, 64];
const NAMES: Readonly<Record<Method, string>> = { sgd: 'SGD', momentum: 'momentum', adam: 'Adam' };

/** The losses, by powers of ten. */
const [CURVE_HIGH, MARGIN, HIGHEST, LOWEST] = [150, 44, 4, -8];

/** What is far outside ends just there. */
const within = (v: number) => (Number.isFinite(v) ? Math.min(Math.max(v, -2 * SIDE), 3 * SIDE) : 3 * SIDE);
const at = (a: number, b: number) =>
  [within(((a - A[0]) / (A[1] - A[0])) * SIDE), within(SIDE - ((b - B[0]) / (B[1] - B[0])) * SIDE)] as const;
const shown = (loss: number) => (loss < 1e9 ? String(Number(loss.toPrecision(2))) : 'without bound');

/** SGD, momentum and Adam in a curved valley: their paths, and the loss along them. */
class ValleyFigure {
  private readonly map = picture('valley', SIDE, SIDE);
  private readonly curve = picture('losses', SIDE, CURVE_HIGH);
  private readonly reading = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly lines = draw('path', {
    class: 'contours',
    d: contours(A, B, LEVELS)
      .map(([a, b, c, d]) => [at(a, b), at(c, d)].map((p) => p.map((v) => v.toFixed(1)).join()).join('L'))
      .map((piece) => `M${piece}`)
      .join(''),
  });
  private readonly rates = {
    sgd: slider('sgdRate', 'SGD: rate', [0.002, 0.1, 0.002, 0.01], () => this.walk()),
    momentum: slider('momentumRate', 'momentum: rate', [0.002, 0.1, 0.002, 0.01], () => this.walk()),
    adam: slider('adamRate', 'Adam: rate', [0.01, 0.5, 0.01, 0.1], () => this.walk()),
  };
  private readonly keeps = slider('momentum', 'momentum μ', [0, 0.95, 0.05, 0.9], () => this.walk());
  private readonly step = slider('steps', 'steps shown', [0, STEPS, 1, STEPS], () => this.draw());
  private paths: Paths;

  constructor(private readonly section: HTMLElement) {
    this.paths = this.descend();
    const dials = [...Object.values(this.rates), this.keeps, this.step].map(({ element }) => element);
    section.replaceChildren(
      make('p', { className: 'message', role: 'status' }),
      make('div', { className: 'controls' }, ...dials),
      this.reading,
      this.map,
      this.curve,
    );
    this.draw();
  }

  private descend(): Paths {
    const rate = (method: Method) => this.rates[method].input.valueAsNumber;
    return descend({
      steps: STEPS,
      rates: { sgd: rate('sgd'), momentum: rate('momentum'), adam: rate('adam') },
      momentum: this.keeps.input.valueAsNumber,
    });
  }

  private walk(): void {
    this.paths = this.descend();
    this.draw();
  }

  private draw(): void {
    const count = this.step.input.valueAsNumber;
    const losses = METHODS.map((method) => this.paths[method].slice(0, count + 1).map(([a, b]) => valley(a, b)));
    const ends = METHODS.map((method, i) => `${NAMES[method]} ${shown(losses[i][count])}`);
    this.reading.textContent = `Loss after ${count} ${count === 1 ? 'step' : 'steps'}: ${ends.join(', ')}.`;
    const [x, y] = at(1, 1);
    show(
      this.map,
      `Paths in a curved valley from the same start to the lowest point, a cross. ${this.reading.textContent}`,
      this.lines,
      ...METHODS.flatMap((method) => this.path(method, count)),
      draw('path', { class: 'lowest', d: `M${x - 7},${y - 7}l14,14m0,-14l-14,14` }),
    );
    this.drawLosses(losses);
    tellNumbers(this.section, Object.fromEntries(METHODS.map((method, i) => [method, losses[i][count]])));
  }

  private path(method: Method, count: number): SVGElement[] {
    const places = this.paths[method].slice(0, count + 1).map(([a, b]) =>
      at(a, b)
        .map((v) => v.toFixed(1))
        .join(),
    );
    const [x, y] = at(...this.paths[method][count]);
    const shape = {
      sgd: `M${x - 7},${y}a7,7 0 1 0 14,0a7,7 0 1 0 -14,0`,
      momentum: `M${x - 6},${y - 6}h12v12h-12z`,
      adam: `M${x},${y - 8}l8,14h-16z`,
    }[method];
    return [
      draw('polyline', { class: `path ${method}`, points: places.join(' ') }),
      draw('path', { class: `steps ${method}`, d: places.map((place) => `M${place}h0`).join('') }),
      draw('path', { class: `end ${method}`, d: shape }),
    ];
  }

  private drawLosses(losses: readonly (readonly number[])[]): void {
    const width = SIDE - MARGIN - 104;
    const across = (t: number) => MARGIN + (t / STEPS) * width;
    const up = (loss: number) => {
      const log = loss < 10 ** HIGHEST ? Math.max(Math.log10(loss), LOWEST) : HIGHEST;
      return 10 + ((HIGHEST - log) / (HIGHEST - LOWEST)) * (CURVE_HIGH - 32);
    };
    // Names at the ends, kept apart.
    const ends = METHODS.map((method, i) => ({
      method,
      x: across(losses[i].length - 1),
      y: up(losses[i][losses[i].length - 1]),
    }));
    let below = CURVE_HIGH - 10;
    for (const end of ends.sort((a, b) => b.y - a.y)) below = end.y = Math.min(end.y, below - 15);
    show(
      this.curve,
      `The loss over the steps, by powers of ten. ${this.reading.textContent}`,
      ...[4, 0, -4, -8].flatMap((p) => [
        draw('line', { class: 'axis', x1: MARGIN, x2: MARGIN + width, y1: up(10 ** p), y2: up(10 ** p) }),
        draw(
          'text',
          { class: 'tick right', x: MARGIN - 5, y: up(10 ** p) + 4 },
          p === 0 ? '1' : `1e${p}`.replace('-', '−'),
        ),
      ]),
      ...METHODS.map((method, i) =>
        draw('polyline', {
          class: `path ${method}`,
          points: losses[i].map((loss, t) => `${across(t).toFixed(1)},${up(loss).toFixed(1)}`).join(' '),
        }),
      ),
      ...ends.map(({ method, x, y }) =>
        draw(
          'text',
          { class: `name ${method}`, x: x + 6, y: y + 4 },
          `${{ sgd: '●', momentum: '■', adam: '▲' }[method]} ${NAMES[method]}`,
        ),
      ),
      draw('text', { class: 'tick', x: MARGIN, y: CURVE_HIGH - 4 }, '0'),
      draw('text', { class: 'tick right', x: MARGIN + width, y: CURVE_HIGH - 4 }, `${STEPS} steps`),
    );
  }
}

export const valleyFigure = async (section: HTMLElement): Promise<void> => void new ValleyFigure(section);
