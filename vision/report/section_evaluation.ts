import type { Ends } from '../judge/metrics.ts';
import type { Evaluation } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { card, count, decimal, plot, table } from './pieces.ts';
import type { Section } from './pieces.ts';
import { confusions } from '../classes/evaluate.ts';
import { reliabilityDiagram, rocCurve } from './plots.ts';
import { confusionMatrix, confusionMap } from './plots_confusion.ts';
import { confidenceHistogram } from './plots_histograms.ts';

/** The numbers a reader came for, as cards. */
export function headline({ accuracy, auc, aucInterval, ece, macro, top5 }: Evaluation): Html {
  return html`<ul class="numbers">
${card(decimal(accuracy.value), 'Accuracy', `95 % interval ${decimal(accuracy.low)} to ${decimal(accuracy.high)}`)}
${
  macro
    ? card(decimal(macro.f1), 'Macro F1', 'the mean over classes, each counting the same')
    : card(
        decimal(auc),
        'ROC AUC',
        `${aucInterval ? `95 % interval ${decimal(aucInterval.low)} to ${decimal(aucInterval.high)}; ` : ''}0.5 is guessing, 1 is perfect`,
      )
}
${top5 && card(decimal(top5.value), 'Top-5 accuracy', `95 % interval ${decimal(top5.low)} to ${decimal(top5.high)}`)}
${card(decimal(ece), 'Calibration error', 'ECE; 0 is perfect')}
${card(count(accuracy.n), 'Images judged', `${count(accuracy.correct)} right, ${count(accuracy.n - accuracy.correct)} wrong`)}
</ul>`;
}

/** A share and the ends of its interval. */
const within = (share: number | null, { low, high }: Ends): string =>
  share === null ? decimal(share) : `${decimal(share)} (${decimal(low, 2)} to ${decimal(high, 2)})`;

/** Classes whose counts have room as numbers; and whose names have room beside a map. */
const NUMBERED = 8;
const NAMED = 100;
/** Pairs of classes in the table of confusions. */
const PAIRS = 20;

/** The confusion matrix: with numbers, as a map where there are many classes, of the worst where there are more. */
function confusionFigure({ confusion, classes }: Evaluation): Promise<Html> {
  const reading =
    'Rows are the labels, columns what the network says; percentages are of the row. Right answers lie on the diagonal.';
  if (classes.length <= NUMBERED) return plot(confusionMatrix(confusion, classes), 'Confusion matrix', reading);
  const mistakes = confusion.map((row, t) => ({ t, n: row.reduce((sum, count, p) => sum + (p === t ? 0 : count), 0) }));
  const worst = mistakes.sort((a, b) => b.n - a.n || a.t - b.t).slice(0, NAMED);
  const shown = worst.map(({ t }) => t).sort((a, b) => a - b);
  return plot(
    confusionMap(
      shown.map((t) => shown.map((p) => confusion[t][p])),
      shown.map((t) => confusion[t].reduce((a, b) => a + b, 0)),
      shown.map((t) => classes[t]),
    ),
    'Confusion matrix',
    `Rows are the labels, columns what the network says: the darker, the larger the share of the row. Right answers lie on the diagonal.${classes.length > NAMED ? ` Of ${count(classes.length)} classes the ${NAMED} with the most mistakes.` : ''}`,
    'wide',
  );
}

/** What was most often taken for what, where there are too many classes to find it in a matrix. */
function confusionsTable(evaluation: Evaluation): Html | false {
  const pairs = evaluation.classes.length > NUMBERED ? confusions(evaluation, PAIRS) : [];
  return (
    pairs.length > 0 &&
    table({
      caption: 'The most frequent confusions',
      columns: ['labelled', 'taken for', 'times'],
      rows: pairs.map(({ truth, predicted, count: times }) => [truth, predicted, count(times)]),
    })
  );
}

async function confidenceFigures({
  right,
  wrong,
  medianRight,
  medianWrong,
}: Evaluation['confidence']): Promise<Html[]> {
  const low = [...right, ...wrong].every((value) => value >= 0.5) ? 0.5 : 0;
  const figures: Html[] = [];
  if (right.length > 0) {
    figures.push(
      await plot(
        confidenceHistogram('right', right, medianRight, low),
        'Confidence when right',
        'How sure the network was of its right answers. They should crowd at the right edge.',
      ),
    );
  }
  if (wrong.length > 0) {
    figures.push(
      await plot(
        confidenceHistogram('wrong', wrong, medianWrong, low),
        'Confidence when wrong',
        'How sure it was of its wrong answers. The further left they lie, the better confidence warns of a mistake.',
      ),
    );
  }
  return figures;
}

/** Everything measured on images kept apart from training, and `further` figures that a task has. */
export async function evaluationSection(evaluation: Evaluation, further: readonly Html[] = []): Promise<Section> {
  const { perClass, macro, roc, auc, reliability, ece } = evaluation;
  const figures: Html[] = [await confusionFigure(evaluation)];
  if (roc.length > 1) {
    figures.push(
      await plot(
        rocCurve(roc, auc),
        'ROC curve',
        'Each point is one cut-off on the score. The closer the curve comes to the upper left corner, the better; the dashed line is guessing.',
      ),
    );
  }
  if (reliability.some((bin) => bin.count > 0)) {
    figures.push(
      await plot(
        reliabilityDiagram(reliability),
        'Reliability',
        `On the dashed line a confidence of 0.8 is right 8 times in 10; below it the network is too sure of itself. The red gaps, weighted by the bars, make the calibration error of ${decimal(ece)}.`,
      ),
    );
  }
  figures.push(...further);
  figures.push(...(await confidenceFigures(evaluation.confidence)));
  return {
    id: 'evaluation',
    title: 'The evaluation',
    body: html`<p>Measured on ${count(evaluation.accuracy.n)} images: ${evaluation.measuredOn}. Precision says how many of those called a class belong to it, recall how many of those that belong to it were found; in brackets the ends of the 95 % interval.</p>
${
  perClass.length > 0 &&
  table({
    caption: 'Scores per class',
    columns: ['class', 'precision', 'recall', 'F1', 'images'],
    rows: [
      ...perClass.map(({ name, precision, recall, f1, support, precisionInterval, recallInterval }) => [
        name,
        within(precision, precisionInterval),
        within(recall, recallInterval),
        decimal(f1),
        count(support),
      ]),
      ...(macro
        ? [['mean', decimal(macro.precision), decimal(macro.recall), decimal(macro.f1), count(evaluation.accuracy.n)]]
        : []),
    ],
    ...(macro && { marked: perClass.length }),
  })
}
${confusionsTable(evaluation)}
<div class="grid">${figures}</div>`,
  };
}
