// TensorFlow.js: `import 'tuningfork/tfjs'` registers the backend `tuningfork`, in Node.
import { openDevice } from './engine/device/device.ts';
import { openGpu } from './engine/device/gpu.node.ts';
import { registerTuningfork } from './models/tfjs/register.ts';

registerTuningfork(() => openDevice({ gpu: openGpu() }));

export { TuningforkBackend } from './models/tfjs/backend.ts';
export { registerTuningfork };
