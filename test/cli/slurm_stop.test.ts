import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { taskOf } from '../../galaxies/tasks.ts';
import { loadCheckpoint } from '../../galaxies/train/checkpoint.node.ts';
import { SILENT } from '../../galaxies/train/progress.ts';
import { RUN_FILES, trainNetwork } from '../../galaxies/train/train.node.ts';
import { DRAWN, TINY, scratchFolder } from '../galaxies/training.ts';
import { describeAdapters } from '../gpu.ts';

const scratch = scratchFolder();

describeAdapters('a training that is asked to stop', (device) => {
  it('at each of its steps saves it, the last of an epoch too, and goes on to the same bits', async () => {
    const dataset = syntheticDataset(48, 1, { size: DRAWN });
    /** Trains until so many steps are done; false where it was stopped before the end. */
    const train = async (folder: string, steps: number): Promise<boolean> => {
      const stop = new AbortController();
      let done = 0;
      const tick = () => void (++done === steps && stop.abort(new Error('stopped')));
      const progress = { ...SILENT, tick, stop: stop.signal };
      try {
        using _ = await trainNetwork(device(), dataset, taskOf(TINY.task), TINY, folder, progress);
        return true;
      } catch (error) {
        expect((error as Error).message).toBe('stopped');
        return false;
      }
    };
    const [whole, stopped] = [scratch.next(), scratch.next()];
    expect(await train(whole, Infinity)).toBe(true);
    const left: string[] = [];
    while (!(await train(stopped, 1))) {
      const { state } = (await loadCheckpoint(join(stopped, RUN_FILES.checkpoint)))!;
      left.push(`${state.epoch}.${state.step}`);
    }
    const perEpoch = left.indexOf('1.1');
    expect(perEpoch).toBeGreaterThan(2);
    expect(left).toEqual([0, 1].flatMap((epoch) => Array.from({ length: perEpoch }, (_, i) => `${epoch}.${i + 1}`)));
    const weights = (folder: string) => readFileSync(join(folder, RUN_FILES.model));
    expect(weights(stopped).equals(weights(whole))).toBe(true);
  });
});
