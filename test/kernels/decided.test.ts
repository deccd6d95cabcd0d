import { describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { decidedText } from '../../kernels/decided.ts';
import type { KernelSource } from '../../kernels/kernel.ts';
import conv2dForward from '../../kernels/conv2d/conv2d_v2.wgsl';
import depthwise from '../../kernels/depthwise_conv2d/depthwise_conv2d_forward_v2.wgsl';
import matmul from '../../kernels/matmul/matmul_v2.wgsl';
import pointwise from '../../kernels/pointwise/pointwise.wgsl';

const kernelOf = (...lines: string[]) =>
  ({
    name: 'k',
    entryPoint: 'main',
    code: ['override A: u32 = 0;', 'override B: u32 = 2u;', 'const C = 1;', 'override D: u32 = 2 * B;', ...lines].join(
      '\n',
    ),
    bindings: [{ name: 'x' }, { name: 'y' }],
  }) as unknown as KernelSource;
/** What is left of a function's body, on one line. */
const left = (body: string, overrides: Record<string, number> = {}) =>
  /fn f\(\) \{(.*)\}$/s
    .exec(decidedText({ kernel: kernelOf(`fn f() {\n${body}\n}`), overrides }))![1]
    .replace(/\s+/g, ' ')
    .trim();

describe('branches over overrides and consts', () => {
  it.each<[string, string, Record<string, number>, string]>([
    ['are left out where the default says no', 'a(); if (A == 1u) { b(); } c();', {}, 'a(); c();'],
    ['are taken where the default says yes', 'a(); if (B == 2u) { b(); } c();', {}, 'a(); { b(); } c();'],
    ['go by the value given', 'if (A != 0u) { b(); } if (B == 2u) { d(); }', { A: 1, B: 3 }, '{ b(); }'],
    ['of a const', 'if (C == 0) { b(); } if (C == 1) { d(); }', {}, '{ d(); }'],
    [
      'within branches that are taken, and within those that stay',
      'if (B == 2u) { if (A == 1u) { b(); } d(); } if (x) { if (A == 0u) { e(); } }',
      {},
      '{ d(); } if (x) { { e(); } }',
    ],
    [
      'with all that lies within where they are left out',
      'if (A == 1u) { if (x) { b(); } else { c(); } } d();',
      {},
      'd();',
    ],
    [
      'end what follows where they return, in their own block only',
      'if (x) { if (A == 0u) { return 1; } b(); } c();',
      {},
      'if (x) { { return 1; }} c();',
    ],
    [
      'end nothing where they return in some cases only',
      'if (A == 0u) { if (x) { return; } } c();',
      {},
      '{ if (x) { return; } } c();',
    ],
    [
      'stay where there is an else',
      'if (A == 1u) { b(); } else { c(); } if (x) { b(); } else if (A == 1u) { c(); }',
      {},
      'if (A == 1u) { b(); } else { c(); } if (x) { b(); } else if (A == 1u) { c(); }',
    ],
    ['stay where the value is computed', 'if (D == 1u) { b(); }', {}, 'if (D == 1u) { b(); }'],
    [
      'stay where other things decide too',
      'if (A == 1u || x) { b(); } if (a == 1u) { c(); }',
      {},
      'if (A == 1u || x) { b(); } if (a == 1u) { c(); }',
    ],
    ['whatever stands in comments', 'a(); // if (A == 0u) {\nif (A == 1u) { // }\n b(); }\nc(); // {', {}, 'a(); c();'],
  ])('%s', (_, body, overrides, want) => expect(left(body, overrides)).toBe(want));

  it('leave every binding in the layout', () => {
    expect(
      decidedText({
        kernel: kernelOf(
          '@compute @workgroup_size(1)',
          'fn main(@builtin(x) x: u32) {',
          '  if (A == 1u) { x[0] = y[0]; }',
          '}',
        ),
      }),
    ).toMatch(/fn main\(@builtin\(x\) x: u32\) \{ _ = &x; _ = &y;\s*\}$/);
  });

  it('leave a kernel that is as it was: shorter, without a warning, with the same bindings', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const kernel of [conv2dForward, depthwise, matmul, pointwise]) {
      const code = decidedText({ kernel });
      expect(code.length).toBeLessThan(kernel.code.replace(/\/\/.*$/gm, '').length);
      const module = device.gpu.createShaderModule({ code });
      expect(
        (await module.getCompilationInfo()).messages.map(({ message }) => message),
        kernel.name,
      ).toEqual([]);
      const pipeline = await device.pipeline({ kernel, params: {}, workgroups: [1, 1, 1] });
      const buffers = kernel.bindings.map(({ binding, kind }) => ({
        binding,
        resource: {
          buffer: device.createBuffer(1024, kind === 'uniform' ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE, 'b'),
        },
      }));
      device.gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: buffers });
    }
    await device.idle();
  });
});
