// The first module of the bundle of tfjs's specs: the backend that they run on. It is no part of the compiled tests.
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { openDevice } from '../../../engine/device/device.ts';
import { openGpu } from '../../../engine/device/gpu.node.ts';
import { registerTuningfork } from '../../../models/tfjs/register.ts';

const adapter = (globalThis as { tuningforkAdapter?: string }).tuningforkAdapter;
const device = await openDevice({ gpu: openGpu({ adapter }) });
// Each suite makes a backend of its own: the device outlives them.
const close = device[Symbol.dispose].bind(device);
Object.defineProperty(device, Symbol.dispose, { value: () => undefined });
registerTuningfork(() => Promise.resolve(device));
setTestEnvs([{ name: 'tuningfork', backendName: 'tuningfork', isDataSync: false }]);
(globalThis as { tuningforkClose?: () => void }).tuningforkClose = close;
