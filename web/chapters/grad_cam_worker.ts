import { DeviceKeeper } from '../common/device_keeper.ts';
import { emit, serve } from '../common/worker_server.ts';
import { Laboratory } from '../learn/laboratory.ts';
import { openAnyDevice } from '../plain/open_device.ts';
import { DEFAULT_SETTINGS } from '../learn/settings.ts';
import { drawSky, type Sky } from '../learn/sky.ts';
import type { StepResult } from '../learn/view.ts';
import { camOf, type Cam } from './cam.ts';

const keeper = new DeviceKeeper(
  async () => ({ [Symbol.dispose]() {} }),
  () => {},
  openAnyDevice,
);
let laboratory: Laboratory | undefined;

const methods = {
  /** Draws the galaxies and makes an untrained network; returns the pictures. */
  async open(): Promise<Pick<Sky, 'bytes' | 'labels'>> {
    const sky = await drawSky((done, of) => emit('drawn', { done, of }));
    laboratory = new Laboratory(sky, DEFAULT_SETTINGS, (news) => emit('device', news), openAnyDevice);
    return { bytes: sky.bytes.slice(), labels: sky.labels.slice() };
  },
  /** One step of training. */
  train: (): Promise<StepResult> => laboratory!.train(),
  /** The steps of Grad-CAM of an image, for a class. */
  async explain(image: number, explained: number): Promise<Cam> {
    const view = await laboratory!.look(image);
    return keeper.use((_, device) => camOf(device, view, explained));
  },
};
export type GradCamMethods = typeof methods;

serve(methods);
