import { evaluate, fit, Model, openDevice } from 'tuningfork';
import { conv, dense, flatten, maxPool, relu, sequential } from 'tuningfork/layers';
import { openGpu } from 'tuningfork/node';

const stripe = (image: number, row: number, column: number) => Number((image % 2 ? row : column) % 4 < 2);
const x = Float32Array.from({ length: 120 * 144 }, (_, i) =>
  stripe(Math.floor(i / 144), Math.floor((i % 144) / 12), i % 12),
);
const y = Uint8Array.from({ length: 120 }, (_, image) => image % 2);
using device = await openDevice({ gpu: openGpu() });
const network = sequential(conv(8), relu, maxPool(), conv(16), relu, maxPool(), flatten, dense(2));
using model = new Model(device, network, [12, 12, 1]);
await fit(model, { data: { x, y }, epochs: 5, optimizer: { name: 'adam', learningRate: 0.01 } });
console.log((await evaluate(model, { x, y })).accuracy);
