import { compile, grad, input, mul, openDevice, square, sum, type Tensor } from 'tuningfork';
import { openGpu } from 'tuningfork/node';
import { defineKernel, defineOp } from 'tuningfork/wgsl';

const kernel = defineKernel(`
struct Params { size: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn cube(@builtin(global_invocation_id) thread: vec3<u32>) {
  let i = thread.x;
  if (i < params.size) { out[i] = x[i] * x[i] * x[i]; }
}`);
const cubeOp = defineOp({
  name: 'cube',
  inputs: ['x'],
  shape: ([x]) => x.shape,
  vjp: ({ x }, dy) => ({ x: () => mul(dy, mul(square(x), 3)) }),
  lower: ({ output: { size }, in: from, out }) => [
    {
      launch: { kernel, params: { size }, workgroups: [Math.ceil(size / 64), 1, 1] },
      buffers: { x: from(0), out: out() },
    },
  ],
});
const cube = (x: Tensor) => cubeOp([x], {});

using device = await openDevice({ gpu: openGpu() });
const x = input('x', [3]);
const y = cube(x);
const [dx] = grad(sum(y), [x]);
using program = await compile(device, { outputs: [y, dx] });
program.run({ x: [1, 2, 3] });
console.log([...(await program.read(y))], [...(await program.read(dx))]);
