import { openDevice, type AdapterSummary } from '../../engine/device/device.ts';
import { emit, serve } from '../common/worker_server.ts';
import { measureChoice, type Listener, type Resume } from './benchmark.ts';
import type { Settings } from './choice.ts';
import { DeviceLost, LocalEngine } from './local_engine.ts';
import { WorkerEngine } from './worker_engine.ts';

/** What the page is told while `measure` goes on: the arguments of a Listener's method. */
export type News = { readonly [K in keyof Listener]: Parameters<Listener[K]> };

const own = new LocalEngine(() => openDevice());
const tfjs = new WorkerEngine('tfjs', new URL('./tfjs_worker.js', import.meta.url));
const tell =
  <K extends keyof Listener>(event: K) =>
  (...args: Parameters<Listener[K]>): void =>
    emit(event, args);
const listener: Listener = {
  progress: tell('progress'),
  note: tell('note'),
  opened: tell('opened'),
  measured: tell('measured'),
};

const methods = {
  async adapter(): Promise<AdapterSummary & { readonly timestamps: boolean }> {
    using device = await openDevice();
    return { ...device.adapter, timestamps: device.hasTimestamps };
  },
  /** Measures, telling the page all the while. Returns why the GPU was lost, where it was, and null otherwise. */
  async measure(settings: Settings, resume: Resume): Promise<string | null> {
    try {
      await measureChoice(
        settings,
        settings.tfjs ? [own, tfjs] : [own],
        navigator.hardwareConcurrency,
        resume,
        listener,
      );
      return null;
    } catch (error) {
      if (error instanceof DeviceLost) return error.message;
      throw error;
    } finally {
      own.drop();
      tfjs.drop();
    }
  },
};
export type MeasureMethods = typeof methods;

serve(methods);
