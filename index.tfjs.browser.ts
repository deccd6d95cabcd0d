// TensorFlow.js: `import 'tuningfork/tfjs'` registers the backend `tuningfork`, in a browser.
import { openDevice } from './engine/device/device.ts';
import { registerTuningfork } from './models/tfjs/register.ts';

registerTuningfork(() => openDevice());

export { TuningforkBackend } from './models/tfjs/backend.ts';
export { registerTuningfork };
