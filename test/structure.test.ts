import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  gpuOutsideEngine,
  importCycles,
  importsOf,
  longFiles,
  longLines,
  naming,
  nodeInBrowserFiles,
  readSources,
  sharedKernelNames,
  upwardImports,
  withoutHeader,
  withoutValue,
} from './structure.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ROOMS = ['kernels', 'engine', 'models', 'vision', 'galaxies', 'cli', 'bench', 'web'];

describe('the rooms', () => {
  const code = readSources(ROOT, ROOMS, /\.(ts|mjs|mts)$/);
  const files = readSources(ROOT, [...ROOMS, 'test'], /\.(ts|mjs|mts|wgsl|html|css)$/);

  const prose = readSources(ROOT, [...ROOMS, 'docs', 'test'], /\.md$/);
  const front = ['README.md', 'CHANGELOG.md'].map((name) => [name, readFileSync(join(ROOT, name), 'utf8')] as const);

  it('are there to be checked', () => {
    expect(code.size).toBeGreaterThan(50);
    expect([...files.keys()].filter((path) => path.endsWith('.wgsl')).length).toBeGreaterThan(4);
    expect([...code].flatMap(([path, text]) => importsOf(path, text)).length).toBeGreaterThan(150);
  });
  it('import downwards only', () => expect(upwardImports(code)).toEqual([]));
  it('name no galaxy where images are images', () =>
    expect(
      naming(new Map([...files, ...prose].filter(([path]) => path.startsWith('vision/'))), /galax(y|ies)/i),
    ).toEqual(['vision/README.md:3']));
  // A tensor is the result of an op, and an op a function of tensors.
  it('have no cycles of imports but one', () =>
    expect(importCycles(code)).toEqual(['engine/op.ts -> engine/tensor.ts -> engine/op.ts']));
  it('use Node only where a browser never goes', () => expect(nodeInBrowserFiles(code)).toEqual([]));
  it('leave GPU objects to engine/device and engine/program', () => expect(gpuOutsideEngine(code)).toEqual([]));
  it('have no file over 400 lines', () => expect(longFiles(files, 400)).toEqual([]));
  it('have no line over 120 characters in kernels, prose and comments', () =>
    expect(longLines(new Map([...files, ...prose, ...front]), 120)).toEqual([]));
  it('have a header on every kernel', () => expect(withoutHeader(files)).toEqual([]));
  it('give every variable of a loop a value', () => expect(withoutValue(files)).toEqual([]));
  it('have no two kernels of one name', () => expect(sharedKernelNames(files)).toEqual([]));
});

