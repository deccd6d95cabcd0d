import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { expect } from 'vitest';
import { wgslEsbuild } from '../../../kernels/wgsl_plugin.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CORE = join(ROOT, 'node_modules/@tensorflow/tfjs-core/dist');

type Work = (done?: () => void) => unknown;
interface Suite {
  readonly name: string;
  readonly outer?: Suite;
  readonly hooks: { beforeAll: Work[]; beforeEach: Work[]; afterEach: Work[]; afterAll: Work[] };
  readonly members: (Suite | { readonly name: string; readonly work: Work })[];
}

/** What became of a spec; `why` is the first line of its error. */
export interface Outcome {
  readonly name: string;
  readonly why?: string;
}

/** Specs ask for Jasmine's core, and use nothing of it but a limit of time. */
const withoutJasmine: Plugin = {
  name: 'without-jasmine',
  setup(bundler) {
    bundler.onResolve({ filter: /^jasmine-core/ }, ({ path }) => ({ path, namespace: 'jasmine' }));
    bundler.onLoad({ filter: /.*/, namespace: 'jasmine' }, () => ({
      contents: 'module.exports = { core: () => ({}) };',
    }));
  },
};

/** One file of the backend and of tfjs's specs whose path fits. */
async function bundleSpecs(files: RegExp): Promise<string> {
  const folders = ['ops', 'optimizers', ''];
  const specs = folders.flatMap((folder) =>
    readdirSync(join(CORE, folder))
      .filter((name) => name.endsWith('_test.js') && files.test(`${folder}/${name}`))
      .map((name) => join(CORE, folder, name)),
  );
  const outfile = join(ROOT, '.cache/test/tfjs_specs.mjs');
  mkdirSync(dirname(outfile), { recursive: true });
  const modules = [join(ROOT, 'test/models/tfjs/specs_env.ts'), ...specs];
  await build({
    stdin: { contents: modules.map((path) => `import ${JSON.stringify(path)};`).join('\n'), resolveDir: ROOT },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    mainFields: ['module', 'main'],
    external: ['webgpu'],
    ignoreAnnotations: true,
    plugins: [wgslEsbuild, withoutJasmine],
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}

const suiteOf = (name: string, outer?: Suite): Suite => ({
  name,
  outer,
  hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] },
  members: [],
});

/** Jasmine's words as the specs use them; the suites are collected in `root`. */
function words(root: Suite): object {
  let current = root;
  const hook = (kind: keyof Suite['hooks']) => (work: Work) => current.hooks[kind].push(work);
  return {
    describe(name: string, body: () => void) {
      const suite = suiteOf(name, current);
      current.members.push(suite);
      current = suite;
      body();
      current = suite.outer!;
    },
    it: (name: string, work: Work) => current.members.push({ name, work }),
    beforeAll: hook('beforeAll'),
    beforeEach: hook('beforeEach'),
    afterEach: hook('afterEach'),
    afterAll: hook('afterAll'),
    jasmine: {},
    expect: (...value: unknown[]) => (value.length > 0 ? expect(value[0]) : { nothing: () => undefined }),
    expectAsync: (value: Promise<unknown>) => ({
      toBeRejectedWithError: (why?: RegExp) => expect(value).rejects.toThrow(why),
    }),
  };
}

const finished = (work: Work): Promise<unknown> => {
  const done = () =>
    new Promise<void>((resolve, reject) => work(Object.assign(resolve as () => void, { fail: reject })));
  return Promise.resolve(work.length > 0 ? done() : work());
};

const each = (suite: Suite, kind: 'beforeEach' | 'afterEach'): Work[] => [
  ...(suite.outer ? each(suite.outer, kind) : []),
  ...suite.hooks[kind],
];

async function runSuite(suite: Suite, prefix: string, outcomes: Outcome[]): Promise<void> {
  for (const work of suite.hooks.beforeAll) await finished(work);
  for (const member of suite.members) {
    const name = `${prefix}${member.name}`;
    if ('members' in member) {
      await runSuite(member, `${name} › `, outcomes);
      continue;
    }
    let why: string | undefined;
    try {
      for (const work of each(suite, 'beforeEach')) await finished(work);
      await finished(member.work);
    } catch (error) {
      why = String((error as Error | undefined)?.message ?? error).split('\n')[0];
    }
    for (const work of each(suite, 'afterEach')) await finished(work);
    outcomes.push({ name: name.replace(' tuningfork {}', ''), why });
  }
  for (const work of suite.hooks.afterAll) await finished(work);
}

/** Runs tfjs's own specs of those files (`ops/add_test.js`) on the backend. */
export async function runSpecs(adapter: string, files: RegExp): Promise<Outcome[]> {
  const root = suiteOf('');
  Object.assign(globalThis, words(root), { tuningforkAdapter: adapter });
  await import(/* @vite-ignore */ `${pathToFileURL(await bundleSpecs(files))}?${Date.now()}`);
  const outcomes: Outcome[] = [];
  await runSuite(root, '', outcomes);
  (globalThis as { tuningforkClose?: () => void }).tuningforkClose!();
  return outcomes;
}
