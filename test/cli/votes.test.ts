import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fail, succeed } from './cli.ts';
import { shape } from './shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-votes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const run = at('run');
const SMALL = ['--size', '32', '--batch', '8', '--epochs', '4', '--lr', '3e-3', '--model', 'vgg_small', '--tta', '1'];
const GALAXY = /galax|volunteer/i;

/** Bars that stand or lie, or a corner, and what people would say of each: who sees no bar is not asked how it lies. */
const images = Array.from({ length: 48 }, (_, i) => {
  const kind = i % 3;
  const bar = kind === 2 ? 2 : 17 + (i % 4);
  const upright = kind === 0 ? bar - (i % 3) : kind === 1 ? i % 3 : i % 2;
  return { id: `pictures/${i}.png`, bytes: shape(kind, i), counts: [bar, 20 - bar, upright, bar - upright] };
});
const COLUMNS = ['bar_yes', 'bar_no', 'upright', 'lying'];
const TABLE = ['--table', at('votes.csv'), '--image-column', 'file'];

beforeAll(() => {
  mkdirSync(at('pictures'));
  for (const { id, bytes } of images) writeFileSync(at(id), bytes);
  const rows = images.map(({ id, counts }) => [id, ...counts].join(','));
  writeFileSync(at('votes.csv'), `file,${COLUMNS.join(',')}\n${rows.join('\n')}\n`);
  const answers = [
    { name: 'upright', column: 'upright' },
    { name: 'lying', column: 'lying' },
  ];
  const questions = [
    { name: 'bar', answers: ['yes', 'no'] },
    { name: 'way', answers },
  ];
  writeFileSync(at('schema.json'), JSON.stringify({ questions }));
});

const SCHEMA = ['--schema', at('schema.json')];
const metricsOf = (path: string) => JSON.parse(readFileSync(join(path, 'metrics.json'), 'utf8'));
const plain = (page: string): string => page.replace(/src="data:[^"]*"/g, '');

