/* The two pictures of the figure on overfitting, as SVG: colours are classes in chapters.css. */

const SVG = 'http://www.w3.org/2000/svg';

function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>>,
  text?: string,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

const [WIDTH, HEIGHT] = [360, 190];
const EDGE = { left: 44, right: 8, top: 10, bottom: 38 };

const signed = (n: number): string => String(n).replace('-', '−');

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  readonly label: string;
}

/** A plot with axes: what is drawn in it lies between `low` and `high`, or is cut off at the frame. */
class Plot {
  readonly element: SVGSVGElement;
  protected readonly marks = svg('g', { 'clip-path': '' });
  private readonly title: SVGTitleElement;

  constructor(
    title: string,
    private readonly across: Axis,
    private readonly up: Axis,
  ) {
    this.title = svg('title', {}, title);
    const id = `clip-${title.toLowerCase().replaceAll(/\W+/g, '-')}`;
    this.element = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'plot', 'aria-label': title });
    const [width, height] = [WIDTH - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
    const frame = { x: EDGE.left, y: EDGE.top, width, height };
    const clip = svg('clipPath', { id });
    clip.append(svg('rect', frame));
    this.marks.setAttribute('clip-path', `url(#${id})`);
    this.element.append(this.title, clip, svg('rect', { ...frame, class: 'frame' }));
    for (const tick of across.ticks)
      this.element.append(svg('text', { x: this.x(tick), y: HEIGHT - EDGE.bottom + 16, class: 'tick' }, signed(tick)));
    for (const tick of up.ticks)
      this.element.append(
        svg('line', { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: this.y(tick), y2: this.y(tick), class: 'rule' }),
        svg('text', { x: EDGE.left - 5, y: this.y(tick) + 4, class: 'tick side' }, this.shown(tick)),
      );
    this.element.append(
      svg('text', { x: EDGE.left + width / 2, y: HEIGHT - 4, class: 'tick' }, across.label),
      this.marks,
    );
  }

  protected shown(tick: number): string {
    return signed(tick);
  }

  protected x(value: number): number {
    const { low, high } = this.across;
    return EDGE.left + ((value - low) / (high - low)) * (WIDTH - EDGE.left - EDGE.right);
  }

  /** Kept within twice the frame: a browser draws no line to a point millions of pixels away. */
  protected y(value: number): number {
    const { low, high } = this.up;
    const share = Math.max(-1, Math.min(2, (value - low) / (high - low)));
    return HEIGHT - EDGE.bottom - share * (HEIGHT - EDGE.top - EDGE.bottom);
  }

  clear(): void {
    this.marks.replaceChildren();
  }

  protected path(points: readonly (readonly [number, number])[], kind: string): void {
    const d = points.map(([x, y], i) => `${i ? 'L' : 'M'}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join('');
    this.marks.append(svg('path', { d, class: kind }));
  }
}

/** The points, the truth and what is fitted. */
export class CurvePlot extends Plot {
  constructor() {
    super(
      'The points and the curves',
      { low: -1.05, high: 1.05, ticks: [-1, -0.5, 0, 0.5, 1], label: 'x' },
      { low: -2.2, high: 2.2, ticks: [-2, -1, 0, 1, 2], label: 'y' },
    );
  }

  line(f: (x: number) => number, kind: string): void {
    this.path(
      Array.from({ length: 201 }, (_, i) => [i / 100 - 1, f(i / 100 - 1)] as const),
      kind,
    );
  }

  dot(x: number, y: number): void {
    this.marks.append(svg('circle', { cx: this.x(x), cy: this.y(y), r: 4, class: 'point' }));
  }
}

/** The losses by degree: the ordinate is a power of ten. */
export class LossPlot extends Plot {
  constructor() {
    super(
      'The losses by degree',
      { low: 0, high: 12, ticks: [0, 2, 4, 6, 8, 10, 12], label: 'degree' },
      { low: -3, high: 4, ticks: [-3, -2, -1, 0, 1, 2, 3, 4], label: 'loss' },
    );
  }

  protected override shown(power: number): string {
    return String(10 ** power);
  }

  losses(
    byDegree: readonly { readonly training: number; readonly heldOut: number }[],
    chosen: number,
    least: number,
  ): void {
    this.clear();
    const log = (loss: number) => Math.log10(Math.max(loss, 1e-12));
    this.path(
      [0, 12].map((at) => [at, log(least)] as const),
      'truth',
    );
    this.path(
      [-3, 4].map((at) => [chosen, at] as const),
      'chosen',
    );
    for (const kind of ['training', 'heldOut'] as const) {
      this.path(
        byDegree.map((each, degree) => [degree, log(each[kind])] as const),
        kind,
      );
      byDegree.forEach((each, degree) =>
        this.marks.append(
          svg('circle', {
            cx: this.x(degree),
            cy: this.y(log(each[kind])),
            r: degree === chosen ? 6 : 3,
            class: `${kind} dot`,
          }),
        ),
      );
    }
  }
}
