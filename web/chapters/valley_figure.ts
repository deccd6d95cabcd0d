import { make, paletteColour } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import { engine } from './engine.ts';
import { tellNumbers } from './figure_events.ts';
import { valley, type Descent, type Paths } from './valley.ts';

const STEPS = 120;
/** The part of the plane that is shown. */
const [A, B] = [
  [-2, 2],
  [-1, 3],
] as const;
const SIDE = 480;
const LEVELS = [0.1, 0.5, 1, 2, 4, 8, 16, 32, 64];

interface Dial {
  readonly name: keyof Omit<Descent, 'steps'>;
  readonly label: string;
  readonly range: readonly [low: number, high: number, step: number];
  readonly value: number;
}
const DIALS: readonly Dial[] = [
  { name: 'adamRate', label: 'Adam: learning rate', range: [0.01, 0.5, 0.01], value: 0.1 },
  { name: 'sgdRate', label: 'SGD: learning rate', range: [0.001, 0.1, 0.001], value: 0.01 },
  { name: 'momentum', label: 'SGD: momentum', range: [0, 0.95, 0.05], value: 0 },
];

/** Adam's way down a curved valley beside that of SGD. */
class ValleyFigure {
  private readonly place = make('p', { className: 'message', role: 'status' }, 'The figure is being made …');
  private readonly canvas = make('canvas', { width: SIDE, height: SIDE, className: 'valley', role: 'img' });
  private readonly reading = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly step = make('input', {
    type: 'range',
    min: '0',
    max: String(STEPS),
    step: '1',
    value: String(STEPS),
  });
  private readonly dials = new Map<string, HTMLInputElement>();
  private paths: Paths | undefined;
  private asked = 0;

  constructor(private readonly section: HTMLElement) {
    const controls = DIALS.map(({ name, label, range: [min, max, step], value }) => {
      const dial = make('input', {
        type: 'range',
        min: String(min),
        max: String(max),
        step: String(step),
        value: String(value),
        name,
      });
      const shown = make('output', {}, String(value));
      dial.addEventListener('input', () => {
        shown.textContent = dial.value;
        void this.start();
      });
      this.dials.set(name, dial);
      return make('label', {}, make('span', {}, `${label} `, shown), dial);
    });
    this.step.addEventListener('input', () => this.draw());
    const legend = make(
      'p',
      { className: 'legend' },
      make('span', { className: 'adam' }, 'Adam'),
      ' ',
      make('span', { className: 'sgd' }, 'SGD'),
      ' from the same start to the lowest point, the cross',
    );
    section.replaceChildren(
      this.place,
      make('div', { className: 'controls' }, ...controls, make('label', {}, 'steps shown', this.step)),
      legend,
      this.canvas,
      this.reading,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  async start(): Promise<void> {
    const turn = ++this.asked;
    const dial = (name: string) => Number(this.dials.get(name)!.value);
    try {
      const paths = await engine().call('descend', {
        steps: STEPS,
        adamRate: dial('adamRate'),
        sgdRate: dial('sgdRate'),
        momentum: dial('momentum'),
      });
      if (turn !== this.asked) return;
      this.paths = paths;
      showMessage(this.place, '');
      requestAnimationFrame(() => this.draw());
    } catch (error) {
      showMessage(this.place, error);
    }
  }

  private draw(): void {
    if (!this.paths) return;
    const context = this.canvas.getContext('2d')!;
    const at = (a: number, b: number) =>
      [((a - A[0]) / (A[1] - A[0])) * SIDE, SIDE - ((b - B[0]) / (B[1] - B[0])) * SIDE] as const;
    context.clearRect(0, 0, SIDE, SIDE);
    contours(context, at);
    context.strokeStyle = paletteColour('ink');
    context.lineWidth = 2;
    const [x, y] = at(1, 1);
    context.beginPath();
    for (const [dx, dy] of [
      [6, 6],
      [6, -6],
    ]) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
    const count = Number(this.step.value);
    const losses: Record<string, number> = {};
    const ends = (
      [
        ['Adam', this.paths.adam, 'accent'],
        ['SGD', this.paths.sgd, 'negative'],
      ] as const
    ).map(([name, path, colour]) => {
      context.strokeStyle = context.fillStyle = paletteColour(colour);
      context.lineWidth = 2.5;
      context.beginPath();
      for (let t = 0; t <= count; t++) context.lineTo(...at(path[2 * t], path[2 * t + 1]));
      context.stroke();
      for (let t = 0; t <= count; t++) {
        context.beginPath();
        context.arc(...at(path[2 * t], path[2 * t + 1]), t === count ? 6 : 2.5, 0, 2 * Math.PI);
        context.fill();
      }
      const loss = valley(path[2 * count], path[2 * count + 1]);
      losses[name] = loss;
      return `${name} ${Number.isFinite(loss) ? loss.toPrecision(3) : 'without bound'}`;
    });
    this.reading.textContent = `Loss after ${count} steps: ${ends.join(', ')}.`;
    this.canvas.setAttribute('aria-label', `The paths of Adam and SGD in the valley. ${this.reading.textContent}`);
    tellNumbers(this.section, losses);
  }
}

export const valleyFigure = (section: HTMLElement): Promise<void> => new ValleyFigure(section).start();

/** Lines of equal loss, by marching through a grid of small squares. */
function contours(context: CanvasRenderingContext2D, at: (a: number, b: number) => readonly [number, number]): void {
  const cells = 96;
  const grid = Array.from({ length: cells + 1 }, (_, j) =>
    Array.from({ length: cells + 1 }, (__, i) =>
      valley(A[0] + ((A[1] - A[0]) * i) / cells, B[0] + ((B[1] - B[0]) * j) / cells),
    ),
  );
  const point = (i: number, j: number) => at(A[0] + ((A[1] - A[0]) * i) / cells, B[0] + ((B[1] - B[0]) * j) / cells);
  context.strokeStyle = paletteColour('line');
  context.lineWidth = 1;
  context.beginPath();
  for (const level of LEVELS) {
    for (let j = 0; j < cells; j++)
      for (let i = 0; i < cells; i++) {
        const corners = [
          [i, j],
          [i + 1, j],
          [i + 1, j + 1],
          [i, j + 1],
        ] as const;
        const crossings = corners.flatMap(([ci, cj], k) => {
          const [ni, nj] = corners[(k + 1) % 4];
          const [from, to] = [grid[cj][ci], grid[nj][ni]];
          if (from < level === to < level) return [];
          const share = (level - from) / (to - from);
          return [point(ci + share * (ni - ci), cj + share * (nj - cj))];
        });
        for (let k = 0; k + 1 < crossings.length; k += 2) {
          context.moveTo(...crossings[k]);
          context.lineTo(...crossings[k + 1]);
        }
      }
  }
  context.stroke();
}
