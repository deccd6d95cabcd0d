import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { relu } from '../../engine/ops/pointwise.ts';
import { compile } from '../../engine/program/program.ts';
import { ADAPTERS } from '../gpu.ts';

const DEVICES = 60;
/** After so many, what is made once has been made. */
const FIRST = 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What this process holds, once the objects that nobody holds are collected: they hold what is theirs until then. */
async function counted() {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    threads: readdirSync('/proc/self/task').length,
    descriptors: readdirSync('/proc/self/fd').length,
    mebibytes: process.memoryUsage.rss() / 2 ** 20,
  };
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  it('the same options give the same Dawn, others another', () => {
    expect(openGpu({ adapter })).toBe(openGpu({ adapter }));
    expect(openGpu({ adapter })).not.toBe(openGpu({ adapter, enable: ['disable_robustness'] }));
  });

  // Lavapipe has a thread for each device.
  it.skipIf(process.platform !== 'linux')(
    'devices opened and closed one after another leave no thread, descriptor or memory (Linux alone tells)',
    async () => {
      let before = await counted();
      for (let i = 1; i <= DEVICES; i++) {
        using device = await openDevice({ gpu: openGpu({ adapter }) });
        const y = relu(input('x', [4]));
        using program = await compile(device, { outputs: [y] });
        program.run({ x: [-1, 0, 1, 2] });
        expect([...(await program.read(y))]).toEqual([0, 0, 1, 2]);
        if (i === FIRST) before = await counted();
      }
      const after = await counted();
      expect(after.threads - before.threads).toBeLessThanOrEqual(4);
      expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(4);
      // The heaps breathe; a Dawn for each device took 2.9 MB of it.
      expect(after.mebibytes - before.mebibytes).toBeLessThan(80);
    },
  );
});
