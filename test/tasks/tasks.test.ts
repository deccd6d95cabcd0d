import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shape } from '../cli/shapes.ts';
import { Project, ROOT, lineCount } from '../project.ts';
import { writeClassModel } from '../web/look_fixture.ts';

// What a user does with a library, in this one and in others: README.md tells it, with the lines that each needs.

/** What a task prints, wherever it is done. */
const TASKS: Readonly<Record<string, RegExp>> = {
  train: /^(1|0\.9\d*)\n$/,
  save: /^saved\n$/,
  load: /^2\n$/,
  predict: /probabilities: \{[^}]*\},\s+predicted: '\w+'/,
  grad_cam: /^144\n$/,
  own_op: /^\[ 1, 8, 27 \] \[ 3, 12, 27 \]\n$/,
  own_layer: /^true\n$/,
  worker: /^true\n$/,
  tfjs: /^21\n$/,
};
const HERE = join(ROOT, 'test/tasks');
const PROGRAMS = ['tuningfork.ts', 'tfjs.mjs', 'torch.py'];

/** The text of a program; undefined where there is none of its kind. */
const textOf = (task: string, program: string): string | undefined => {
  const path = task === 'page' ? join(ROOT, 'examples/fine_tune/fine_tune.ts') : join(HERE, task, program);
  const isThere = task === 'page' ? program === PROGRAMS[0] : existsSync(path);
  return isThere ? readFileSync(path, 'utf8') : undefined;
};

let project: Project;
beforeAll(() => {
  project = new Project();
  for (const path of ['runs/pets', 'new']) mkdirSync(join(project.folder, path), { recursive: true });
  writeClassModel(join(project.folder, 'runs/pets'));
  writeFileSync(join(project.folder, 'new/cat.jpg'), shape(0, 1));
});
afterAll(() => project.remove());

describe.each(Object.entries(TASKS))('%s', (task, printed) => {
  it('is done here', () => {
    expect(project.run(`${task}_here`, textOf(task, 'tuningfork.ts')!)).toMatch(printed);
    if (task === 'save')
      copyFileSync(join(project.folder, 'small.safetensors'), join(project.folder, 'saved.safetensors'));
  });

  const other = textOf(task, 'tfjs.mjs');
  it.skipIf(other === undefined)('is done by tfjs on its cpu backend, so that the two do the same', () => {
    // Its hint to install another package, and its wish to be seen once.
    const quiet = 'console.warn = () => {}; console.info = () => {};\n';
    const imports = /^import .*\n/gm;
    const program = `${other!.match(imports)!.join('')}${quiet}tf.env().set('IS_NODE', false);\n${other!.replace(imports, '')}`;
    expect(project.runScript(`${task}_tfjs.mjs`, program)).toMatch(printed);
  });
});

it('README.md tells how many lines each takes', () => {
  const table = readFileSync(join(HERE, 'README.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  const counted = [...Object.keys(TASKS), 'page'].map((task) =>
    PROGRAMS.map((program) => {
      const text = textOf(task, program);
      return text === undefined ? '–' : String(lineCount(text));
    }),
  );
  const told = table.slice(1).map((line) =>
    line
      .split('|')
      .slice(2, 5)
      .map((cell) => cell.trim()),
  );
  expect(told).toEqual(counted);
});
