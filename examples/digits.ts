// Learns to read digits that it draws itself, each at a place, of a size and with noise of its own.
// Run it with `node examples/digits.ts` after `npm run build`; see README.md.
import { fit, Model, openDevice } from 'tuningfork';
import { batchNorm, conv, dense, dropout, globalPool, maxPool, sequential } from 'tuningfork/layers';
import { openGpu } from 'tuningfork/node';

const SIDE = 20;
/** Digits of 3 x 5 pixels: a number for each row, whose three bits are its pixels. */
const GLYPHS = ['75557', '26227', '71747', '71717', '55711', '74717', '74757', '71222', '75757', '75717'];

/** A number in 0..1 that depends on its arguments alone. */
function random(...key: number[]): number {
  const v = 43758.5453 * Math.sin(key.reduce((sum, k, i) => sum + (k + 1) * (i + 1) * 12.9898, 78.233));
  return v - Math.floor(v);
}

/** Image number i: SIDE x SIDE pixels, and the digit that it shows. */
function draw(i: number): { pixels: Float32Array; digit: number } {
  const digit = Math.floor(10 * random(i, 1));
  const scale = 2 + Math.floor(2 * random(i, 2));
  const [left, top] = [(SIDE - 3 * scale) * random(i, 3), (SIDE - 5 * scale) * random(i, 4)].map(Math.floor);
  const pixels = Float32Array.from({ length: SIDE * SIDE }, (_, at) => {
    const row = Math.floor((Math.floor(at / SIDE) - top) / scale);
    const column = Math.floor(((at % SIDE) - left) / scale);
    const isInside = column >= 0 && column < 3;
    const isOn = isInside && (Number(GLYPHS[digit][row] ?? 0) >> (2 - column)) % 2 === 1;
    return 0.4 * random(i, at, 5) + (isOn ? 0.6 : 0);
  });
  return { pixels, digit };
}

/** Images from number `first` on, as `fit` takes them: drawn when a batch needs them. */
const samples = (first: number, count: number) => ({
  count,
  at(indices: readonly number[]) {
    const drawn = indices.map((i) => draw(first + i));
    return { x: drawn.flatMap(({ pixels }) => [...pixels]), y: drawn.map(({ digit }) => digit) };
  },
});

const block = (filters: number) => sequential(conv(filters, { bias: false }), batchNorm({ activation: 'relu' }));
const trunk = [block(16), maxPool(), block(32), maxPool(), block(32), globalPool, dropout(0.1)];
const network = sequential(...trunk, dense(10));

using device = await openDevice({ gpu: openGpu() });
using model = new Model(device, network, [SIDE, SIDE, 1]);
await fit(model, {
  data: samples(0, 1000),
  validation: samples(1000, 200),
  epochs: 6,
  schedule: 'cosine',
  optimizer: { name: 'adamw', learningRate: 0.01 },
  onEpoch: ({ epoch, loss, validation }) => console.log(epoch, loss.toFixed(3), validation?.accuracy),
});
