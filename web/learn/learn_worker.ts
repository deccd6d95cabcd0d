import { emit, serve } from '../common/worker_server.ts';
import { openAnyDevice } from '../plain/open_device.ts';
import { Laboratory } from './laboratory.ts';
import type { ForeignFacts, ForeignMaps, ForeignModel } from './foreign_model.ts';
import type { Graph } from './graph.ts';
import type { Followed, Track, Weight } from './follow.ts';
import type { Change } from './run_history.ts';
import type { RunningSettings, Settings } from './settings.ts';
import { blankSky, type Sky } from './sky.ts';
import type { CheckResult, StepResult, Target, View } from './view.ts';

let laboratory: Laboratory | undefined;
let foreign: ForeignModel | undefined;

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

/** Whether the image is looked at together with others, as in training. */
let together = false;

const standing = async (image: number): Promise<Standing> => {
  const view = await open().look(image, together);
  return { view, range: open().range, changes: open().changes };
};

const methods = {
  /** Makes the laboratory, with galaxies that are still blank. */
  open(settings: Settings): void {
    laboratory = new Laboratory(blankSky(), settings, (news) => emit('device', news), openAnyDevice);
  },
  prepare: (): Promise<void> => open().prepare(),
  setSky: (sky: Sky): void => open().setSky(sky),
  /** Begins anew; nothing changes where a setting is wrong. */
  async restart(settings: Settings, image: number, changes: readonly Change[] = []): Promise<Standing> {
    open().restart(settings, changes);
    return standing(image);
  },
  /** Begins anew on other images; nothing changes where the settings do not fit them. */
  async useImages(sky: Sky, settings: Settings): Promise<Standing> {
    open().restart(settings, [], sky);
    return standing(0);
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
  /** The graph of the loss. */
  async graph(): Promise<Graph> {
    // Its formulas are read when someone asks for them.
    const { graphOf } = await import('./graph.ts');
    return graphOf(open().layers, open().settings.batchSize);
  },
  /** Opens a model that others trained; the one before stays where the file is none. */
  async openForeign(bytes: Uint8Array, name: string): Promise<ForeignFacts> {
    const { ForeignModel } = await import('./foreign_model.ts');
    const { model, facts } = await ForeignModel.open(bytes, name);
    await foreign?.close();
    foreign = model;
    return facts;
  },
  async foreignMaps(layer: string, picture: Blob | undefined): Promise<ForeignMaps> {
    if (!foreign) throw new Error('no model is open yet');
    return foreign.maps(layer, picture);
  },
  async look(image: number): Promise<Standing> {
    return standing(image);
  },
  /** Looks at images together with others, as in training, from now on; or alone. */
  async lookTogether(on: boolean, image: number): Promise<Standing> {
    together = on;
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
    return open().check(image, target, together);
  },
  async lose(): Promise<void> {
    await open().lose();
  },
};
export type LearnMethods = typeof methods;

serve(methods);