describe('votes on images', () => {
  it('are counted and shown', async () => {
    const stats = JSON.parse(await succeed('data', 'stats', ...TABLE, ...SCHEMA, '--out', at('stats'), '--json'));
    expect(stats).toMatchObject({ images: 48, withoutVotes: 0, splits: [{ name: 'all', images: 48 }] });
    const total = images.reduce((sum, { counts }) => sum + counts[0] + counts[1], 0);
    expect(stats.questions[0]).toMatchObject({ name: 'bar', votes: total, images: 48 });
    expect(readFileSync(join(at('stats'), 'stats.html'), 'utf8')).not.toMatch(GALAXY);
  });

  it('are learnt, and told by question', async () => {
    const said = await succeed('train', ...TABLE, ...SCHEMA, '--out', run, ...SMALL);
    expect(said).toMatch(
      /^RMSE [\d.]+ of vote fractions, negative log likelihood [\d.]+, over 2 questions of \d+ images/,
    );
    const { questions, history, bestEpoch, rmse, logLoss, options } = metricsOf(run);
    expect(options.task).toMatchObject({ name: 'votes', most: 20 });
    expect(history.at(-1).train.loss).toBeLessThan(history[0].train.loss);
    // The epoch that was kept, judged once more.
    expect(rmse).toBeCloseTo(history[bestEpoch - 1].validation.RMSE, 4);
    expect(logLoss).toBeCloseTo(history[bestEpoch - 1].validation.loss, 3);
    expect(questions.map(({ name }: { name: string }) => name)).toEqual(['bar', 'way']);
    const page = plain(readFileSync(join(run, 'report.html'), 'utf8'));
    expect(page).not.toMatch(GALAXY);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).toMatch(/Figures of each question/);
    expect(page).toMatch(/Where the network looks/);
  });

  it('are predicted as fractions of each question, and judged as when they were trained', async () => {
    const [header, ...rows] = (await succeed('predict', run, ...TABLE)).trim().split('\n');
    expect(header).toBe(`id,${COLUMNS.join(',')}`);
    expect(rows).toHaveLength(48);
    for (const row of rows) {
      const [, yes, no, upright, lying] = row.split(',').map(Number);
      expect(yes + no).toBeCloseTo(1, 5);
      expect(upright + lying).toBeCloseTo(1, 5);
    }
    const { questions, rmse } = metricsOf(run);
    expect(JSON.parse(await succeed('evaluate', run, '--json'))).toMatchObject({ task: 'votes', questions, rmse });
    // The same table again, without the schema: the model has it. In plain loops from the csv of predictions.
    const all = JSON.parse(await succeed('evaluate', run, ...TABLE, '--split', 'all', '--json'));
    const square = rows.reduce((sum, row, i) => {
      const [bar, no] = images[i].counts;
      return sum + (Number(row.split(',')[1]) - bar / (bar + no)) ** 2 / 48;
    }, 0);
    expect(all.questions[0].rmse).toBeCloseTo(Math.sqrt(square), 5);
  });

  it('are judged where there are any, on every side, and only where they are votes', async () => {
    const lines = readFileSync(at('votes.csv'), 'utf8').trim().split('\n');
    const table = (name: string, rows: readonly string[]) => {
      writeFileSync(at(name), `${[`${lines[0]},part`, ...rows].join('\n')}\n`);
      return ['--table', at(name), '--image-column', 'file', '--split-column', 'part'];
    };
    const few = lines.slice(1, 9).map((line) => `${line},test`);
    const judge = async (of: string[]) =>
      JSON.parse(await succeed('evaluate', run, ...of, '--split', 'test', '--json'));
    const plainly = await judge(table('test.csv', few));
    const unasked = table('unasked.csv', [...few, 'pictures/20.png,0,0,0,0,test']);
    const { data: _data, measuredOn: _on, ...same } = await judge(unasked);
    expect(plainly).toMatchObject(same);
    expect(plainly.images).toBe(8);
    const [first] = few;
    for (const [name, numbers] of [
      ['shares', '0.8,0.2,0.5,0.3'],
      ['negative', '5,-1,2,3'],
    ]) {
      const rows = [...few.slice(1), `${first.split(',')[0]},${numbers},test`];
      expect(await fail('evaluate', run, ...table(`${name}.csv`, rows))).toMatch(
        /image pictures\/0\.png has (0\.8|-1) votes in the column bar_(yes|no); .*run learnt from counts, whole numbers from 0 on/,
      );
    }
    // The report counts those without votes, not those on other sides.
    await succeed('evaluate', run, ...unasked, '--split', 'test', '--out', at('judged'));
    const page = (of: string) => plain(readFileSync(join(of, 'report.html'), 'utf8'));
    expect(page(at('judged'))).toMatch(/8 images on the side test; 1 without votes, which are left out/);
    await succeed('evaluate', run, '--out', at('judged'));
    expect(page(at('judged'))).not.toMatch(/without votes/);
  });

  it('are explained, and compared', async () => {
    expect(await fail('gradcam', run, ...TABLE, '--out', at('maps'))).toMatch(/such as --class bar_yes/);
    const told = await succeed('gradcam', run, ...TABLE, '--class', 'upright', '--count', '1', '--out', at('maps'));
    expect(told).toMatch(/\.png {2}upright 0\.\d+\n/);
    expect(existsSync(join(at('maps'), 'pictures__0.png.png'))).toBe(true);
    expect(await succeed('compare', run)).toMatch(/RMSE[\s\S]*votes/);
  });

  it.each<[string, () => string[], RegExp]>([
    ['no JSON', () => ['--schema', at('votes.csv')], /votes\.csv is not JSON/],
    ['no file', () => ['--schema', at('none.json')], /none\.json.*no such file/],
    ['two things', () => [...SCHEMA, '--label-column', 'upright'], /--label-column and --schema are two things/],
    ['another task', () => [...SCHEMA, '--task', 'classes'], /--schema says nothing to --task classes/],
  ])('that cannot be read are refused: %s', async (_, args, message) => {
    expect(await fail('train', ...TABLE, ...args(), '--out', at('none'))).toMatch(message);
    expect(existsSync(at('none'))).toBe(false);
  });
});
