import { make } from '../common/dom.ts';
import type { Palette } from './colours.ts';
import { shortly } from './formula.ts';
import type { StepResult } from './view.ts';

const HEIGHT = 80;
const MARGIN = { left: 44, right: 10, top: 8, bottom: 20 };
/** Between a label of the axis and what is beside it. */
const GAP = 6;

interface Series {
  readonly values: readonly (readonly [step: number, value: number])[];
  readonly dots: boolean;
  readonly colour: 'accent' | 'right' | 'faint';
}

/** Mean over a point and the seven before it: single batches scatter. */
const smooth = (points: readonly (readonly [number, number])[]): (readonly [number, number])[] =>
  points.map(([step], i) => {
    const part = points.slice(Math.max(0, i - 7), i + 1);
    return [step, part.reduce((sum, [, v]) => sum + v, 0) / part.length];
  });

/**
 * How training went: the loss and the share of right answers, step by step. Steps after the present one, from which one
 * has gone back, are drawn faintly.
 */
export class Curves {
  private readonly loss = make('canvas', { role: 'img' });
  private readonly accuracy = make('canvas', { role: 'img' });

  constructor(place: HTMLElement) {
    const figure = (title: (string | Node)[], canvas: HTMLCanvasElement) =>
      make('figure', {}, make('figcaption', {}, ...title), canvas);
    place.append(
      figure(['Loss of each batch, in nats; thick line: mean of the last 8'], this.loss),
      figure(
        ['Right answers in the last 8 batches; ', make('span', { className: 'dot' }, '●'), ' on the held-out galaxies'],
        this.accuracy,
      ),
    );
  }

  draw(results: readonly StepResult[], step: number, palette: Palette): void {
    const losses = results.map(({ step, loss }) => [step, loss] as const);
    const right = results.map(({ step, accuracy }) => [step, accuracy] as const);
    const heldOut = results.flatMap(({ step, heldOut }) => (heldOut === undefined ? [] : [[step, heldOut] as const]));
    const most = Math.max(0.8, ...losses.map(([, loss]) => loss));
    const last = Math.max(20, ...results.map(({ step }) => step));
    plot(
      this.loss,
      [
        { values: losses, dots: false, colour: 'faint' },
        { values: smooth(losses), dots: false, colour: 'accent' },
      ],
      { most, last, step, palette, format: (v) => shortly(v, 3), marks: [0, most / 2, most] },
    );
    plot(
      this.accuracy,
      [
        { values: smooth(right), dots: false, colour: 'accent' },
        { values: heldOut, dots: true, colour: 'right' },
      ],
      { most: 1, last, step, palette, format: (v) => `${Math.round(v * 100)} %`, marks: [0, 0.5, 1] },
    );
    const now = results.findLast((result) => result.step <= step);
    this.loss.setAttribute(
      'aria-label',
      now ? `Loss by step; at step ${now.step} it is ${shortly(now.loss)}` : 'Loss by step; no step was made yet',
    );
    this.accuracy.setAttribute(
      'aria-label',
      now
        ? `Share of right answers by step; at step ${now.step} ${Math.round(now.accuracy * 100)} % of the batch`
        : 'Share of right answers by step; no step was made yet',
    );
  }
}

interface Frame {
  readonly most: number;
  readonly last: number;
  readonly step: number;
  readonly palette: Palette;
  readonly marks: readonly number[];
  readonly format: (v: number) => string;
}

function plot(
  canvas: HTMLCanvasElement,
  series: readonly Series[],
  { most, last, step, palette, marks, format }: Frame,
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
  for (const { values, dots, colour } of series) {
    context.strokeStyle = context.fillStyle = palette[colour];
    context.lineWidth = colour === 'accent' ? 2.5 : 1;
    if (!dots) {
      context.globalAlpha = 0.35;
      line(
        context,
        values.filter(([at]) => at >= step).map(([at, v]) => [x(at), y(v)]),
      );
      context.globalAlpha = 1;
      line(
        context,
        values.filter(([at]) => at <= step).map(([at, v]) => [x(at), y(v)]),
      );
    } else {
      for (const [at, v] of values) {
        context.globalAlpha = at <= step ? 1 : 0.35;
        context.beginPath();
        context.arc(x(at), y(v), 3.5, 0, 2 * Math.PI);
        context.fill();
      }
      context.globalAlpha = 1;
    }
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
