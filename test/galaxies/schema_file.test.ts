import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import { parseKaggle } from '../../galaxies/catalogue.ts';
import { challengeRmse } from '../../galaxies/challenge/rmse.ts';
import { challenge } from '../../galaxies/challenge/task.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { GALAXY_ZOO_2 } from '../../galaxies/decision_tree.ts';
import type { Galaxies } from '../../galaxies/galaxy.ts';
import { drawGalaxy } from '../../galaxies/synthetic_galaxy.ts';
import { castVotes } from '../../galaxies/synthetic_votes.ts';
import type { Dataset } from '../../vision/data/dataset.ts';
import type { Labelled } from '../../vision/data/labelled.ts';
import { judgeShares } from '../../vision/votes/evaluate.ts';
import { columnsOf, leadingTo } from '../../vision/votes/schema.ts';
import { readSchemaFile } from '../../vision/votes/schema_file.node.ts';
import { VOTES } from '../../vision/votes/task.ts';
import { testData } from '../data.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';

const schema = readSchemaFile(fileURLToPath(new URL('../../examples/galaxy_zoo_2.json', import.meta.url)));
const WIDTH = 37;

/** The text of a csv as the challenge has it, of drawn galaxies or of those that Galaxy Zoo published. */
const real = testData();
const drawn = Array.from({ length: 300 }, (_, i) => {
  const { all } = castVotes(drawGalaxy(5, i), 5, i);
  return [100_000 + i, ...Array.from(all!, (share) => share.toFixed(6))].join(',');
});
const TABLES: readonly (readonly [string, string])[] = [
  ['drawn galaxies', [['GalaxyID', ...CHALLENGE_COLUMNS].join(','), ...drawn].join('\n')],
  ...(real ? [['real galaxies', readFileSync(join(real, 'galaxies/labels.csv'), 'utf8')] as const] : []),
];

const opened = <E extends { readonly id: string }>(examples: readonly E[]): Dataset<E> => ({
  name: 'd',
  examples,
  notes: [],
  load: () => Promise.reject(new Error('no image')),
  close: async () => {},
});

/** The same table as the challenge reads it, and as a table of numbers is read. */
function bothWays(text: string): { galaxies: Galaxies; images: Dataset<Labelled> } {
  const [header, ...lines] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','));
  const places = columnsOf(schema).map((column) => header.indexOf(column));
  return {
    galaxies: opened([...parseKaggle(text, 'c.csv')].map(([id, votes]) => ({ id, votes }))),
    images: opened(
      lines.map((fields) => ({
        id: fields[0],
        label: null,
        values: places.map((at) => Number(fields[at])),
        side: null,
      })),
    ),
  };
}

it('the file has the columns and the ways of the challenge', () => {
  expect(columnsOf(schema)).toEqual(CHALLENGE_COLUMNS);
  for (const [place] of schema.entries()) expect(leadingTo(schema, place)).toEqual(leadingTo(GALAXY_ZOO_2, place));
});

describe.each(TABLES)('the tree of Galaxy Zoo 2 as a schema file, %s', (_, text) => {
  const { galaxies, images } = bothWays(text);
  const { options, outputs } = VOTES.fit(VOTES.choices({ schema }), images);
  const own = challenge('tree');
  const task = VOTES.make(options, outputs);
  const sides = { valFraction: 0.2, trainOnly: null };

  it('is learnt as shares that obey the tree', () => {
    expect(options).toMatchObject({ head: 'tree', most: 0 });
    expect(task.outputs).toEqual(own.outputs);
  });

  it.each([sides, { ...sides, testFraction: 0.1 }, { ...sides, fold: { index: 2, of: 5, seed: 3 } }])(
    'has the same sides: %j',
    (options) => expect(task.split(images, options)).toEqual(own.split(galaxies, options)),
  );

  it('has the same targets and losses, to the bit', () => {
    const [theirs, ours] = [own.prepare(galaxies, sides), task.prepare(images, sides)];
    for (let i = 0; i < images.examples.length; i++) {
      expect(ours.target(i)).toEqual(theirs.target(i));
      const row = randomArray(WIDTH, i).map(Math.abs);
      expect([ours.loss(row, i), ours.mark(row, i)]).toEqual([theirs.loss(row, i), theirs.mark(row, i)]);
    }
  });

  it('has the same figures, to the bit', () => {
    const { target } = own.prepare(galaxies, sides);
    const given = images.examples.map((_, i) => target(i));
    const rows = given.map((_, i) => randomArray(WIDTH, 7 + i).map(Math.abs));
    const want = challengeRmse(
      rows.flatMap((row) => [...row]),
      given,
    );
    const values = images.examples.map(({ values }) => values!);
    const { figures } = judgeShares(schema, rows, given, values, 'these');
    expect([figures.rmse, figures.constant]).toEqual([want.rmse, want.constant]);
    expect(figures.questions.map(({ rmse, constant }) => ({ rmse, constant }))).toEqual(
      want.perQuestion.map(({ rmse, constant }) => ({ rmse, constant })),
    );
    expect(
      figures.questions.flatMap(({ answers }) => answers.map(({ column, errors }) => ({ column, ...errors }))),
    ).toEqual(want.perColumn.map(({ name, rmse, constant }) => ({ column: name, rmse, constant })));
    expect(figures.questions[0]).toMatchObject({ images: images.examples.length, votes: null });
  });
});

describeAdapters('the tree of Galaxy Zoo 2 as a schema file', (device) => {
  it.each(['tree', 'independent'] as const)('has the same shares, loss and gradients, to the bit: %s', async (head) => {
    const own = challenge(head);
    const task = VOTES.make({ name: 'votes', schema, head, most: 0 }, columnsOf(schema));
    const [logits, targets] = [input('logits', [6, WIDTH]), input('targets', [6, WIDTH])];
    const feeds = { logits: randomArray(logits.size, 1, -4, 4), targets: randomArray(targets.size, 2).map(Math.abs) };
    const [want, got] = await Promise.all(
      [own, task].map((each) => {
        const scores = each.scores(logits);
        const loss = each.loss(scores, targets);
        return evaluate(device(), [scores, loss, grad(loss, [logits])[0]], feeds);
      }),
    );
    expect(got).toEqual(want);
  });
});
