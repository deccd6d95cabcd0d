import type { Cell, Settings } from '../../engine/explain/explanation.ts';
import type { Given } from '../../engine/explain/work.ts';
import { DeviceKeeper } from '../common/device_keeper.ts';
import { serve } from '../common/worker_server.ts';
import { FigureCore, type FigureState, type Lit } from './figure_core.ts';

// Nothing stays on the device between two calls: all that a figure is, is in its numbers.
const keeper = new DeviceKeeper(async () => ({ [Symbol.dispose]() {} }));
const figures = new Map<string, FigureCore>();

function figureOf(op: string): FigureCore {
  let figure = figures.get(op);
  if (!figure) figures.set(op, (figure = new FigureCore(op)));
  return figure;
}

const methods = {
  compute: (op: string, settings?: Settings, given?: Given): Promise<FigureState> =>
    keeper.use((_, device) => figureOf(op).compute(device, settings, given)),
  lit: (op: string, cell: Cell): Lit => figureOf(op).lit(cell),
};
export type ChapterMethods = typeof methods;

serve(methods);
