import { readFileSync } from 'node:fs';
import { Model, openDevice } from 'tuningfork';
import { conv, dense, globalPool, relu, sequential } from 'tuningfork/layers';
import { openGpu } from 'tuningfork/node';

using device = await openDevice({ gpu: openGpu() });
using model = new Model(device, sequential(conv(8), relu, globalPool, dense(2)), [12, 12, 3], { seed: 9 });
model.load(readFileSync('small.safetensors'));
console.log((await model.predict(new Float32Array(12 * 12 * 3).fill(1))).length);
