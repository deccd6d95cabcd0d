// Makes dist/: the program (cli.js and its chunks), the workers, the library for Node and for browsers, its
// types, and the pages. `node cli/build.mjs` does all; the set-up and the tests only need `bundle()`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { wgslEsbuild } from '../kernels/wgsl_plugin.mjs';
import { buildSite } from '../web/build_site.mjs';
import { pureOps } from './pure_ops.mjs';
import { sourcesFingerprint, stampFile } from './setup/freshness.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const WORKERS = {
  decode_worker: 'vision/data/decode_worker.node.ts',
  weights_worker: 'models/formats/weights_worker.node.ts',
};

/** What a user imports, by the name of its file: in Node, and in browsers. */
const LIBRARY = {
  tuningfork: 'index.ts',
  'tuningfork.explain': 'index.explain.ts',
  'tuningfork.layers': 'index.layers.ts',
  'tuningfork.node': 'index.node.ts',
  'tuningfork.onnx': 'index.onnx.ts',
  'tuningfork.tfjs': 'index.tfjs.ts',
  'tuningfork.vision': 'index.vision.ts',
  'tuningfork.wgsl': 'index.wgsl.ts',
};
const BROWSER_LIBRARY = {
  'tuningfork.browser': 'index.ts',
  'tuningfork.explain.browser': 'index.explain.ts',
  'tuningfork.layers.browser': 'index.layers.ts',
  'tuningfork.onnx.browser': 'index.onnx.ts',
  'tuningfork.tfjs.browser': 'index.tfjs.browser.ts',
  'tuningfork.vision.browser': 'index.vision.browser.ts',
  'tuningfork.wgsl.browser': 'index.wgsl.ts',
};

/** Who uses the backend for it has it. */
const PEER = '@tensorflow/tfjs-core';

/** What of other people's is in these files for browsers. Of images, ONNX is a chunk that is loaded when needed. */
const PACKAGES = {
  tfjs: new RegExp(`^${PEER}$`),
  onnx: /\/@bufbuild\/protobuf\//,
  vision: /\/(jpeg-js|csv-parse|@bufbuild\/protobuf)\//,
  wgsl: /\/wgsl_reflect\//,
};

const common = {
  absWorkingDir: ROOT,
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  target: 'es2022',
  plugins: [wgslEsbuild],
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};
const forNode = { ...common, platform: 'node', packages: 'external' };

/**
 * Fails when an output, or a chunk it imports, contains or imports what a browser does not have.
 * @param isAllowed packages that it may contain or import
 */
function assertRunsInBrowser({ outputs }, entry, isAllowed = () => false) {
  const seen = new Set();
  const check = (path) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const input of Object.keys(outputs[path].inputs)) {
      if (/\.node\.ts$|(^|\/)node_modules\//.test(input) && !isAllowed(input))
        throw new Error(`${entry} must run in a browser and contains ${input}`);
    }
    for (const { path: imported, external } of outputs[path].imports) {
      if (external && !isAllowed(imported)) throw new Error(`${entry} must run in a browser and imports ${imported}`);
      if (!external) check(imported);
    }
  };
  check(entry);
}

/** The JavaScript in dist/, without types. Old chunks are removed first: their names change with their contents. */
export async function bundle() {
  const fingerprint = sourcesFingerprint(ROOT);
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  mkdirSync(join(ROOT, 'dist'));
  const [, , library, browser] = await Promise.all([
    // Split into chunks, so that a command loads what it needs and `--help` next to nothing.
    build({ ...forNode, entryPoints: { cli: 'cli/main.ts' }, splitting: true }),
    build({ ...forNode, entryPoints: WORKERS }),
    // Split too: what all import (UserError, Device) must exist once, or `instanceof` tells them apart.
    build({
      ...forNode,
      entryPoints: LIBRARY,
      splitting: true,
      chunkNames: 'shared-[hash]',
    }),
    // Not minified, as a bundler drops only calls that a comment marks as pure, and minifying drops comments.
    build({
      ...common,
      plugins: [...common.plugins, pureOps],
      platform: 'browser',
      external: [PEER],
      // A package asks for a variable of the environment, which a browser has not.
      define: { 'process.env': 'undefined' },
      splitting: true,
      entryPoints: BROWSER_LIBRARY,
      chunkNames: 'shared-[hash]',
    }),
    buildSite(common, ROOT),
  ]);
  for (const name of ['tuningfork', 'tuningfork.explain', 'tuningfork.layers']) {
    assertRunsInBrowser(library.metafile, `dist/${name}.js`);
    assertRunsInBrowser(browser.metafile, `dist/${name}.browser.js`);
  }
  for (const [name, packages] of Object.entries(PACKAGES))
    assertRunsInBrowser(browser.metafile, `dist/tuningfork.${name}.browser.js`, (input) => packages.test(input));
  writeFileSync(stampFile(ROOT), fingerprint);
}

/** The library's types, one .d.ts for each of its modules. */
export function declarations(folder = join(ROOT, 'dist/types')) {
  const tsc = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', folder],
    { encoding: 'utf8' },
  );
  if (tsc.status !== 0) throw new Error(`tsc could not write the declarations:\n${tsc.stdout}${tsc.stderr}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle();
  declarations();
}
