import { beforeAll, describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Laboratory } from '../../web/learn/laboratory.ts';
import { notesOn } from '../../web/learn/notes.ts';
import { DEFAULT_SETTINGS, runningOf, type RunningSettings, type Settings } from '../../web/learn/settings.ts';
import { drawSky, type Sky } from '../../web/learn/sky.ts';
import type { StepResult } from '../../web/learn/view.ts';
import { ADAPTERS } from '../gpu.ts';

let sky: Sky;
beforeAll(async () => {
  sky = await drawSky();
});

const SMALL = { batchSize: 4, stride: 2 };
const running = (change: Partial<RunningSettings>): RunningSettings =>
  runningOf({ ...DEFAULT_SETTINGS, ...SMALL, ...change });

/** Runs `work` in a laboratory on an adapter; at its end every buffer must be given back. */
async function within<R>(adapter: string, settings: Partial<Settings>, work: (lab: Laboratory) => Promise<R>) {
  const devices: Awaited<ReturnType<typeof openDevice>>[] = [];
  const open = async () => {
    devices.push(await openDevice({ gpu: openGpu({ adapter }) }));
    return devices[devices.length - 1];
  };
  const laboratory = new Laboratory(sky, { ...DEFAULT_SETTINGS, ...SMALL, ...settings }, () => {}, open);
  try {
    return await work(laboratory);
  } finally {
    await laboratory.close();
    expect(devices.map(({ memory }) => memory.buffers)).toEqual(devices.map(() => 0));
  }
}

async function train(laboratory: Laboratory, steps: number): Promise<StepResult[]> {
  const made: StepResult[] = [];
  for (let i = 0; i < steps; i++) made.push(await laboratory.train());
  return made;
}

/** Every running setting changes at least once, and an optimiser comes back. */
const CHANGES: readonly { readonly step: number; readonly running: RunningSettings }[] = [
  { step: 2, running: running({ learningRate: 0.01, weightDecay: 0.1 }) },
  { step: 3, running: running({ optimizer: 'momentum', learningRate: 0.02, momentum: 0.8, dropout: 0.3 }) },
  { step: 5, running: running({ optimizer: 'sgd', learningRate: 0.05, batchSize: 7, augmentation: true }) },
  { step: 6, running: running({ trainingSize: 10, batchSize: 6 }) },
];
const STEPS = 8;

describe.each(ADAPTERS)('settings that change while it runs, on %s', (adapter) => {
  it('make the same run again: back and on, after the loss of the device, and from the list of changes', () =>
    within(adapter, { batchNorm: true }, async (laboratory) => {
      const made: StepResult[] = [];
      for (const { step, running: wanted } of CHANGES) {
        made.push(...(await train(laboratory, step - laboratory.step)));
        laboratory.change(wanted);
        expect(laboratory.settings).toEqual({ ...DEFAULT_SETTINGS, batchNorm: true, ...SMALL, ...wanted });
      }
      made.push(...(await train(laboratory, STEPS - laboratory.step)));
      const view = await laboratory.look(1);
      expect(made.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
      expect(laboratory.changes).toEqual([{ step: 0, running: running({}) }, ...CHANGES]);

      laboratory.seek(2);
      const again = await train(laboratory, 2);
      await laboratory.lose();
      again.push(...(await train(laboratory, STEPS - 4)));
      expect(again).toEqual(made.slice(2));
      expect(await laboratory.look(1)).toEqual(view);

      laboratory.restart({ ...DEFAULT_SETTINGS, batchNorm: true, ...SMALL }, CHANGES);
      expect(await train(laboratory, STEPS)).toEqual(made);

      // Another change at an earlier step makes another run.
      laboratory.seek(4);
      laboratory.change(running({ learningRate: 0 }));
      expect(laboratory.range.last).toBe(4);
      expect(laboratory.changes.map(({ step }) => step)).toEqual([0, 2, 3, 4]);
      const [fifth] = await train(laboratory, 1);
      expect(fifth.step).toBe(5);
      expect(fifth).not.toEqual(made[4]);
    }));

  it('act from the next step on: with a rate of 0 no weight moves, and with decay alone all shrink', () =>
    within(adapter, {}, async (laboratory) => {
      await train(laboratory, 1);
      const filters = async () => (await laboratory.look(0)).layers[1].parameters[0].value.data;
      const before = await filters();
      laboratory.change(running({ learningRate: 0 }));
      await train(laboratory, 1);
      expect(await filters()).toEqual(before);
      // Without a gradient worth the name, Adam's step is the decay: rate · decay · w, and at most the rate besides.
      laboratory.change(running({ learningRate: 0.001, weightDecay: 1 }));
      await train(laboratory, 1);
      const after = await filters();
      laboratory.seek(2);
      laboratory.change(running({ learningRate: 0.001 }));
      await train(laboratory, 1);
      const free = await filters();
      before.forEach((w, i) =>
        expect(Math.abs(free[i] - after[i] - 0.001 * w)).toBeLessThan(4 * 2 ** -24 * Math.abs(w)),
      );
    }));

  it('are refused with a sentence where one is wrong, and then all stays as it was', () =>
    within(adapter, {}, async (laboratory) => {
      const [first] = await train(laboratory, 1);
      expect(() => laboratory.change(running({ dropout: 2 }))).toThrow(
        'the dropout must be a number from 0 to 0.9, not 2',
      );
      expect(() => laboratory.restart(DEFAULT_SETTINGS, [{ step: 3, running: running({ momentum: 7 }) }])).toThrow(
        'the momentum must be a number from 0 to 0.999, not 7',
      );
      expect(laboratory.step).toBe(1);
      expect(laboratory.settings).toEqual({ ...DEFAULT_SETTINGS, ...SMALL });
      laboratory.seek(0);
      expect(await train(laboratory, 1)).toEqual([first]);
    }));

  it('let plain SGD diverge where the rate is too large, which is noted, and so are layers that give 0 only', () =>
    within(adapter, { batchSize: 16 }, async (laboratory) => {
      const notes = (results: readonly StepResult[]) => notesOn(results, 2, (layer) => `layer ${layer}`);
      const calm = await train(laboratory, 4);
      expect(notes(calm)).toEqual([]);
      laboratory.change({ ...laboratory.settings, optimizer: 'sgd', learningRate: 1 });
      const wild = [...calm];
      const said = new Set<string>();
      for (let i = 0; i < 12; i++) {
        wild.push(...(await train(laboratory, 1)));
        for (const note of notes(wild)) said.add(note.slice(0, 18));
      }
      expect([...said]).toEqual(['The loss diverges:', 'Every output of la']);
    }));

  it('give a network that is trained on few galaxies by heart, which is noted', () =>
    within(adapter, { trainingSize: 8, batchSize: 8, learningRate: 0.01 }, async (laboratory) => {
      const results = await train(laboratory, 60);
      const [note] = notesOn(results, 2, String);
      expect(note).toMatch(/^The network overfits: 100 % of the training images are right/);
      expect(results.filter(({ heldOut }) => heldOut !== undefined).map(({ step }) => step)).toEqual([
        10, 20, 30, 40, 50, 60,
      ]);
    }));
});
