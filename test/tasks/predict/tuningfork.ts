import { openDevice } from 'tuningfork';
import { openGpu } from 'tuningfork/node';
import { loadModel } from 'tuningfork/vision';

using device = await openDevice({ gpu: openGpu() });
using model = await loadModel(device, 'runs/pets'); // what `tuningfork train` wrote
console.log(await model.predict(['new/cat.jpg']));
