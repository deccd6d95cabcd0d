import { reshape } from '../../engine/ops/leaves.ts';
import { sigmoid, square, sub } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Labelled } from '../data/labelled.ts';
import { meanSquare } from '../judge/column_errors.ts';
import { FIGURES } from '../judge/figures.ts';
import { requireBothSides, splitValued } from '../targets/task.ts';
import { UPRIGHT_PRESET } from '../train/presets.ts';
import type { SplitOptions, Task } from '../train/task.ts';
import { storedChoices, type TaskKind } from '../train/task_kind.ts';
import { concentrations, dirichletLogLoss, dirichletLoss } from './dirichlet.ts';
import { squaredError, sumOf, voteFractions } from './fractions.ts';
import { columnsOf, placesOf, readSchema, type Schema } from './schema.ts';
import { stratumOf } from './stratum.ts';
import { ROUNDING, treeShares, weighedShares } from './tree.ts';

export interface VoteOptions {
  readonly name: 'votes';
  readonly schema: Schema;
  /** What is learnt: the counts, or weighed shares of the votes; null until the data decide. */
  readonly head: HeadName | null;
  /** Votes that a question has at most, of all images; 0 where shares are learnt. */
  readonly most: number;
}

/** How shares come of logits [N, K]: they obey the schema as votes do, or are a sigmoid each. */
const SHARES = { tree: treeShares, independent: (logits: Tensor): Tensor => sigmoid(logits) } as const;
export const HEAD_NAMES = ['dirichlet', 'tree', 'independent'] as const;
type HeadName = (typeof HEAD_NAMES)[number];

/** Votes that a question may have: what a step computes grows with them. */
const MOST_VOTES = 4096;

/** Whether somebody voted on an image. */
export const isVoted = ({ values }: Labelled): boolean => values?.some((votes) => votes > 0) ?? false;

/**
 * Counts of the answers that people gave to questions, as draws from a Dirichlet-multinomial distribution: the network
 * gives its concentrations, so that it also says how sure it is, and an image counts by how many voted on it.
 */
