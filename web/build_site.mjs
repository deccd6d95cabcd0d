// Makes dist/web: the pages, each a page.html, a <name>.ts and what styles it, in the common shell; called by
// cli/build.mjs.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { chapterPages } from './chapters/build_chapters.mjs';
import { guidePages } from './home/build_guides.mjs';
import { POLICY } from './policy.mjs';

const WEB = fileURLToPath(new URL('.', import.meta.url));

/**
 * In the order of the navigation. What a page has `early` comes before the rest: a script that runs as soon as it is
 * there, and a worker that this starts.
 */
export const PAGES = [
  { name: 'index', folder: 'home', title: 'Tuningfork' },
  { name: 'learn', folder: 'learn', title: 'Learn', early: ['learn_early', 'sky_worker'] },
  { name: 'chapters', folder: 'chapters', title: 'Chapters' },
  { name: 'look', folder: 'look', title: 'Look' },
  { name: 'measure', folder: 'measure', title: 'Measure' },
];

/**
 * Writes the site to dist/web, which any static server can host.
 * @param common options of esbuild: plugins, target
 */
export async function buildSite(common, root) {
  const out = join(root, 'dist/web');
  mkdirSync(out, { recursive: true });
  // Page by page, so that each loads few files and nothing that only others use. Split: what a script and its worker
  // share exists once, and what is loaded later, if at all, is a file of its own.
  const outputs = {};
  for (const { folder } of PAGES) {
    const entries = readdirSync(join(WEB, folder))
      .filter((file) => file === `${folder}.ts` || /_(worker|early)\.ts$/.test(file))
      .map((file) => [basename(file, '.ts'), `web/${folder}/${file}`]);
    const { metafile } = await build({
      ...common,
      outdir: 'dist/web',
      platform: 'browser',
      splitting: true,
      minify: true,
      entryPoints: Object.fromEntries(entries),
      chunkNames: 'shared-[hash]',
    });
    Object.assign(outputs, metafile.outputs);
  }
  await buildTfjs(common, root);
  const shell = readFileSync(join(WEB, 'shell.html'), 'utf8');
  const chapters = chapterPages(root);
  // A page that is not in the navigation belongs to one that is: its `section`.
  for (const page of [...PAGES, ...guidePages(root), ...chapters.pages]) {
    writeFileSync(join(out, `${page.folder}.css`), styleOf(page.folder));
    const filled = fill(shell, {
      policy: POLICY,
      title: page.name === 'index' ? page.title : `${page.title} · Tuningfork`,
      chunks: chunksOf(page, outputs)
        .map((name) => `<link rel="modulepreload" href="${name}">`)
        .join('\n'),
      early: page.early ? `<script type="module" async src="${page.early[0]}.js"></script>` : '',
      style: `${page.folder}.css`,
      navigation: PAGES.map(({ name, title }) =>
        name === 'index'
          ? ''
          : `<a href="${name}.html"${name === (page.section ?? page.name) ? ' aria-current="page"' : ''}>${title}</a>`,
      )
        .join('\n')
        .trim(),
      body: page.body ?? bodyOf(page, chapters),
      script: `${page.folder}.js`,
    });
    writeFileSync(join(out, `${page.name}.html`), filled);
  }
  copyFileSync(join(WEB, 'common/site.css'), join(out, 'site.css'));
  copyFileSync(join(WEB, 'icon.svg'), join(out, 'icon.svg'));
  for (const file of ['math.woff2', 'math.woff2.LICENSE.txt']) copyFileSync(join(WEB, 'common', file), join(out, file));
  pack(out);
}

/**
 * The chunks that a page's script needs, and its worker's where it computes: asked for at once, not one after another
 * as each is found in the one before, which on a slow line takes seconds. The largest first: it is there last, and a
 * browser asks for six at a time.
 */
function chunksOf({ folder, name, body, early = [] }, outputs) {
  const computes = body === undefined ? name !== 'chapters' : body.includes('class="live"');
  const found = new Set();
  const follow = (path) => {
    for (const { path: chunk, kind } of outputs[path].imports) {
      if (kind !== 'import-statement' || found.has(chunk)) continue;
      found.add(chunk);
      follow(chunk);
    }
  };
  for (const entry of [...early, folder, ...(computes ? [`${folder}_worker`] : [])]) follow(`dist/web/${entry}.js`);
  const [...chunks] = found;
  const largest = chunks.reduce((a, b) => (outputs[b].bytes > outputs[a].bytes ? b : a), chunks[0]);
  return [...new Set([largest, ...chunks])].map((path) => basename(path));
}

/** A page's style sheets in one: that which has its name, then the others. Nothing is seen before all are there. */
const styleOf = (folder) =>
  readdirSync(join(WEB, folder))
    .filter((file) => file.endsWith('.css'))
    .sort((a, b) => Number(b === `${folder}.css`) - Number(a === `${folder}.css`) || (a < b ? -1 : 1))
    .map((file) => readFileSync(join(WEB, folder, file), 'utf8'))
    .join('\n');

/**
 * Puts a `<name>.gz` beside each file that pages load, for servers that send it to whoever takes gzip. Packed with
 * brotli they would be a fifth smaller and take thirty times as long to make.
 */
function pack(folder) {
  for (const name of readdirSync(folder).filter((each) => /\.(html|js|css|svg)$/.test(each)))
    writeFileSync(join(folder, `${name}.gz`), gzipSync(readFileSync(join(folder, name)), { level: 9 }));
}

/**
 * TensorFlow.js, which Measure compares with: a file of its own with its licence notices beside it. It is a development
 * dependency; where it is not installed the page says that it is left out.
 */
async function buildTfjs(common, root) {
  if (!existsSync(join(root, 'node_modules/@tensorflow/tfjs-backend-webgpu'))) return;
  await build({
    ...common,
    outdir: 'dist/web',
    platform: 'browser',
    minify: true,
    sourcemap: false,
    legalComments: 'linked',
    entryPoints: { tfjs: 'web/measure/tfjs.ts' },
  });
}

/** A page's own body, and in it what only the chapters know. */
const bodyOf = ({ folder }, { contents, pages }) =>
  readFileSync(join(WEB, folder, 'page.html'), 'utf8')
    .replace('<!--chapters-->', () => contents)
    .replace('<!--start-->', () => `${pages[0].name}.html`);

/** Each {{name}} replaced; a name without a value is a mistake. */
const fill = (text, values) =>
  text.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`the shell of the pages asks for ${name}`);
    return values[name];
  });
