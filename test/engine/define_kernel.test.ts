import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { defineKernel } from '../../engine/define_kernel.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { defineOp, type Op } from '../../engine/op.ts';
import { input } from '../../engine/ops/leaves.ts';
import { add, mul, relu } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { placeOf } from '../../kernels/decided.ts';
import { describeAdapters, evaluate } from '../gpu.ts';

const BINDINGS = `struct Params { size: u32, channels: u32, by: u32, scale: f32 }
alias X = f32;
alias Out = f32;
@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;
`;
/** y[n, c] = scale x[n, (c + by) mod C]. */
const ROLL = `${BINDINGS}
@compute @workgroup_size(64) /* see https://en.wikipedia.org/wiki/Circular_shift */
fn roll(@builtin(global_invocation_id) thread: vec3<u32>) {
  let i = thread.x;
  if (i >= params.size) { return; }
  let c = i % params.channels;
  out[i] = Out(params.scale * f32(x[i - c + (c + params.by) % params.channels]));
}`;

/** An op that rolls the channels, with a kernel of this name. */
function rollOf(code: string, name?: string) {
  const kernel = defineKernel(code, { name });
  const op: Op<{ by: number; scale: number }> = defineOp<'x', { by: number; scale: number }>({
    name: 'roll',
    inputs: ['x'],
    shape: ([x]) => x.shape,
    vjp: (_, dy, { by, scale }) => ({ x: () => op([dy], { by: -by, scale }) }),
    lower({ output: { size, shape }, attrs: { by, scale }, in: from, out }) {
      const channels = shape[shape.length - 1];
      const params = { size, channels, by: ((by % channels) + channels) % channels, scale };
      return [
        {
          launch: { kernel, params, workgroups: [Math.ceil(size / 64), 1, 1] },
          buffers: { x: from(0), out: out() },
        },
      ];
    },
  });
  return (x: Tensor, by: number, scale = 1) => op([x], { by, scale });
}

describe('a kernel of a user', () => {
  it('says what it binds', () => {
    const kernel = defineKernel(ROLL, { file: 'my/roll.wgsl' });
    expect(kernel).toMatchObject({
      name: 'roll',
      file: 'my/roll.wgsl',
      entryPoint: 'roll',
      bindings: [
        { name: 'x', binding: 0, kind: 'read', storage: 'X' },
        { name: 'out', binding: 1, kind: 'read_write', storage: 'Out' },
        { name: 'params', binding: 2, kind: 'uniform' },
      ],
      params: [
        { name: 'size', offset: 0, type: 'u32' },
        { name: 'channels', offset: 4, type: 'u32' },
        { name: 'by', offset: 8, type: 'u32' },
        { name: 'scale', offset: 12, type: 'f32' },
      ],
      paramsSize: 16,
    });
    expect(defineKernel(`${ROLL} `).hash).not.toBe(kernel.hash);
    expect(defineKernel(ROLL, { name: 'my roll' })).toMatchObject({ name: 'my roll', file: 'my roll' });
  });

  it.each([
    ['fn f() {}', /^a kernel: a kernel file has exactly one @compute entry point$/],
    ['fn (', /^a kernel: .*cannot read this kernel: /],
    [ROLL.replace('@group(0) @binding(0)', '@group(1) @binding(0)'), /x is in group 1/],
    [ROLL.replaceAll('params', 'options'), /the uniform options must be called params/],
  ])('is refused where it breaks a rule', (code, message) => {
    expect(() => defineKernel(code)).toThrow(message);
    expect(() => defineKernel(code)).toThrow(expect.objectContaining({ name: 'UserError' }));
  });
});

