import { compile, findTensor, gradCam, input, Model, oneHot, openDevice } from 'tuningfork';
import { conv, dense, globalPool, relu, sequential } from 'tuningfork/layers';
import { openGpu } from 'tuningfork/node';

using device = await openDevice({ gpu: openGpu() });
using model = new Model(device, sequential(conv(8), relu, conv(8), relu, globalPool, dense(2)), [12, 12, 3]);
const logits = model.apply(input('x', [1, 12, 12, 3]));
const explained = input('explained', [1, 2]);
const map = gradCam(logits, explained, findTensor(logits, model.network.lastConv));
using program = await compile(device, { outputs: [map] });
program.run({ x: new Float32Array(12 * 12 * 3).fill(1), explained: oneHot([1], 2) });
console.log((await program.read(map)).length);
