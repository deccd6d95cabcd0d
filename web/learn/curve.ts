import { make } from '../common/dom.ts';
import type { Palette } from './colours.ts';
import { shortly } from './formula.ts';
import type { Change } from './run_history.ts';
import type { StepResult } from './view.ts';

const HEIGHT = 80;
const MARGIN = { left: 44, right: 10, top: 8, bottom: 20 };
/** Between a label of the axis and what is beside it. */
const GAP = 6;

type Points = readonly (readonly [step: number, value: number])[];

/** How a line is drawn: of single batches thin, of training thick, of held-out images dashed and with dots. */
const STYLES = {
  batch: { colour: 'faint', width: 1, dash: [], dots: false },
  training: { colour: 'accent', width: 2.5, dash: [], dots: false },
  heldOut: { colour: 'right', width: 1.5, dash: [4, 3], dots: true },
} as const;

interface Series {
  readonly points: Points;
  readonly style: keyof typeof STYLES;
}

/** Mean over a point and the seven before it: single batches scatter. */
const smooth = (points: Points): Points =>
  points.map(([step], i) => {
    const part = points.slice(Math.max(0, i - 7), i + 1);
    return [step, part.reduce((sum, [, v]) => sum + v, 0) / part.length];
  });

/** The numbers of the steps that have one. */
const pointsOf = (results: readonly StepResult[], of: (result: StepResult) => number | undefined): Points =>
  results.flatMap((result) => {
    const value = of(result);
    return value !== undefined && Number.isFinite(value) ? [[result.step, value] as const] : [];
  });

/**
 * How training went: the loss and the share of right answers, step by step, of the batches and of the held-out
 * images. Steps after the present one, from which one has gone back, are drawn faintly.
 */
export class Curves {
  private readonly loss = make('canvas', { role: 'img' });
  private readonly accuracy = make('canvas', { role: 'img' });

  constructor(place: HTMLElement) {
    const swatch = (kind: string) => make('span', { className: `swatch ${kind}`, 'aria-hidden': 'true' });
    const figure = (title: string, canvas: HTMLCanvasElement) => {
      const many = make('span', { className: 'many' }, ', 8 batches');
      const keys = [swatch('training'), 'training', many, swatch('held-out'), 'held out'];
      const caption = {
        title: 'Training: the mean of the last 8 batches; thin: each batch. Held out: images that are not trained on.',
      };
      return make('figure', {}, make('figcaption', caption, make('b', {}, title), ...keys), canvas);
    };
    place.append(figure('Loss', this.loss), figure('Right', this.accuracy));
  }

  draw(results: readonly StepResult[], step: number, palette: Palette, changes: readonly Change[]): void {
    const losses = pointsOf(results, ({ loss }) => loss);
    const heldOutLosses = pointsOf(results, ({ heldOutLoss }) => heldOutLoss);
    const right = pointsOf(results, ({ accuracy }) => accuracy);
    const heldOut = pointsOf(results, (result) => result.heldOut);
    const most = Math.max(0.8, ...[...losses, ...heldOutLosses].map(([, loss]) => loss));
    const last = Math.max(20, ...results.map((result) => result.step));
    const rest = { last, step, palette, changes: changes.map((change) => change.step).filter((at) => at > 0) };
    plot(
      this.loss,
      [
        { points: losses, style: 'batch' },
        { points: smooth(losses), style: 'training' },
        { points: heldOutLosses, style: 'heldOut' },
      ],
      { ...rest, most, format: (v) => shortly(v, 3), marks: [0, most / 2, most] },
    );
    plot(
      this.accuracy,
      [
        { points: right, style: 'batch' },
        { points: smooth(right), style: 'training' },
        { points: heldOut, style: 'heldOut' },
      ],
      { ...rest, most: 1, format: (v) => `${Math.round(v * 100)} %`, marks: [0, 0.5, 1] },
    );
    this.describe(results, step);
  }

