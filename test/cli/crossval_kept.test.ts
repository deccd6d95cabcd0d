import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { succeed } from './cli.ts';
import { VOTES } from './small_crossval.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-crossval-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a cross-validation that keeps images for a test', () => {
  it('is judged on them as a whole and fold by fold', async () => {
    const out = join(folder, 'tested');
    const of = `${out} --split test`;
    expect(await succeed(...VOTES, '--test-fraction', '0.3', '--out', out)).toMatch(
      new RegExp(`Kept for the test, and judged on by: tuningfork evaluate ${of}\\n$`),
    );
    const ids = (run: string) =>
      readFileSync(join(run, 'predictions.csv'), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((row) => row.split(',')[0]);
    const judge = async (run: string, name: string, ...flags: string[]) => {
      const to = join(folder, name);
      const { measuredOn } = JSON.parse(await succeed('evaluate', run, ...flags, '--out', to, '--json')) as {
        measuredOn: string;
      };
      return { measuredOn, ids: ids(to) };
    };
    const together = await judge(out, 'tested-all');
    const alone = await judge(join(out, 'fold-2'), 'tested-2', '--split', 'test');
    expect(together.measuredOn).toBe('the test split of synthetic:18');
    expect(alone).toEqual(together);
    // With the folds' own images, each of which judged one network, they are all.
    const others = [1, 2, 3].flatMap((each) => ids(join(out, `fold-${each}`)));
    expect(together.ids.length).toBeGreaterThan(0);
    expect([...together.ids, ...others].sort()).toEqual(
      syntheticDataset(18)
        .examples.map(({ id }) => id)
        .sort(),
    );
    expect((await judge(out, 'tested-every', '--split', 'all')).measuredOn).toMatch(
      /^all galaxies with votes of synthetic:18, among them those that the 3 networks were trained on/,
    );
  }, 900_000);
});
