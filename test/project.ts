// A project as a user has it: the package under node_modules, and what it depends on beside it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { expect } from 'vitest';
import { declarations } from '../cli/build.mjs';
import { ADAPTERS } from './gpu.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const MODULES = join(ROOT, 'node_modules');

/** The Node that runs a user's program: this one, or that of `npm run runtimes`. */
export const NODE = process.env['TUNINGFORK_TEST_NODE'] ?? process.execPath;
/** What it understands: `using` from 24 on. */
const LANGUAGE =
  Number(/^v(\d+)/.exec(spawnSync(NODE, ['--version'], { encoding: 'utf8' }).stdout)![1]) < 24 ? 'es2022' : 'esnext';

/** What lies in dist/ of the library: its entries and the chunks that they share. */
export const libraryFiles = (): string[] =>
  readdirSync(join(ROOT, 'dist')).filter((name) => /^(tuningfork[\w.]*|shared-\w+)\.js$/.test(name));

/** Lines of a program that say something: neither empty nor a comment. */
export const lineCount = (text: string): number =>
  text.split('\n').filter((line) => line.trim() !== '' && !/^\s*(\/\/|#|\/?\*)/.test(line)).length;

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'tuningfork-'));

  constructor() {
    const installed = join(this.folder, 'node_modules', 'tuningfork');
    mkdirSync(installed, { recursive: true });
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), '@tensorflow/tfjs']) {
      mkdirSync(join(this.folder, 'node_modules', name, '..'), { recursive: true });
      symlinkSync(join(MODULES, name), join(this.folder, 'node_modules', name));
    }
    writeFileSync(join(installed, 'package.json'), readFileSync(join(ROOT, 'package.json')));
    mkdirSync(join(installed, 'dist'));
    for (const file of libraryFiles())
      writeFileSync(join(installed, 'dist', file), readFileSync(join(ROOT, 'dist', file)));
    declarations(join(installed, 'dist', 'types'));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** What the compiler says of a program; Node's own modules are known only to one that has their types. */
  check(name: string, program: string, types: readonly string[] = []): string {
    writeFileSync(join(this.folder, name), program);
    writeFileSync(
      join(this.folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: 'es2022',
          lib: ['es2023', 'esnext.disposable', 'dom'],
          module: 'nodenext',
          // The types of tfjs bring types of WebGPU that clash with those of a newer TypeScript.
          skipLibCheck: program.includes('@tensorflow/'),
          types,
          typeRoots: [join(MODULES, '@types')],
        },
        files: [name],
      }),
    );
    const { stdout, stderr } = spawnSync(process.execPath, [join(MODULES, 'typescript/bin/tsc'), '-p', this.folder], {
      encoding: 'utf8',
    });
    return stdout + stderr;
  }

  /** What a TypeScript program of a user prints, given these arguments; it must type-check. */
  run(name: string, program: string, ...args: readonly string[]): string {
    expect(this.check(`${name}.ts`, program, program.includes("'node:") ? ['node'] : [])).toBe('');
    const onAdapter = program.replace('openGpu()', `openGpu({ adapter: '${ADAPTERS[0]}' })`);
    const { code } = transformSync(onAdapter, { loader: 'ts', format: 'esm', target: LANGUAGE });
    return this.runScript(`${name}.mjs`, code, ...args);
  }

  /** What a program in JavaScript prints; it must not complain. */
  runScript(name: string, program: string, ...args: readonly string[]): string {
    writeFileSync(join(this.folder, name), program);
    const { stdout, stderr } = spawnSync(NODE, [name, ...args], { encoding: 'utf8', cwd: this.folder });
    expect(stderr.replace(/^Warning: maxDynamic.*\n/gm, '')).toBe('');
    return stdout;
  }
}
