import { openDevice, type AdapterSummary } from '../../engine/device/device.ts';
import { serve } from '../common/worker_server.ts';

const methods = {
  /** What a page of this site would compute on. */
  async adapter(): Promise<AdapterSummary> {
    using device = await openDevice();
    return device.adapter;
  },
};
export type HomeMethods = typeof methods;

serve(methods);
