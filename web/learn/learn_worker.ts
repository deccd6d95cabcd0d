import { emit, serve } from '../common/worker_server.ts';
import { openAnyDevice } from '../plain/open_device.ts';
import { Laboratory } from './laboratory.ts';
import type { Followed, Track, Weight } from './follow.ts';
import type { Change } from './run_history.ts';
import type { RunningSettings, Settings } from './settings.ts';
import { drawSky, type Sky } from './sky.ts';
import type { CheckResult, StepResult, Target, View } from './view.ts';

let laboratory: Laboratory | undefined;

/** The laboratory, which `open` made. */
function open(): Laboratory {
  if (!laboratory) throw new Error('the laboratory is not open yet');
  return laboratory;
}

/**
 * Where the run stands: the image that is looked at, the steps one can go to, and at which steps running settings
 * changed.
 */
export interface Standing {
  readonly view: View;
  readonly range: { readonly first: number; readonly last: number };
  readonly changes: readonly Change[];
}

const standing = async (image: number): Promise<Standing> => {
  const view = await open().look(image);
  return { view, range: open().range, changes: open().changes };
};

const methods = {
  /** Draws the galaxies and opens the device; returns the pictures. */
  async open(settings: Settings): Promise<Pick<Sky, 'bytes' | 'labels'>> {
    const sky = await drawSky((done, of) => emit('drawn', { done, of }));
    laboratory = new Laboratory(sky, settings, (news) => emit('device', news), openAnyDevice);
    return { bytes: sky.bytes.slice(), labels: sky.labels.slice() };
  },
  /** Begins anew; nothing changes where a setting is wrong. */
  async restart(settings: Settings, image: number, changes: readonly Change[] = []): Promise<Standing> {
    open().restart(settings, changes);
    return standing(image);
  },
  /** Goes on with other running settings; nothing changes where one is wrong. */
  async change(running: RunningSettings, image: number): Promise<Standing> {
    open().change(running);
    return standing(image);
  },
  /** One step of training. */
  async train(image: number): Promise<Standing & { readonly result: StepResult }> {
    const result = await open().train();
    return { result, ...(await standing(image)) };
  },
  /** Steps one after another, of which only the last is looked into. */
  async trainMany(steps: number, image: number): Promise<Standing & { readonly results: readonly StepResult[] }> {
    const results: StepResult[] = [];
    while (results.length < steps) results.push(await open().train());
    return { results, ...(await standing(image)) };
  },
  async look(image: number): Promise<Standing> {
    return standing(image);
  },
  async seek(step: number, image: number): Promise<Standing> {
    open().seek(step);
    return standing(image);
  },
  async follow(weight: Weight): Promise<{ readonly followed?: Followed; readonly track: Track }> {
    return open().follow(weight);
  },
  async check(image: number, target: Target): Promise<CheckResult> {
    return open().check(image, target);
  },
  async lose(): Promise<void> {
    await open().lose();
  },
};
export type LearnMethods = typeof methods;

serve(methods);
