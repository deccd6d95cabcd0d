import { FIGURES, type Figure } from '../judge/figures.ts';
import type { TrainingSummary } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { decimal, duration, plot, table } from './pieces.ts';
import type { Section } from './pieces.ts';
import { trainingCurve } from './plots.ts';

/** What the task measures beside the loss. */
const figureOf = ({ epochs: [first] }: TrainingSummary): Figure =>
  Object.values(FIGURES).find(({ name }) => Object.hasOwn(first.train, name))!;

function epochTable(training: TrainingSummary): Html {
  const { epochs, bestEpoch } = training;
  const { name: figure, digits } = figureOf(training);
  return table({
    caption: bestEpoch === undefined ? 'Every epoch' : 'Every epoch; the one whose weights were kept is bold',
    columns: ['epoch', 'phase', 'learning rate', 'loss', figure, 'val. loss', `val. ${figure}`, 'time'],
    rows: epochs.map(({ epoch, phase, learningRate, train, validation, seconds }) => [
      epoch,
      phase,
      String(Number(learningRate.toPrecision(3))),
      decimal(train.loss, 4),
      decimal(train[figure], digits),
      decimal(validation?.loss ?? null, 4),
      decimal(validation?.[figure] ?? null, digits),
      duration(seconds),
    ]),
    marked: epochs.findIndex(({ epoch }) => epoch === bestEpoch),
  });
}

/** Curves over all phases, the options of the run, and the numbers behind the curves. */
export async function trainingSection(training: TrainingSummary): Promise<Section> {
  const { epochs, configuration, changes = [] } = training;
  const curves =
    epochs.length > 0 &&
    html`<div class="grid">${[
      await plot(
        trainingCurve(epochs, 'loss'),
        'Loss',
        'Lower is better. Where validation rises while training still falls, the network learns its examples by heart.',
      ),
      await plot(trainingCurve(epochs, figureOf(training).name), figureOf(training).title, figureOf(training).caption),
    ]}</div>`;
  return {
    id: 'training',
    title: 'The training',
    body: html`${changes.map((change) => html`<p>The training was interrupted, and went on with something else than it was begun with: ${change}.</p>`)}${curves}
<div class="tables">${epochs.length > 0 && epochTable(training)}${
      configuration.length > 0 &&
      table({
        caption: 'Configuration',
        columns: ['option', 'value'],
        rows: configuration.map(({ name, value }) => [name, String(value)]),
        plain: true,
      })
    }</div>`,
  };
}
