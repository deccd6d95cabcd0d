import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packParams, pipelineKey, specialise, tableParams, type KernelSource } from '../../kernels/kernel.ts';
import { reflectKernel, resolveIncludes } from '../../kernels/wgsl_plugin.mjs';
import reduce from '../../kernels/reduce/reduce.wgsl';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-'));
  mkdirSync(join(folder, 'include'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const MAIN = '@compute @workgroup_size(64) fn go() {}';

describe('reflection', () => {
  it('reads bindings, uniform layout and overrides', () => {
    const path = write(
      'scale.wgsl',
      '// y = a x',
      'struct Params { n: u32, shift: i32, a: f32 }',
      'override WIDTH: u32 = 4u;',
      'const TILE = 8;',
      '@group(0) @binding(3) var<uniform> params: Params;',
      '@group(0) @binding(0) var<storage, read> x: array<f32>;',
      '@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;',
      '@group(0) @binding(2) var<storage> z: array<f32>;',
      MAIN,
    );
    const kernel = reflectKernel(path);
    expect(kernel).toMatchObject({
      name: 'scale',
      entryPoint: 'go',
      bindings: [
        { name: 'x', binding: 0, kind: 'read' },
        { name: 'y', binding: 1, kind: 'read_write' },
        { name: 'z', binding: 2, kind: 'read' },
        { name: 'params', binding: 3, kind: 'uniform' },
      ],
      params: [
        { name: 'n', offset: 0, type: 'u32' },
        { name: 'shift', offset: 4, type: 'i32' },
        { name: 'a', offset: 8, type: 'f32' },
      ],
      paramsSize: 16,
      overrides: ['WIDTH'],
    });
    const view = new DataView(packParams({ kernel, params: { n: 7, shift: -2, a: 0.5 }, workgroups: [1, 1, 1] }));
    expect([view.getUint32(0, true), view.getInt32(4, true), view.getFloat32(8, true), view.byteLength]).toEqual([
      7, -2, 0.5, 16,
    ]);
  });

  it('an array of vec4 in the uniform is so many numbers', () => {
    const path = write(
      'table.wgsl',
      'struct Params { n: u32, rows: array<vec4<u32>, 2>, factors: array<vec4<f32>, 1> }',
      '@group(0) @binding(0) var<uniform> params: Params;',
      MAIN,
    );
    const kernel = reflectKernel(path);
    expect(kernel.params).toEqual([
      { name: 'n', offset: 0, type: 'u32' },
      { name: 'rows', offset: 16, type: 'u32', count: 8 },
      { name: 'factors', offset: 48, type: 'f32', count: 4 },
    ]);
    const tables = { ...tableParams('rows', 2, [[1, 2, 3, 4], [5]]), ...tableParams('factors', 1, [[0.5]]) };
    const bytes = packParams({ kernel, params: { n: 9, ...tables }, workgroups: [1, 1, 1] });
    expect([...new Uint32Array(bytes, 0, 12)]).toEqual([9, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0]);
    expect([...new Float32Array(bytes, 48)]).toEqual([0.5, 0, 0, 0]);
  });

  it('gives an imported kernel the same way, includes resolved', () => {
    expect(reduce.name).toBe('reduce');
    expect(reduce.bindings.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'x read',
      'out read_write',
      'params uniform',
    ]);
    expect(reduce.params.map(({ name, offset, type }) => `${name} ${offset} ${type}`)).toEqual([
      'outer 0 u32',
      'length 4 u32',
      'inner 8 u32',
      'parts 12 u32',
      'scale 16 f32',
    ]);
    expect(reduce.paramsSize).toBe(32);
    expect(reduce.code).toContain('fn flat_workgroup(');
    expect(reduce.code).not.toContain('//!include');
  });

  it('has no params where the kernel has none', () => {
    expect(reflectKernel(write('bare.wgsl', MAIN))).toMatchObject({
      params: [],
      paramsSize: 0,
      bindings: [],
      overrides: [],
    });
  });

  it.each([
    ['two entry points', [MAIN, MAIN.replace('go', 'other')], /exactly one @compute/],
    ['no entry point', ['const N = 1;'], /exactly one @compute/],
    ['another group', ['@group(1) @binding(0) var<storage> x: array<f32>;', MAIN], /x is in group 1/],
    [
      'a uniform of another name',
      ['struct P { n: u32 }', '@group(0) @binding(0) var<uniform> p: P;', MAIN],
      /uniform p must be called params/,
    ],
    [
      'a vector in params',
      ['struct P { n: vec2<u32> }', '@group(0) @binding(0) var<uniform> params: P;', MAIN],
      /params\.n is .*; members are u32, i32, f32/,
    ],
    ['what is no WGSL', ['fn ('], /cannot read this kernel/],
  ])('refuses %s and names the file', (_, lines, message) => {
    const path = write('wrong.wgsl', ...lines);
    expect(() => reflectKernel(path)).toThrow(message);
    expect(() => reflectKernel(path)).toThrow(path);
  });
});

it('every kernel that can store its output as f16 says what becomes of numbers beyond it', () => {
  const root = fileURLToPath(new URL('../../kernels', import.meta.url));
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.wgsl') && !/\binclude\b/.test(path),
  );
  const kernels = paths
    .filter((path) => resolveIncludes(join(root, path)).includes('@compute'))
    .map((path) => reflectKernel(join(root, path)));
  expect(kernels.length).toBeGreaterThan(50);
  for (const { file, code, bindings } of kernels)
    expect(/^const STORES_HALF\b/m.test(code), file).toBe(
      bindings.some(({ kind, storage }) => kind === 'read_write' && storage !== undefined),
    );
});

