import { describe, expect, it } from 'vitest';
import { bindingUses, threadsOf } from '../../engine/program/binding_use.ts';
import type { Launch } from '../../kernels/kernel.ts';

let count = 0;

/** A launch of a made-up kernel whose entry point has this body and workgroup, with two buffers, `x` and `out`. */
const launchOf = (body: string, more: Partial<Launch> = {}, rest = '', size = '64'): Launch => ({
  kernel: {
    name: `made_up_${count++}`,
    file: '',
    hash: '',
    code: `override MODE: u32 = 0;
override LANES: u32 = 32;
const DOWN = 4u;
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
${rest}
@compute @workgroup_size(${size})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
${body}
}`,
    entryPoint: 'main',
    bindings: [
      { name: 'x', binding: 0, kind: 'read_write' },
      { name: 'out', binding: 1, kind: 'read_write' },
      { name: 'params', binding: 2, kind: 'uniform' },
    ],
    params: [],
    paramsSize: 0,
    overrides: ['MODE', 'LANES'],
  },
  params: {},
  workgroups: [1, 1, 1],
  ...more,
});
const used = (launch: Launch): string =>
  [...bindingUses(launch)].map(([name, { reads, writes }]) => `${name} ${reads ? 'r' : ''}${writes ? 'w' : ''}`).join();

describe('what a pipeline does with its buffers', () => {
  it.each([
    ['out[id.x] = x[id.x].y;', 'x r,out w'],
    ['x[id.x + 1].z = 1.0;', 'x w,out '],
    ['out[id.x] += 1.0;', 'x ,out rw'],
    ['out[id.x] <<= 1u;', 'x ,out rw'],
    ['if (out[id.x] == 1.0) { return; }', 'x ,out r'],
    ['out[u32(x[id.x][id.y])] = 0.0;', 'x r,out w'],
    ['let n = arrayLength(&x); out[n] = 1.0;', 'x r,out w'],
    ['out[0] = params.x;', 'x ,out w'],
  ])('%s', (body, uses) => expect(used(launchOf(body))).toBe(uses));

  it('is read from functions that are called, and from no other', () => {
    const functions = `fn f() -> f32 { return g(); }
fn g() -> f32 { return x[0].x; }
fn never() { x[1] = vec4(out[0]); }`;
    expect(used(launchOf('out[0] = f();', {}, functions))).toBe('x r,out w');
  });
  it('is not what a variable or parameter of that name does', () => {
    expect(used(launchOf('var x = 1.0; x = 2.0; out[0] = x;'))).toBe('x ,out w');
    expect(used(launchOf('out[0] = f(1.0, 2.0);', {}, 'fn f(a: f32, x: f32) -> f32 { return a * x; }'))).toBe(
      'x ,out w',
    );
  });
  it('follows the branches that overrides decide', () => {
    const body = 'if (MODE == 1u) { out[0] = x[0].x; }\nif (MODE == 0u) { x[0] = vec4(0.0); }';
    expect(used(launchOf(body))).toBe('x w,out ');
    expect(used(launchOf(body, { overrides: { MODE: 1 } }))).toBe('x r,out w');
  });
});

describe('the threads of a workgroup', () => {
  it.each([
    ['64', {}, 64],
    ['8, 4u, 2', {}, 64],
    ['LANES', {}, 32],
    ['LANES, DOWN', { overrides: { LANES: 16 } }, 64],
    ['LANES, DOWN', { consts: { DOWN: 2 } }, 64],
  ] as const)('of @workgroup_size(%s)', (size, more, threads) =>
    expect(threadsOf(launchOf('', more, '', size))).toBe(threads),
  );
  it('are asked for where nothing says them', () =>
    expect(() => threadsOf(launchOf('', {}, '', 'WIDTH'))).toThrow('nothing says how many WIDTH are'));
});
