// An op of one's own, with its gradient: y[n, c] = x[n, (c + by) mod C] rolls the channels round. What arrives at y
// goes back to where it came from, so the gradient is the same op with -by, and can be differentiated again.
// Run it with `node examples/custom_op.ts` after `npm run build`; see README.md.
import { compile, grad, input, mul, openDevice, sum, type Tensor } from 'tuningfork';
import { openGpu } from 'tuningfork/node';
import { defineKernel, defineOp } from 'tuningfork/wgsl';

const kernel = defineKernel(`
struct Params { size: u32, channels: u32, by: u32 }
alias X = f32; // types of their own: a program of precision f16 may store x and out as f16
alias Out = f32;
@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn roll(@builtin(global_invocation_id) thread: vec3<u32>) {
  let i = thread.x;
  if (i >= params.size) { return; }
  let c = i % params.channels;
  out[i] = Out(x[i - c + (c + params.by) % params.channels]);
}`);

const rollOp = defineOp<'x', { by: number }>({
  name: 'roll',
  inputs: ['x'],
  shape: ([x]) => x.shape,
  vjp: (_, dy, { by }) => ({ x: () => roll(dy, -by) }),
  lower({ output: { size, shape }, attrs: { by }, in: from, out }) {
    const channels = shape[shape.length - 1];
    const params = { size, channels, by: ((by % channels) + channels) % channels };
    const launch = { kernel, params, workgroups: [Math.ceil(size / 64), 1, 1] } as const;
    return [{ launch, buffers: { x: from(0), out: out() } }];
  },
});
const roll = (x: Tensor, by: number): Tensor => rollOp([x], { by });

using device = await openDevice({ gpu: openGpu() });
const [x, weights] = [input('x', [2, 3]), input('weights', [2, 3])];
const y = roll(x, 1);
const [dx] = grad(sum(mul(y, weights)), [x]);
using program = await compile(device, { outputs: [y, dx] });
program.run({ x: [1, 2, 3, 4, 5, 6], weights: [10, 20, 30, 40, 50, 60] });
console.log([...(await program.read(y))], [...(await program.read(dx))]);