describe('where a kernel does not compile', () => {
  /** Where the compiler finds a launch wrong. */
  async function complaint(code: string, file: string, consts?: Record<string, number>): Promise<string> {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const kernel = defineKernel(code, { file });
    return device.pipeline({ kernel, consts, params: {}, workgroups: [1, 1, 1] }).then(
      () => 'it compiles',
      // The place alone: the mutation run takes a compiler's words for a fault that no test could read.
      (error: Error) => /[\w./]+:\d+:\d+/.exec(error.message)?.[0] ?? 'no place is told',
    );
  }

  it('the line is that of its file, with comments, branches left out and rewritten consts before it', async () => {
    const lines = [
      'const N = 1;',
      '/* of two',
      '   lines // */ const M = 2;',
      'fn f() -> u32 {',
      '  if (N == 1) {',
      '    return 1;',
      '  }',
      '  return 2;',
      '}',
      '@compute @workgroup_size(1) fn main() {',
      '  let wrong: u32 = f() + 1.5f;',
      '}',
    ];
    for (const N of [1, 2])
      expect(await complaint(lines.join('\n'), 'my/wrong.wgsl', { N })).toBe('my/wrong.wgsl:11:20');
  });

  it('the line is that of the included file', () => {
    const code = [
      '// first', //          main 1
      '//!begin ../include/a.wgsl', // main 2
      'a1',
      '//!begin b.wgsl', //  a 2
      'b1',
      'b2',
      '//!end',
      'a3',
      '//!end',
      'main 3',
    ].join('\n');
    const places = code
      .split('\n')
      .flatMap((text, i) => (text.startsWith('//') ? [] : [placeOf({ file: 'k/m/main.wgsl', code }, i + 1)]));
    expect(places).toEqual([
      'k/include/a.wgsl:1',
      'k/include/b.wgsl:1',
      'k/include/b.wgsl:2',
      'k/include/a.wgsl:3',
      'k/m/main.wgsl:3',
    ]);
  });
});

describeAdapters('an op of a user', (device) => {
  const X = [1, 2, 3, 4, 5, 6];

  it('computes, with its gradient, among ops that are fused', async () => {
    const roll = rollOf(ROLL);
    const [x, w] = [input('x', [2, 3]), input('w', [2, 3])];
    const y = add(relu(roll(mul(x, 2), 1, 0.5)), 1);
    const [dx, dw] = grad(sum(mul(y, w)), [x, w]);
    const [gotY, gotDx, gotDw] = await evaluate(device(), [y, dx, dw], { x: X, w: [10, 20, 30, 40, 50, 60] });
    expect([...gotY]).toEqual([3, 4, 2, 6, 7, 5]);
    expect([...gotDx]).toEqual([30, 10, 20, 60, 40, 50]);
    expect([...gotDw]).toEqual([...gotY]);
  });

  it('is stored as f16 where the program is', async () => {
    if (!device().capabilities.f16) return;
    const roll = rollOf(ROLL);
    // Activations are stored so: numbers of pixels.
    const x = input('x', [1, 2, 1, 3]);
    const y = roll(roll(x, 1), 1);
    using program = await compile(device(), { outputs: [y], precision: 'f16' });
    expect(program.steps.map(({ launch }) => launch.aliases)).toEqual([{ Out: 'f16' }, { X: 'f16' }]);
    program.run({ x: [1 / 3, 2, 3, 4, 5, 6] });
    // 1/3 is no f16: what is read shows that it was stored as one.
    expect([...(await program.read(y))]).toEqual([3, 0.333251953125, 2, 6, 4, 5]);
  });

  it('may have the name of another kernel', async () => {
    const x = input('x', [2, 3]);
    const mine = rollOf(ROLL, 'reduce');
    const other = rollOf(ROLL.replace('Out(params.scale * ', 'Out(1.0 - params.scale * '), 'reduce');
    const [a, b, total] = await evaluate(device(), [mine(x, 1), other(x, 1), sum(x)], { x: X });
    expect([...a]).toEqual([2, 3, 1, 5, 6, 4]);
    expect([...b]).toEqual([-1, -2, 0, -4, -5, -3]);
    expect([...total]).toEqual([21]);
  });
});
