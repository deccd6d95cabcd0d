import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Labelled } from '../data/labelled.ts';
import { FIGURES } from '../judge/figures.ts';
import { requireBothSides, splitValued } from '../targets/task.ts';
import { UPRIGHT_PRESET } from '../train/presets.ts';
import type { Task } from '../train/task.ts';
import { storedChoices, type TaskKind } from '../train/task_kind.ts';
import { concentrations, dirichletLogLoss, dirichletLoss } from './dirichlet.ts';
import { squaredError, voteFractions } from './fractions.ts';
import { columnsOf, placesOf, readSchema, type Schema } from './schema.ts';

export interface VoteOptions {
  readonly name: 'votes';
  readonly schema: Schema;
  /** Votes that a question has at most, of all images. */
  readonly most: number;
}

/** Votes that a question may have: what a step computes grows with them. */
const MOST_VOTES = 4096;

/** Whether somebody voted on an image. */
const isVoted = ({ values }: Labelled): boolean => values?.some((votes) => votes > 0) ?? false;

/**
 * Counts of the answers that people gave to questions, as draws from a Dirichlet-multinomial distribution: the network
 * gives its concentrations, so that it also says how sure it is, and an image counts by how many voted on it.
 */
function votes({ schema, most }: VoteOptions): Task<Labelled> {
  const places = placesOf(schema);
  return {
    name: 'votes',
    head: 'dirichlet',
    answers: 'fractions',
    outputs: columnsOf(schema),
    scores: concentrations,
    prediction: (row) => row,
    told: (row) => voteFractions(row, places),
    loss: (scores, counts) => dirichletLoss(scores, counts, places, most),
    figure: FIGURES.RMSE,
    split: (dataset, sides) => splitValued(dataset, sides, isVoted),
    prepare(dataset, sides) {
      const split = splitValued(dataset, sides, isVoted);
      requireBothSides(dataset, split, 'image with votes', sides);
      const votesOf = (example: number) => dataset.examples[example].values!;
      return {
        dataset,
        ...split,
        target: votesOf,
        loss: (row, example) => dirichletLogLoss(row, votesOf(example), places),
        mark: (row, example) => squaredError(row, votesOf(example), places),
      };
    },
  };
}

/** The most votes that a question has. Throws for what is no count. */
function mostVotes(schema: Schema, { name, examples }: Dataset<Labelled>): number {
  const columns = columnsOf(schema);
  let most = 0;
  for (const { id, values } of examples) {
    const odd = values?.findIndex((value) => !(Number.isInteger(value) && value >= 0)) ?? -1;
    if (odd >= 0)
      throw new UserError(
        `${name}: image ${id} has ${values![odd]} votes in the column ${columns[odd]}; votes are counted in whole numbers from 0 on`,
      );
    for (const { from, count } of values ? placesOf(schema) : [])
      most = Math.max(
        most,
        values!.slice(from, from + count).reduce((a, b) => a + b, 0),
      );
  }
  if (most === 0) throw new UserError(`${name} has no votes in ${columns.slice(0, 3).join(', ')}, ...`);
  if (most > MOST_VOTES)
    throw new UserError(`${name} has ${most} votes on a question of one image, and ${MOST_VOTES} are taken`);
  return most;
}

export const VOTES: TaskKind<VoteOptions, Labelled> = {
  name: 'votes',
  data: 'images',
  learnsValues: true,
  flags: ['schema'],
  preset: UPRIGHT_PRESET,
  words: {
    known: 'images with votes',
    label: 'votes',
    mismatch: (data) => `predicts votes, and the images of ${data} have none; give a --table or parquet file with them`,
    answers: 'predicts the votes themselves',
  },
  choices({ schema }) {
    if (!schema)
      throw new UserError('--task votes learns answers to questions: say which, and their columns, by --schema FILE');
    return { name: 'votes', schema, most: 0 };
  },
  fit: ({ name, schema }, dataset) => ({
    options: { name, schema, most: mostVotes(schema, dataset) },
    outputs: columnsOf(schema),
  }),
  stored(file, source) {
    const { schema, most } = storedChoices(file);
    const read = readSchema({ questions: schema }, `${source}: its schema`);
    if (columnsOf(read).join() !== file.classes.join() || typeof most !== 'number')
      throw new UserError(
        `${source}: its outputs are not the columns of its schema; the file is damaged or was edited`,
      );
    return { name: 'votes', schema: read, most };
  },
  make: votes,
  requireKnown() {},
};