  /** What the curves show, for those who do not see them. */
  private describe(results: readonly StepResult[], step: number): void {
    const now = results.findLast((result) => result.step <= step);
    const judged = results.findLast((result) => result.step <= step && result.heldOut !== undefined);
    const percent = (share: number) => `${Math.round(share * 100)} %`;
    const none = '; no step was made yet';
    const loss = now ? `; at step ${now.step} it is ${shortly(now.loss)}` : none;
    const heldOutLoss = judged ? `, and ${shortly(judged.heldOutLoss!)} on the held-out images` : '';
    this.loss.setAttribute('aria-label', `Loss by step${loss}${heldOutLoss}`);
    const right = now ? `; at step ${now.step} ${percent(now.accuracy)} of the batch` : none;
    const heldOut = judged ? `, and ${percent(judged.heldOut!)} of the held-out images` : '';
    this.accuracy.setAttribute('aria-label', `Share of right answers by step${right}${heldOut}`);
  }
}

interface Frame {
  readonly most: number;
  readonly last: number;
  readonly step: number;
  readonly palette: Palette;
  readonly marks: readonly number[];
  /** Steps after which other settings held: marked by a tick. */
  readonly changes: readonly number[];
  readonly format: (v: number) => string;
}

function plot(
  canvas: HTMLCanvasElement,
  series: readonly Series[],
  { most, last, step, palette, marks, changes, format }: Frame,
): void {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.parentElement!.clientWidth;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(HEIGHT * ratio)];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${HEIGHT}px`];
  const context = canvas.getContext('2d')!;
  context.scale(ratio, ratio);
  const y = (v: number) => MARGIN.top + (1 - v / most) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  context.font = '12px system-ui, sans-serif';
  const labels = marks.map((mark) => context.measureText(format(mark)).width);
  const left = Math.max(MARGIN.left, ...labels.map((label) => label + 2 * GAP));
  const x = (at: number) => left + (at / last) * (width - left - MARGIN.right);
  context.fillStyle = palette.faint;
  context.strokeStyle = palette.line;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (const mark of marks) {
    context.fillText(format(mark), left - GAP, y(mark));
    line(context, [
      [x(0), y(mark)],
      [x(last), y(mark)],
    ]);
  }
  context.textBaseline = 'top';
  for (const at of [0, last]) {
    context.textAlign = at === 0 ? 'left' : 'right';
    context.fillText(at === 0 ? '0' : `step ${at}`, x(at), HEIGHT - MARGIN.bottom + 5);
  }
  context.strokeStyle = palette.ink;
  for (const at of changes) {
    line(context, [
      [x(at), HEIGHT - MARGIN.bottom - 5],
      [x(at), HEIGHT - MARGIN.bottom + 5],
    ]);
  }
  for (const { points, style } of series) {
    const { colour, width: thickness, dash, dots } = STYLES[style];
    context.strokeStyle = context.fillStyle = palette[colour];
    context.lineWidth = thickness;
    for (const [alpha, part] of [
      [0.35, points.filter(([at]) => at >= step)],
      [1, points.filter(([at]) => at <= step)],
    ] as const) {
      const places = part.map(([at, v]) => [x(at), y(v)] as const);
      context.globalAlpha = alpha;
      context.setLineDash(dash);
      line(context, places);
      context.setLineDash([]);
      if (dots) for (const place of places) dot(context, place);
    }
    context.globalAlpha = 1;
  }
  context.strokeStyle = palette.select;
  context.lineWidth = 1.5;
  line(context, [
    [x(step), MARGIN.top],
    [x(step), HEIGHT - MARGIN.bottom],
  ]);
}

function line(context: CanvasRenderingContext2D, points: readonly (readonly [number, number])[]): void {
  context.beginPath();
  points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.stroke();
}

function dot(context: CanvasRenderingContext2D, [x, y]: readonly [number, number]): void {
  context.beginPath();
  context.arc(x, y, 3, 0, 2 * Math.PI);
  context.fill();
}
