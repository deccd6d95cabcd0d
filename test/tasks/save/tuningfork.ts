import { writeFileSync } from 'node:fs';
import { Model, openDevice } from 'tuningfork';
import { conv, dense, globalPool, relu, sequential } from 'tuningfork/layers';
import { openGpu } from 'tuningfork/node';

using device = await openDevice({ gpu: openGpu() });
using model = new Model(device, sequential(conv(8), relu, globalPool, dense(2)), [12, 12, 3]);
writeFileSync('small.safetensors', await model.save());
console.log('saved');