function counts(schema: Schema, most: number): Task<Labelled> {
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

/** Weighed shares of the votes, by the mean of their squared errors over all answers. */
function shares(schema: Schema, head: keyof typeof SHARES): Task<Labelled> {
  const names = schema[0].answers.map(({ name }) => name);
  const stratum = ({ values }: Labelled) => stratumOf(names, weighedShares(schema, values!).slice(0, names.length));
  const strata = (examples: readonly Labelled[]) =>
    examples.map((example) => (isVoted(example) && example.side !== 'test' ? stratum(example) : null));
  const split = (dataset: Dataset<Labelled>, sides: SplitOptions) => splitValued(dataset, sides, isVoted, strata);
  return {
    name: 'votes',
    head,
    answers: 'fractions',
    outputs: columnsOf(schema),
    scores: (logits) => SHARES[head](logits, schema),
    prediction: (row) => row,
    loss: (scores, wanted) => reshape(mean(square(sub(scores, wanted))), []),
    figure: FIGURES.RMSE,
    split,
    prepare(dataset, sides) {
      const divided = split(dataset, sides);
      requireBothSides(dataset, divided, 'image with votes', sides);
      const target = (example: number) => sharesOf(schema, dataset.examples[example]);
      const error = (row: ArrayLike<number>, example: number) => meanSquare(row, target(example));
      return { dataset, ...divided, target, loss: error, mark: error };
    },
  };
}

/** The weighed shares of an image with votes, as they are learnt and judged. */
export const sharesOf = (schema: Schema, { values }: Labelled): Float32Array =>
  Float32Array.from(weighedShares(schema, values!));

/** What shares of a question sum to at most, however they were rounded. */
const MOST_SHARES = 1.05;

/** Whether the numbers are shares of votes, not counts. */
function holdsShares(schema: Schema, { examples }: Dataset<Labelled>): boolean {
  const places = placesOf(schema);
  const rows = examples.flatMap(({ values }) => (values ? [values] : []));
  return (
    rows.some((row) => !row.every(Number.isInteger)) &&
    rows.every((row) => places.every((place) => sumOf(row, place) <= MOST_SHARES))
  );
}

/** Throws where a number of an image is not one of those that `isRight`. @param rule what it must be */
function requireEach(
  schema: Schema,
  { name, examples }: Dataset<Labelled>,
  isRight: (value: number) => boolean,
  rule: string,
): void {
  for (const { id, values } of examples) {
    const odd = values?.findIndex((value) => !isRight(value)) ?? -1;
    if (odd >= 0)
      throw new UserError(
        `${name}: image ${id} has ${values![odd]} votes in the column ${columnsOf(schema)[odd]}; ${rule}`,
      );
  }
}

const requireCounts = (schema: Schema, dataset: Dataset<Labelled>, rule: string): void =>
  requireEach(schema, dataset, (value) => Number.isInteger(value) && value >= 0, rule);

const requireShares = (schema: Schema, dataset: Dataset<Labelled>): void =>
  requireEach(schema, dataset, (value) => value >= -ROUNDING, 'a count, or a share of the votes, is at least 0');

/** The most votes that a question has. Throws for what is no count. */
function mostVotes(schema: Schema, dataset: Dataset<Labelled>): number {
  const { name, examples } = dataset;
  const columns = columnsOf(schema);
  requireCounts(
    schema,
    dataset,
    'votes are counted in whole numbers from 0 on; shares of them are learnt by --head tree',
  );
  let most = 0;
  for (const { values } of examples) {
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
  flags: ['schema', 'head'],
  preset: UPRIGHT_PRESET,
  words: {
    known: 'images with votes',
    label: 'votes',
    mismatch: (data) => `predicts votes, and the images of ${data} have none; give a --table or parquet file with them`,
    answers: 'predicts the votes themselves',
  },
  choices({ schema, head }) {
    if (!schema)
      throw new UserError('--task votes learns answers to questions: say which, and their columns, by --schema FILE');
    return { name: 'votes', schema, head: (head as HeadName | undefined) ?? null, most: 0 };
  },
  fit({ name, schema, head: chosen }, dataset) {
    const head = chosen ?? (holdsShares(schema, dataset) ? 'tree' : 'dirichlet');
    const most = head === 'dirichlet' ? mostVotes(schema, dataset) : 0;
    if (head !== 'dirichlet') requireShares(schema, dataset);
    return { options: { name, schema, head, most }, outputs: columnsOf(schema) };
  },
  resume(choices, begun, fitted = choices) {
    const head = choices.head ?? (begun['head'] as HeadName);
    const most = begun['most'] as number;
    // Counts where there were shares, or the other way: other options, which are refused as such.
    if (fitted.head !== null && fitted.head !== head) return fitted;
    if (fitted.most > most)
      throw new UserError(
        `an image has ${fitted.most} votes on a question, and the run was begun with ${most} at most; begin anew in another --out`,
      );
    return { ...choices, head, most };
  },
  stored(file, source) {
    const { schema, most } = storedChoices(file);
    const head = file.task?.head as HeadName;
    const read = readSchema({ questions: schema }, `${source}: its schema`);
    if (columnsOf(read).join() !== file.classes.join() || typeof most !== 'number' || !HEAD_NAMES.includes(head))
      throw new UserError(
        `${source}: its head is unknown, or its outputs are not the columns of its schema; the file is damaged or was edited`,
      );
    return { name: 'votes', schema: read, head, most };
  },
  make({ schema, head, most }) {
    return head === null || head === 'dirichlet' ? counts(schema, most) : shares(schema, head);
  },
  isKnown: isVoted,
  requireKnown({ schema, head }, dataset, { path }) {
    if (head === 'dirichlet') requireCounts(schema, dataset, `${path} learnt from counts, whole numbers from 0 on`);
    else requireShares(schema, dataset);
  },
};
