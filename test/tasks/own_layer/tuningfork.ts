import { add, fit, matmul, Model, mul, openDevice } from 'tuningfork';
import { dense, layer, relu, sequential } from 'tuningfork/layers';
import { openGpu } from 'tuningfork/node';

/** y = x w + b, where a number s scales the weights. */
const scaled = (outputs: number) =>
  layer('scaled', (x, scope) => {
    const w = scope.parameter('w', [x.shape[1], outputs], 'dense');
    const [s, b] = [scope.parameter('s', [1], 'gamma'), scope.parameter('b', [outputs], 'bias')];
    return add(matmul(x, mul(w, s)), b);
  });

using device = await openDevice({ gpu: openGpu() });
using model = new Model(device, sequential(scaled(16), relu, dense(2)), [4]);
const x = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i * i));
const y = Uint8Array.from({ length: 100 }, (_, i) => Number(x[4 * i] > 0));
const { loss } = await fit(model, { data: { x, y }, epochs: 30, optimizer: { name: 'adam', learningRate: 0.02 } });
console.log(loss < 0.2);
