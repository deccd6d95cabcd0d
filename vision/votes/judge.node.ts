import { answersOf, measurement } from '../answer/predictor.ts';
import type { Labelled } from '../data/labelled.ts';
import type { Judge } from '../judge/judged.ts';
import * as judging from './evaluate.ts';
import { writeVoteReport } from './report.node.ts';
import { columnsOf } from './schema.ts';
import { showHeadline, showVotes } from './show.ts';
import { sharesOf, type VoteOptions } from './task.ts';

export const judgeVotes: Judge<VoteOptions, Labelled> = async (device, examination, { schema, head }, progress) => {
  const { dataset, examples } = examination;
  const width = columnsOf(schema).length;
  const answers = await answersOf(device, examination, progress);
  const rows = examples.map((_, i) => answers.subarray(i * width, (i + 1) * width));
  const known = examples.map((example) => dataset.examples[example]);
  const votes = known.map(({ values }) => values!);
  const judgement =
    head === 'dirichlet'
      ? judging.judgeVotes(schema, rows, votes, measurement(examination))
      : judging.judgeShares(
          schema,
          rows,
          known.map((example) => sharesOf(schema, example)),
          votes,
          measurement(examination),
        );
  const { figures } = judgement;
  return {
    headline: showHeadline(figures),
    text: showVotes(figures),
    measuredOn: figures.measuredOn,
    summary: { rmse: figures.rmse, ...(figures.logLoss !== null && { logLoss: figures.logLoss }) },
    figures,
    write: (folder, context) => writeVoteReport(device, examination, { schema, judgement }, folder, context),
  };
};
