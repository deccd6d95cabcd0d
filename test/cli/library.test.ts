import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declarations } from '../../cli/build.mjs';
import { ADAPTERS } from '../gpu.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
let folder: string;

// A project as a user has it: the package under node_modules, and what it depends on beside it.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-'));
  const installed = join(folder, 'node_modules', 'tuningfork');
  mkdirSync(installed, { recursive: true });
  symlinkSync(join(MODULES, 'webgpu'), join(folder, 'node_modules', 'webgpu'));
  writeFileSync(join(installed, 'package.json'), readFileSync(join(ROOT, 'package.json')));
  mkdirSync(join(installed, 'dist'));
  for (const file of ['tuningfork.js', 'tuningfork.node.js', 'tuningfork.browser.js', ...shared()])
    writeFileSync(join(installed, 'dist', file), readFileSync(join(ROOT, 'dist', file)));
  declarations(join(installed, 'dist', 'types'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The chunks that the library's two entries share. */
const shared = (): string[] =>
  [...readFileSync(join(ROOT, 'dist/tuningfork.node.js'), 'utf8').matchAll(/from"\.\/(shared-[^"]+)"/g)].map(
    (match) => match[1],
  );

const PROGRAM = `
import { compile, grad, input, mean, openDevice, square, UserError } from 'tuningfork';
import { openGpu } from 'tuningfork/node';
`;

/** The TypeScript example of the README. */
const README_EXAMPLE = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))![1];

function check(name: string, program: string): string {
  writeFileSync(join(folder, name), program);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable', 'dom'],
        module: 'nodenext',
        skipLibCheck: false,
        types: [],
      },
      files: [name],
    }),
  );
  const { stdout, stderr } = spawnSync(process.execPath, [join(MODULES, 'typescript/bin/tsc'), '-p', folder], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

describe('the package', () => {
  it('type-checks for its user, and catches a wrong use', () => {
    expect(
      check(
        'right.ts',
        PROGRAM +
          'const x = input("x", [2, 3]); const [dx] = grad(mean(square(x)), [x]); export const shape: readonly number[] = dx.shape; void [compile, openDevice, openGpu, UserError];',
      ),
    ).toBe('');
    expect(
      check(
        'wrong.ts',
        PROGRAM +
          'export const x = input("x", "2 by 3"); void [compile, grad, mean, openDevice, square, openGpu, UserError];',
      ),
    ).toMatch(/wrong\.ts.*error TS2345/);
  });

  it('computes in Node', () => {
    writeFileSync(
      join(folder, 'use.mjs'),
      `${PROGRAM}
const device = await openDevice({ gpu: openGpu({ adapter: '${ADAPTERS[0]}' }) });
const x = input('x', [4]);
const y = mean(square(x));
const [dx] = grad(y, [x]);
const program = await compile(device, { outputs: [y, dx] });
program.run({ x: Float32Array.of(1, 2, 3, 4) });
const values = [...(await program.read(y)), ...(await program.read(dx)), await program.read(x).catch((error) => error instanceof UserError)];
program[Symbol.dispose]();
device[Symbol.dispose]();
console.log(JSON.stringify(values));
`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'use.mjs')], { encoding: 'utf8' });
    // The mean of the squares of 1..4, x / 2, and the UserError that the user imports: x is no output.
    expect(stdout, stderr).toBe('[7.5,0.5,1,1.5,2,true]\n');
  });

  it('does what the README says', () => {
    expect(check('readme.ts', README_EXAMPLE)).toBe('');
    const program = README_EXAMPLE.replace('openGpu()', `openGpu({ adapter: '${ADAPTERS[0]}' })`);
    writeFileSync(
      join(folder, 'readme.mjs'),
      transformSync(program, { loader: 'ts', format: 'esm', target: 'es2022' }).code,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'readme.mjs')], { encoding: 'utf8' });
    const promised = /console\.log.*\/\/ (.*)/.exec(README_EXAMPLE)![1];
    expect(stdout, stderr).toBe(`${promised}\n`);
  });

  it('is one file without imports for a browser', () => {
    const text = readFileSync(join(folder, 'node_modules/tuningfork/dist/tuningfork.browser.js'), 'utf8');
    expect(text).not.toMatch(/\bfrom\s*"|\bimport\s*\(|\brequire\(/);
    expect(text).toMatch(/export\s*\{/);
  });
});
