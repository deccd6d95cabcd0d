import type { Evaluation } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { card, count, decimal, plot, table } from './pieces.ts';
import type { Section } from './pieces.ts';
import { confusionMatrix, reliabilityDiagram, rocCurve } from './plots.ts';
import { confidenceHistogram } from './plots_histograms.ts';

/** The numbers a reader came for, as cards. */
export function headline({ accuracy, auc, ece }: Evaluation): Html {
  return html`<ul class="numbers">
${card(decimal(accuracy.value), 'Accuracy', `95 % interval ${decimal(accuracy.low)} to ${decimal(accuracy.high)}`)}
${card(decimal(auc), 'ROC AUC', '0.5 is guessing, 1 is perfect')}
${card(decimal(ece), 'Calibration error', 'ECE; 0 is perfect')}
${card(count(accuracy.n), 'Images judged', `${count(accuracy.correct)} right, ${count(accuracy.n - accuracy.correct)} wrong`)}
</ul>`;
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
  const { classes, confusion, perClass, roc, auc, reliability, ece } = evaluation;
  const figures: Html[] = [
    await plot(
      confusionMatrix(confusion, classes),
      'Confusion matrix',
      'Rows are the labels, columns what the network says; percentages are of the row. Right answers lie on the diagonal.',
    ),
  ];
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
    body: html`<p>Measured on ${count(evaluation.accuracy.n)} images: ${evaluation.measuredOn}. Precision says how many of those called a class belong to it, recall how many of those that belong to it were found.</p>
${
  perClass.length > 0 &&
  table({
    caption: 'Scores per class',
    columns: ['class', 'precision', 'recall', 'F1', 'images'],
    rows: perClass.map(({ name, precision, recall, f1, support }) => [
      name,
      decimal(precision),
      decimal(recall),
      decimal(f1),
      count(support),
    ]),
  })
}
<div class="grid">${figures}</div>`,
  };
}
