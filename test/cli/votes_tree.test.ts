import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { drawGalaxy } from '../../galaxies/synthetic_galaxy.ts';
import { castVotes } from '../../galaxies/synthetic_votes.ts';
import { fail, succeed } from './cli.ts';
import { shape } from './shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-tree-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

/** All that the two tasks would choose differently is said. */
const OPTIONS =
  '--model galaxy_vgg --width 0.125 --size 32 --crop 32 --batch 8 --epochs 2 --tta 2 --rotation 180 --zoom 0.1 --shift 0.1 --jitter 0.1 --hue 0';
const SCHEMA = ['--schema', 'examples/galaxy_zoo_2.json'];
const TABLE = ['--table', at('kaggle/labels.csv'), '--image-column', 'GalaxyID', '--images', at('images')];
const [galaxies, schema] = [at('galaxies'), at('schema')];

beforeAll(async () => {
  for (const name of ['kaggle', 'kaggle/images', 'images']) mkdirSync(at(name));
  const rows = Array.from({ length: 40 }, (_, i) => {
    const id = String(100_000 + i);
    // The challenge knows an image by its name without an ending, and a table by the name as it stands.
    for (const path of [`kaggle/images/${id}.png`, `images/${id}`]) writeFileSync(at(path), shape(i % 3, i));
    return [id, ...castVotes(drawGalaxy(5, i), 5, i).all!].join(',');
  });
  writeFileSync(at('kaggle/labels.csv'), `GalaxyID,${CHALLENGE_COLUMNS.join(',')}\n${rows.join('\n')}\n`);
  const options = OPTIONS.split(' ');
  await succeed('train', '--task', 'challenge', '--data', at('kaggle'), ...options, '--out', galaxies);
  await succeed('train', ...TABLE, ...SCHEMA, '--no-up', ...options, '--out', schema);
});

const read = (path: string, name: string) => readFileSync(join(path, name), 'utf8');

describe('the tree of questions as a schema file', () => {
  it('trains the network that the challenge trains, to the bit', () => {
    const [want, got] = [galaxies, schema].map((path) => JSON.parse(read(path, 'metrics.json')));
    expect(got.options.task).toMatchObject({ name: 'votes', head: 'tree' });
    const steps = (history: readonly object[]) => history.map((epoch) => ({ ...epoch, seconds: 0 }));
    expect(steps(got.history)).toEqual(steps(want.history));
    expect([got.rmse, got.constant]).toEqual([want.rmse, want.constant]);
    expect(read(schema, 'report.html').replace(/src="data:[^"]*"/g, '')).not.toMatch(/NaN|undefined|Infinity/);
    expect(read(schema, 'predictions.csv')).toBe(read(galaxies, 'predictions.csv'));
  });

  it('is judged, and shown in the data, as when it was trained', async () => {
    const { rmse, questions } = JSON.parse(read(schema, 'metrics.json'));
    expect(JSON.parse(await succeed('evaluate', schema, '--json'))).toMatchObject({ rmse, questions });
    const stats = JSON.parse(await succeed('data', 'stats', ...TABLE, ...SCHEMA, '--out', at('stats'), '--json'));
    expect(stats.questions[0]).toMatchObject({ name: 'smooth or featured', images: 40, votes: null });
  });

  it('is refused where heads do not go together with a task', async () => {
    const out = ['--out', at('none')];
    expect(await fail('train', '--task', 'challenge', '--head', 'dirichlet', '--data', at('kaggle'), ...out)).toMatch(
      /--head dirichlet learns from counts, and the challenge gives fractions/,
    );
    expect(await fail('train', ...TABLE, ...SCHEMA, '--head', 'dirichlet', ...out)).toMatch(
      /votes are counted in whole numbers from 0 on; shares of them are learnt by --head tree/,
    );
  });
});
