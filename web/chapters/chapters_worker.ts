import type { Cell, Settings } from '../../engine/explain/explanation.ts';
import type { Given } from '../../engine/explain/work.ts';
import { DeviceKeeper } from '../common/device_keeper.ts';
import { emit, serve } from '../common/worker_server.ts';
import { openAnyDevice } from '../plain/open_device.ts';
import { FigureCore, type FigureState, type Lit } from './figure_core.ts';

// Nothing stays on the device between two calls: all that a figure is, is in its numbers.
const keeper = new DeviceKeeper(
  async () => ({ [Symbol.dispose]() {} }),
  (news) => emit('device', news),
  openAnyDevice,
);
// By the figure's number in its page: two figures of one op have numbers of their own.
const figures = new Map<number, FigureCore>();

function figureOf(id: number, op: string): FigureCore {
  let figure = figures.get(id);
  if (!figure) figures.set(id, (figure = new FigureCore(op)));
  return figure;
}

const methods = {
  compute: (id: number, op: string, settings?: Settings, given?: Given): Promise<FigureState> =>
    keeper.use((_, device) => figureOf(id, op).compute(device, settings, given)),
  lit: (id: number, cell: Cell): Lit => figures.get(id)!.lit(cell),
};
export type ChapterMethods = typeof methods;

serve(methods);
