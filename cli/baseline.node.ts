import { jsonText } from '../vision/json_text.ts';
import { UserError } from '../engine/user_error.ts';
import {
  BASELINES,
  DEFAULT_CLUSTERS,
  centralPixel,
  judge,
  meanVotes,
  type BaselineName,
  type BaselineData,
  type CentralPixel,
} from '../galaxies/challenge/baselines.ts';
import type { ChallengeRmse } from '../galaxies/challenge/rmse.ts';
import { splitVoted } from '../galaxies/challenge/task.ts';
import { CHALLENGE_COLUMNS } from '../galaxies/columns.ts';
import { decimal } from '../vision/report/pieces.ts';
import type { Progress } from '../vision/progress.ts';
import { openDataset } from '../galaxies/open_dataset.node.ts';
import { prepare } from './open_data.node.ts';
import type { GlobalOptions } from './options.ts';
import { requireTrainOnly } from './train_only.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';
import { textTable } from '../vision/report/text_table.ts';

export interface BaselineFlags extends GlobalOptions {
  readonly data: string;
  readonly split: 'validation' | 'train' | 'all';
  readonly valFraction: number;
  readonly trainOnly?: string;
  readonly clusters?: number;
  readonly seed: number;
  readonly skipBad?: boolean;
}

interface Result {
  readonly name: BaselineName;
  readonly figures: ChallengeRmse;
  /** Of the baseline that has clusters. */
  readonly clustering?: Omit<CentralPixel, 'figures'>;
}

/**
 * Judges baselines on galaxies with 37 vote fractions; what they learn they learn from the training side of the split.
 */
export async function baseline(names: readonly (BaselineName | 'all')[], flags: BaselineFlags): Promise<void> {
  const { data, split, valFraction, trainOnly, skipBad, json } = flags;
  const chosen = names.includes('all') ? BASELINES : BASELINES.filter((name) => names.includes(name));
  const progress = terminalProgress();
  const dataset = await prepare(await openDataset(data), ({ votes }) => votes !== null, { skipBad }, progress);
  try {
    for (const note of dataset.notes) progress.line(note);
    requireTrainOnly(dataset, trainOnly);
    const { train, validation } = splitVoted(dataset, { valFraction, trainOnly: trainOnly ?? null });
    const judged = { train, validation, all: [...train, ...validation].sort((a, b) => a - b) }[split];
    if (judged.length === 0)
      throw new UserError(
        `${dataset.name}: the ${split} split has no galaxy; give more data, another --val-fraction or --train-only, or --split all`,
      );
    const results: Result[] = [];
    for (const name of chosen) results.push(await measure(name, { dataset, train, judged }, flags, progress));
    if (json) {
      const baselines = results.map(({ name, figures, clustering }) => ({ name, ...clustering, ...figures }));
      console.log(jsonText({ data: dataset.name, split, galaxies: judged.length, train: train.length, baselines }));
    } else {
      const which = split === 'all' ? 'all galaxies with votes' : `the ${split} split`;
      console.log(
        `${dataset.name}: judged on ${judged.length} galaxies (${which}), learned from ${train.length}\n\n${table(results)}`,
      );
      for (const { clustering } of results) if (clustering) console.log(`\n${describe(clustering)}`);
    }
  } finally {
    progress.end();
    await dataset.close();
  }
}

async function measure(
  name: BaselineName,
  on: BaselineData,
  flags: BaselineFlags,
  progress: Progress,
): Promise<Result> {
  const { dataset, train, judged } = on;
  if (name === 'zeros' || name === 'ones') {
    const row = new Float64Array(CHALLENGE_COLUMNS.length).fill(name === 'ones' ? 1 : 0);
    return { name, figures: judge(dataset, judged, () => row) };
  }
  if (train.length === 0)
    throw new UserError(
      `${dataset.name}: the training side of the split has no galaxy to learn the baseline ${name} from; give a smaller --val-fraction`,
    );
  if (name === 'mean') {
    const mean = meanVotes(dataset, train);
    return { name, figures: judge(dataset, judged, () => mean) };
  }
  const clusters = flags.clusters ?? Math.min(DEFAULT_CLUSTERS, train.length);
  if (clusters > train.length)
    throw new UserError(`--clusters ${clusters}: there are only ${train.length} training galaxies to cluster`);
  using device = await openSession(flags);
  const { figures, ...clustering } = await centralPixel(device, on, { k: clusters, seed: flags.seed }, progress);
  return { name, figures, clustering };
}

/** Errors side by side: in all, and by question. */
function table(results: readonly Result[]): string {
  const row = (head: string, value: (figures: ChallengeRmse) => number) => [
    head,
    ...results.map(({ figures }) => decimal(value(figures), 4)),
  ];
  const questions = results[0].figures.perQuestion.map(({ number, text }, q) =>
    row(`${number} ${text}`, ({ perQuestion }) => perQuestion[q].rmse),
  );
  return textTable(['question', ...results.map(({ name }) => name)], [row('all', ({ rmse }) => rmse), ...questions]);
}

function describe({ clusters, empty, iterations, settled }: Omit<CentralPixel, 'figures'>): string {
  const lost = empty > 0 ? `, ${empty} of them without training galaxies: these answer with the mean` : '';
  return `central-pixel: ${clusters} clusters of colour${lost}; k-means ${settled ? `settled in ${iterations} iterations` : `was stopped after ${iterations} iterations`}`;
}
