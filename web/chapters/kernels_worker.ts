import { DeviceKeeper } from '../common/device_keeper.ts';
import { serve } from '../common/worker_server.ts';
import { measureProduct, sidesFor, type Result } from './product.ts';
import type { Version } from './product_counts.ts';

const keeper = new DeviceKeeper(async () => ({ [Symbol.dispose]() {} }));

/** What the figure computes on, and the matrices that it offers. */
export interface Bench {
  readonly adapter: string;
  readonly software: boolean;
  readonly sides: readonly number[];
}

const methods = {
  open: (): Promise<Bench> =>
    keeper.use(async (_, { adapter: { description, software } }) => ({
      adapter: description,
      software,
      sides: sidesFor(software),
    })),
  measure: (version: Version, side: number): Promise<Result> =>
    keeper.use((_, device) => measureProduct(device, version, side)),
};
export type KernelsMethods = typeof methods;

serve(methods);
