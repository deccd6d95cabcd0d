// A small program of the library: a gradient, and a network that is trained. It prints the same numbers wherever it
// runs on the same adapter, in Deno on Deno's own WebGPU.
import { compile, evaluate, fit, grad, input, mean, Model, openDevice, square } from 'tuningfork';
import { conv, dense, flatten, maxPool, relu, sequential } from 'tuningfork/layers';

const open = async () => {
  if ('Deno' in globalThis) return openDevice();
  const { openGpu } = await import('tuningfork/node');
  return openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
};
const device = await open();

const x = input('x', [4]);
const y = mean(square(x));
const [dx] = grad(y, [x]);
const program = await compile(device, { outputs: [y, dx] });
program.run({ x: Float32Array.of(1, 2, 3, 4) });
console.log([...(await program.read(y)), ...(await program.read(dx))].join(' '));
program[Symbol.dispose]();

// 60 pictures of stripes that lie or stand, with noise of Park and Miller's generator.
let state = 7;
const noise = () => (state = (state * 16807) % 2147483647) / 2147483647;
const stripe = (image, row, column) => Number((image % 2 ? row : column) % 4 < 2);
const pictures = Float32Array.from(
  { length: 60 * 144 },
  (_, i) => stripe(Math.floor(i / 144), Math.floor((i % 144) / 12), i % 12) + noise(),
);
const classes = Uint8Array.from({ length: 60 }, (_, i) => i % 2);
const network = sequential(conv(8), relu, maxPool(), conv(16), relu, maxPool(), flatten, dense(2));
const model = new Model(device, network, [12, 12, 1]);
await fit(model, { data: { x: pictures, y: classes }, epochs: 3, optimizer: { name: 'adam', learningRate: 0.01 } });
const { loss, accuracy } = await evaluate(model, { x: pictures, y: classes });
console.log(`loss ${loss} accuracy ${accuracy}`);
model[Symbol.dispose]();
device[Symbol.dispose]();