describe('includes', () => {
  it('are nested, relative to the file that includes, and each there once', () => {
    write('include/a.wgsl', '//!include b.wgsl', 'const A = 1;');
    write('include/b.wgsl', 'const B = 2;');
    const text = resolveIncludes(write('main.wgsl', '//!include include/a.wgsl', '//!include include/b.wgsl', MAIN));
    expect(text.match(/const [AB]/g)).toEqual(['const B', 'const A']);
  });

  it('that are missing are an error naming both files', () => {
    const path = write('lost.wgsl', '//!include include/nowhere.wgsl', MAIN);
    expect(() => reflectKernel(path)).toThrow(
      `${path} includes include/nowhere.wgsl, and there is no file ${join(folder, 'include/nowhere.wgsl')}`,
    );
  });
});

describe('specialise', () => {
  const kernel = {
    name: 'k',
    code: 'const TILE = 4;\nconst WIDE : u32 = 2u;\nalias Stored = f32;\nfn f() { const INNER = 1; }\n',
  } as KernelSource;

  it('rewrites consts and aliases and nothing else', () => {
    expect(specialise({ kernel, consts: { TILE: 8, WIDE: 16 } })).toBe(
      'const TILE = 8;\nconst WIDE : u32 = 16;\nalias Stored = f32;\nfn f() { const INNER = 1; }\n',
    );
    expect(specialise({ kernel, aliases: { Stored: 'vec4<f32>' } })).toContain('alias Stored = vec4<f32>;');
    expect(specialise({ kernel })).toBe(kernel.code);
  });

  it('enables f16 where an alias asks for it', () =>
    expect(specialise({ kernel, aliases: { Stored: 'f16' } })).toMatch(/^enable f16; const TILE = 4;\n/));

  it('refuses names that the kernel does not declare at its top', () => {
    expect(() => specialise({ kernel, consts: { TILES: 8 } })).toThrow('kernel k declares no const TILES');
    expect(() => specialise({ kernel, consts: { INNER: 8 } })).toThrow('kernel k declares no const INNER');
    expect(() => specialise({ kernel, aliases: { Store: 'f16' } })).toThrow('kernel k declares no alias Store');
  });
});

describe('launches', () => {
  const launch = {
    kernel: reduce,
    params: { outer: 1, length: 2, inner: 3, parts: 1, scale: 1 },
    workgroups: [1, 1, 1] as const,
  };

  it('share a pipeline when they differ in uniforms and workgroups only', () => {
    expect(pipelineKey({ ...launch, params: { ...launch.params, length: 9 }, workgroups: [4, 1, 1] })).toBe(
      pipelineKey(launch),
    );
    expect(pipelineKey({ ...launch, overrides: { WIDTH: 2 } })).not.toBe(pipelineKey(launch));
    expect(pipelineKey({ ...launch, consts: { TILE: 2 } })).not.toBe(
      pipelineKey({ ...launch, overrides: { TILE: 2 } }),
    );
  });

  it('must give every member of params and no other', () => {
    expect(() => packParams({ ...launch, params: { outer: 1, length: 2, inner: 3, parts: 1 } })).toThrow(
      'no value for params.scale',
    );
    expect(() => packParams({ ...launch, params: { ...launch.params, depth: 1 } })).toThrow('has no params.depth');
  });
});