describe('the rules see', () => {
  const of = (files: Record<string, string>) => new Map(Object.entries(files));

  it('every form of import', () => {
    const text = [
      `import { a, type B } from './a.ts';`,
      `import type { C } from '../c.ts';`,
      `import { type D } from './d.ts';`,
      `import './e.wgsl';`,
      `export { f } from './f.ts';`,
      `export * from './g.ts';`,
      `const h = await import('./h.ts');`,
      `import {`,
      `  i,`,
      `  j,`,
      `} from 'node:fs';`,
      `let k: typeof import('webgpu');`,
      `// import { l } from './l.ts';`,
      `/* import m from './m.ts'; */`,
    ].join('\n');
    const found = importsOf('models/x/y.ts', text);
    expect(found.map(({ to, typeOnly, lazy }) => [to, typeOnly, lazy])).toEqual([
      ['models/x/a.ts', false, false],
      ['models/c.ts', true, false],
      ['models/x/d.ts', true, false],
      ['models/x/f.ts', false, false],
      ['models/x/g.ts', false, false],
      ['node:fs', false, false],
      ['models/x/e.wgsl', false, false],
      ['models/x/h.ts', false, true],
      ['webgpu', true, true],
    ]);
  });

  it('an import that goes up, types included', () => {
    expect(
      upwardImports(
        of({
          'engine/ops/a.ts': `import type { P } from '../program/p.ts';`,
          'engine/program/p.ts': `import { a } from '../ops/a.ts';`,
          'models/m.ts': `import { g } from '../galaxies/g.ts';`,
          'vision/v.ts': `import { g } from '../galaxies/g.ts';`,
          'bench/b.ts': `import { c } from '../cli/c.ts';`,
        }),
      ),
    ).toEqual([
      'engine/ops/a.ts imports engine/program/p.ts',
      'models/m.ts imports galaxies/g.ts',
      'vision/v.ts imports galaxies/g.ts',
    ]);
  });

  it('a cycle, of types too', () => {
    expect(
      importCycles(
        of({
          'engine/a.ts': `import { b } from './b.ts';`,
          'engine/b.ts': `import { c } from './c.ts';`,
          'engine/c.ts': `import { a } from './a.ts';`,
          'engine/t.ts': `import type { U } from './u.ts';`,
          'engine/u.ts': `import { t } from './t.ts';`,
        }),
      ),
    ).toEqual([
      'engine/a.ts -> engine/b.ts -> engine/c.ts -> engine/a.ts',
      'engine/t.ts -> engine/u.ts -> engine/t.ts',
    ]);
  });

  it('what only Node has', () => {
    expect(
      nodeInBrowserFiles(
        of({
          'models/a.ts': `import { readFileSync } from 'fs';`,
          'models/b.ts': `import { save } from './b.node.ts';`,
          'models/b.node.ts': `import { readFileSync } from 'node:fs';`,
          'web/c.ts': `console.log(process.env.HOME);`,
          'models/d.ts': `// process.env is not read here\nimport type { S } from './b.node.ts';`,
        }),
      ),
    ).toEqual(['models/a.ts imports fs', 'models/b.ts imports models/b.node.ts', 'web/c.ts uses process.']);
  });

  it('GPU objects in the wrong room', () => {
    expect(
      gpuOutsideEngine(
        of({
          'models/a.ts': `const b: GPUBuffer = make();`,
          'cli/b.ts': `device.gpu.queue.submit([]);`,
          'cli/c.ts': `say('GPUBuffer'); // GPUDevice`,
          'engine/device/d.ts': `let d: GPUDevice;`,
        }),
      ),
    ).toEqual(['models/a.ts uses GPUBuffer', 'cli/b.ts uses .gpu.queue']);
  });

  it('long lines of kernels, prose and comments, and no others', () => {
    const [long, short] = ['x'.repeat(121), '·'.repeat(120)];
    expect(
      longLines(
        of({
          'a.wgsl': `${short}\n${long}\n`,
          'a.ts': `// ${long}\n/** ${long} */\n/**\n * ${long}\n */\nsay('${long}');\n`,
          'a.md': [short, `# ${long}`, `- [a](b) ${long}`, '```', long, '```', long].join('\n'),
          'b.md': [`| ${long} |`, `![${long}](b.png)`, `- [a](${long})`, `  \`\`\`sh`, long, '  ```'].join('\n'),
        }),
        120,
      ),
    ).toEqual([
      'a.wgsl:2 has 121 characters',
      'a.ts:1 has 124 characters',
      'a.ts:2 has 128 characters',
      'a.ts:4 has 124 characters',
      'a.md:2 has 123 characters',
      'a.md:3 has 130 characters',
      'a.md:7 has 121 characters',
    ]);
  });

  it('long files and kernels without a header', () => {
    expect(longFiles(of({ 'a.ts': 'x\n'.repeat(400), 'b.ts': 'x\n'.repeat(401) }), 400)).toEqual([
      'b.ts has 401 lines',
    ]);
    expect(
      withoutHeader(
        of({
          'a.wgsl': '// y = x\n',
          'd.wgsl': 'enable f16;\nenable subgroups;\n// y = x\n',
          'b.wgsl': '//!include c.wgsl\n',
          'c.wgsl': 'fn f() {}\n',
        }),
      ),
    ).toEqual(['b.wgsl', 'c.wgsl']);
    expect(
      withoutValue(
        of({
          'a.wgsl':
            'fn f() {\n  var a: f32;\n  for (;;) {\n    var b: f32;\n    // var c: f32;\n    var d = 1.0;\n    var e: LeftMatrix;\n  }\n}\n',
        }),
      ),
    ).toEqual(['a.wgsl: b']);
    expect(
      sharedKernelNames(
        of({
          'a/v1.wgsl': '@compute',
          'a/v2.wgsl': '@compute',
          'b/v1.wgsl': '@compute',
          'a/part.wgsl': '',
          'b/part.wgsl': '// no @compute',
        }),
      ),
    ).toEqual(['b/v1.wgsl']);
  });
});
