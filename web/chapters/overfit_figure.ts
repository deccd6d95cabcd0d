import { make } from '../common/dom.ts';
import {
  LEAST_LOSS,
  fitted,
  leastHeldOut,
  mostDegree,
  otherFits,
  predict,
  truth,
  verdict,
  type Choice,
  type Fitted,
  type Weights,
} from './fitting.ts';
import { tellNumbers } from './figure_events.ts';
import { CurvePlot, LossPlot } from './overfit_plots.ts';

const POINTS = [8, 10, 12, 15, 20, 30, 50, 100, 200];
const DECAYS = [0, 0.0001, 0.001, 0.01, 0.1, 1];
const START: Choice = { points: 10, degree: 9, decay: 0, seed: 1 };

const shown = (n: number): string => {
  if (n !== 0 && (n < 1e-4 || n >= 1e5)) return n.toExponential(1).replace('-', '−');
  return n >= 100 ? String(Math.round(n)) : String(Number(n.toPrecision(3)));
};

/**
 * A polynomial fitted to a few points as its degree, the points and the weight decay change: the curve on the left, the
 * losses of every degree on the right.
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its elements answer each other
export async function overfitFigure(section: HTMLElement): Promise<void> {
  let choice = START;
  const curve = new CurvePlot();
  const graph = new LossPlot();
  const reading = make('p', { className: 'behind said', 'aria-live': 'polite' });
  const degree = make('input', { type: 'range', name: 'degree', min: '0', step: '1' });
  const degreeShown = make('output');
  const dials = [
    dial('points', POINTS, START.points, (points) => ({ ...choice, points })),
    dial('decay', DECAYS, START.decay, (decay) => ({ ...choice, decay }), 'weight decay'),
  ];
  degree.addEventListener('input', () => change({ ...choice, degree: Number(degree.value) }));
  const others = make('input', { type: 'checkbox', name: 'others' });
  others.addEventListener('change', () => draw());

  function dial(
    name: string,
    values: readonly number[],
    value: number,
    next: (v: number) => Choice,
    label = name,
  ): HTMLElement {
    const select = make(
      'select',
      { name },
      ...values.map((v) => make('option', { value: String(v), selected: v === value }, String(v))),
    );
    select.addEventListener('change', () => change(next(Number(select.value))));
    return make('label', {}, label, select);
  }

  function change(next: Choice): void {
    choice = { ...next, degree: Math.min(next.degree, mostDegree(next.points)) };
    draw();
  }

  function draw(): void {
    const now = fitted(choice);
    degree.max = String(mostDegree(choice.points));
    degree.value = degreeShown.textContent = String(choice.degree);
    drawCurve(curve, now, others.checked ? otherFits(choice) : []);
    graph.losses(now.byDegree, choice.degree, LEAST_LOSS);
    reading.textContent = inWords(choice, now);
    tellNumbers(section, { training: now.trainingLoss, heldout: now.heldOutLoss });
  }

  section.replaceChildren(
    make('p', { className: 'message', role: 'status' }),
    make(
      'div',
      { className: 'controls' },
      make('label', {}, make('span', {}, 'degree ', degreeShown), degree),
      ...dials,
      make('button', { type: 'button', onclick: () => change({ ...choice, seed: choice.seed + 1 }) }, 'Other points'),
      make('label', { className: 'check' }, others, 'fits to other points too'),
    ),
    reading,
    make(
      'div',
      { className: 'pair' },
      make(
        'figure',
        {},
        curve.element,
        make('figcaption', {}, key('point'), ' points ', key('fit'), ' fitted ', key('truth'), ' truth'),
      ),
      make(
        'figure',
        {},
        graph.element,
        make(
          'figcaption',
          {},
          key('training'),
          ' training loss ',
          key('heldOut'),
          ' held-out loss ',
          key('truth'),
          ' the scatter itself',
        ),
      ),
    ),
  );
  draw();
}

/** A mark of the legend. */
const key = (kind: string): HTMLElement => make('span', { className: `key ${kind}`, 'aria-hidden': 'true' });

function drawCurve(curve: CurvePlot, { training, weights }: Fitted, others: readonly Weights[]): void {
  curve.clear();
  for (const other of others) curve.line((x) => predict(other, x), 'other');
  curve.line(truth, 'truth');
  curve.line((x) => predict(weights, x), 'fit');
  training.x.forEach((x, i) => curve.dot(x, training.y[i]));
}

const inWords = ({ degree, points, decay, seed }: Choice, now: Fitted): string =>
  [
    `Degree ${degree} on ${points} points${decay > 0 ? `, weight decay ${decay}` : ''}:`,
    `training loss = ${shown(now.trainingLoss)}, held-out loss = ${shown(now.heldOutLoss)}.`,
    verdict(now, leastHeldOut({ points, seed }, DECAYS)),
  ].join(' ');
