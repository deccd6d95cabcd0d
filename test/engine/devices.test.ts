import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { relu } from '../../engine/ops/pointwise.ts';
import { compile } from '../../engine/program/program.ts';
import { ADAPTERS } from '../gpu.ts';

const DEVICES = 40;
/** After so many, what is made once has been made. */
const FIRST = 10;

const counted = () => ({
  threads: readdirSync('/proc/self/task').length,
  descriptors: readdirSync('/proc/self/fd').length,
});

describe.each(ADAPTERS)('on %s', (adapter) => {
  it('the same options give the same Dawn, others another', () => {
    expect(openGpu({ adapter })).toBe(openGpu({ adapter }));
    expect(openGpu({ adapter })).not.toBe(openGpu({ adapter, enable: ['disable_robustness'] }));
  });

  // A driver's own thread for each device stays until the device is collected; a Dawn for each had seven.
  it.skipIf(process.platform !== 'linux')(
    'devices opened and closed one after another leave a thread each at most, and no descriptor (Linux alone tells)',
    async () => {
      let before = counted();
      for (let i = 1; i <= DEVICES; i++) {
        using device = await openDevice({ gpu: openGpu({ adapter }) });
        const y = relu(input('x', [4]));
        using program = await compile(device, { outputs: [y] });
        program.run({ x: [-1, 0, 1, 2] });
        expect([...(await program.read(y))]).toEqual([0, 0, 1, 2]);
        if (i === FIRST) before = counted();
      }
      const after = counted();
      expect(after.threads - before.threads).toBeLessThanOrEqual(DEVICES - FIRST);
      expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(4);
    },
  );
});
