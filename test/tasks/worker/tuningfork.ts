import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { fit, Model, openDevice } from 'tuningfork';
import { dense, relu, sequential } from 'tuningfork/layers';
import { openGpu } from 'tuningfork/node';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.on('message', (loss: number) => console.log(loss < 0.2));
} else {
  using device = await openDevice({ gpu: openGpu() });
  using model = new Model(device, sequential(dense(16), relu, dense(2)), [4]);
  const x = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i * i));
  const y = Uint8Array.from({ length: 100 }, (_, i) => Number(x[4 * i] > 0));
  const { loss } = await fit(model, { data: { x, y }, epochs: 30, optimizer: { name: 'adam', learningRate: 0.02 } });
  parentPort!.postMessage(loss);
}
