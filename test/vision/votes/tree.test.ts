import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../vision/data/dataset.ts';
import type { Labelled } from '../../../vision/data/labelled.ts';
import { leadingTo, readSchema } from '../../../vision/votes/schema.ts';
import { stratumOf } from '../../../vision/votes/stratum.ts';
import { VOTES } from '../../../vision/votes/task.ts';
import { weighedShares } from '../../../vision/votes/tree.ts';

/** Who sees a disc is asked for a bar, then how it lies; everybody is asked whether the image is odd. */
const JSON_SCHEMA = {
  questions: [
    { name: 'way', answers: ['along', 'across'] },
    { name: 'disc', answers: [{ name: 'yes', next: 'bar' }, { name: 'no', next: 'odd' }, 'star'] },
    {
      name: 'bar',
      answers: [
        { name: 'strong', next: 'way' },
        { name: 'weak', next: 'way' },
        { name: 'none', next: 'odd' },
      ],
    },
    { name: 'odd', everybody: true, answers: ['yes', 'no'] },
  ],
};
const schema = readSchema(JSON_SCHEMA, 's.json');

/** The same image by counts, by shares of each question, and by weighed shares; worked out by hand. */
const COUNTS = [3, 1, 8, 1, 1, 2, 2, 4, 1, 9];
const PLAIN = [0.75, 0.25, 0.8, 0.1, 0.1, 0.25, 0.25, 0.5, 0.1, 0.9];
const WEIGHED = [0.3, 0.1, 0.8, 0.1, 0.1, 0.2, 0.2, 0.4, 0.1, 0.9];

const dataset = (...rows: (readonly number[])[]): Dataset<Labelled> => ({
  name: 'd',
  examples: rows.map((values, i) => ({ id: `i${i}`, label: null, values, side: i % 2 === 0 ? 'train' : 'validation' })),
  notes: [],
  load: () => Promise.reject(new Error('no image')),
  close: async () => {},
});
const fit = (head: string | undefined, ...rows: (readonly number[])[]) =>
  VOTES.fit(VOTES.choices({ schema, head }), dataset(...rows)).options;

describe('a schema with ways', () => {
  it('says which answers lead to a question', () => {
    expect([0, 1, 2, 3].map((place) => leadingTo(schema, place))).toEqual([
      [{ question: 2, answers: [0, 1] }],
      [],
      [{ question: 1, answers: [0] }],
      [],
    ]);
    expect(readSchema({ questions: schema }, 'again')).toEqual(schema);
  });

  it.each<[unknown, RegExp]>([
    [
      [{ name: 'a', answers: ['x', { name: 'y', next: 'b' }] }],
      /has no question b, which should follow y of the quest/,
    ],
    [[{ name: 'a', answers: ['x', { name: 'y', next: 7 }] }], /no question as the "next" of the answer y to the quest/],
    [[{ name: 'a', answers: ['x', { name: 'y', next: 'a' }] }], /leads from the question a back to it/],
    [
      [
        { name: 'a', answers: ['x', { name: 'y', next: 'b' }] },
        { name: 'b', answers: ['x', { name: 'y', next: 'a' }] },
      ],
      /leads from the question a back to it/,
    ],
    [[{ name: 'a', everybody: 'no', answers: ['x', 'y'] }], /"everybody" of the question a by something else/],
  ])('that is none is refused: %j', (questions, message) =>
    expect(() => readSchema({ questions }, 's')).toThrow(message),
  );
});

describe('shares of votes', () => {
  it('are weighed by the share that reached their question, whatever the table holds', () => {
    for (const row of [COUNTS, PLAIN])
      weighedShares(schema, row).forEach((share, k) => expect(share, `column ${k}`).toBeCloseTo(WEIGHED[k], 12));
    expect(weighedShares(schema, WEIGHED)).toEqual(WEIGHED);
    // Shares that were rounded to six decimals stay as they are.
    const rounded = WEIGHED.with(0, 0.300002);
    expect(weighedShares(schema, rounded)).toEqual(rounded);
  });

  it('are 0 where nobody was asked, or nobody answered', () => {
    expect(weighedShares(schema, [0, 0, 0, 5, 0, 0, 0, 0, 1, 4])).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0.2, 0.8]);
    expect(weighedShares(schema, [0, 0, 5, 0, 0, 0, 0, 0, 1, 4])).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0.2, 0.8]);
    // A vote on what nobody was led to has no weight.
    expect(weighedShares(schema, [2, 0, 0, 5, 0, 0, 0, 0, 1, 4]).slice(0, 2)).toEqual([0, 0]);
  });

  it('are learnt where the table holds shares, and counts where it holds counts', () => {
    expect(fit(undefined, COUNTS, COUNTS)).toMatchObject({ head: 'dirichlet', most: 10 });
    expect(fit(undefined, WEIGHED, PLAIN)).toMatchObject({ head: 'tree', most: 0 });
    expect(fit('tree', COUNTS, COUNTS)).toMatchObject({ head: 'tree', most: 0 });
    expect(fit('independent', COUNTS, COUNTS)).toMatchObject({ head: 'independent', most: 0 });
    expect(() => fit('dirichlet', WEIGHED, PLAIN)).toThrow(/has 0\.3 votes in the column way_along; votes are counted/);
    expect(() => fit(undefined, COUNTS, COUNTS.with(2, 8.5))).toThrow(/i1 has 8\.5 votes in the column disc_yes/);
    expect(() => fit('tree', COUNTS, COUNTS.with(2, -1))).toThrow(
      /i1 has -1 votes in the column disc_yes; a count, or/,
    );
  });

  it('are judged by the mean of the squares over all answers', () => {
    const data = dataset(COUNTS, COUNTS);
    const { options, outputs } = VOTES.fit(VOTES.choices({ schema, head: 'tree' }), data);
    const { target, loss, mark } = VOTES.make(options, outputs).prepare(data, { valFraction: 0.2, trainOnly: null });
    expect(target(0)).toEqual(Float32Array.from(weighedShares(schema, COUNTS)));
    const row = WEIGHED.with(3, 0.4).with(9, 0.5);
    expect(loss(row, 1)).toBeCloseTo((0.3 ** 2 + 0.4 ** 2) / 10, 7);
    expect(mark(row, 1)).toBe(loss(row, 1));
  });

  it.each<[number[], string]>([
    [[0.2, 0.5, 0.3], 'b middle'],
    [[0.4, 0.4, 0.2], 'a low'],
    [[0, 0.1, 0.9], 'c high'],
    [[0.8, 0.1, 0.1], 'a high'],
  ])('%j are of the stratum %s', (shares, stratum) => expect(stratumOf(['a', 'b', 'c'], shares)).toBe(stratum));
});
