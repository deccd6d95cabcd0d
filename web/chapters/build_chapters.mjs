// The chapters of docs/ as pages: Markdown by marked, formulas by katex as MathML, which browsers draw by themselves.
// What a chapter links to in the repository (kernels, mostly) becomes a page as well.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import katex from 'katex';
import { Marked } from 'marked';

const CHAPTER = /^\d\d-[\w-]+\.md$/;
/** Pages beside the path: no figure of theirs, no next one. */
const BESIDE = ['glossary.md', 'teachers.md'];

const escapeHtml = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const chapterPage = (file) => (CHAPTER.test(file) ? `chapter-${basename(file, '.md')}` : basename(file, '.md'));
/** Whether a path is a chapter, or a page beside the chapters. */
const isPage = (path) =>
  posix.dirname(path) === 'docs' && (CHAPTER.test(basename(path)) || BESIDE.includes(basename(path)));
const sourcePage = (path) => `source-${path.replace(/[/.]/g, '-')}`;

const math = (tex, displayMode) =>
  katex.renderToString(tex, { output: 'mathml', displayMode, throwOnError: true, strict: 'error' });

/** $...$ and $$...$$ as GitHub reads them. */
const formulas = {
  extensions: [
    {
      name: 'displayed',
      level: 'block',
      start: (text) => text.indexOf('$$'),
      tokenizer(text) {
        const found = /^\$\$([\s\S]+?)\$\$\s*(?:\n|$)/.exec(text);
        return found ? { type: 'displayed', raw: found[0], tex: found[1].trim() } : undefined;
      },
      renderer: ({ tex }) => `<div class="formula scroll">${math(tex, true)}</div>\n`,
    },
    {
      name: 'inline',
      level: 'inline',
      start: (text) => text.indexOf('$'),
      tokenizer(text) {
        const found = /^\$([^$\n]+?)\$/.exec(text);
        return found ? { type: 'inline', raw: found[0], tex: found[1] } : undefined;
      },
      renderer: ({ tex }) => math(tex, false),
    },
  ],
};

/**
 * A chapter's Markdown as HTML. `<!-- figure conv2d x w y -->` is where the figure of an op comes that shows these of
 * its values; `sliders=x` and the like become its data attributes. Other comments go.
 * @param linked collects the paths in the repository that the text links to
 */
function render(root, markdown, linked) {
  const marked = new Marked(formulas, {
    walkTokens(token) {
      if (token.type !== 'link' || /^[a-z]+:|^#/.test(token.href)) return;
      const [file, place = ''] = token.href.split(/(?=#)/);
      const path = posix.normalize(posix.join('docs', file));
      if (!existsSync(join(root, path)))
        token.href = undefined; // a chapter that is not written yet
      else if (path === 'docs/README.md') token.href = `chapters.html${place}`;
      else if (isPage(path)) token.href = `${chapterPage(basename(path))}.html${place}`;
      else {
        linked.add(path);
        token.href = `${sourcePage(path)}.html`;
      }
    },
    renderer: {
      link({ href, tokens }) {
        return href === undefined ? this.parser.parseInline(tokens) : false;
      },
    },
  });
  const figures = markdown.replace(/<!-- figure (\w+) ?([^>]*?) ?-->/g, (_, op, words) => {
    const [named, shows] = [
      words.split(' ').filter((word) => word.includes('=')),
      words.split(' ').filter((word) => !word.includes('=')),
    ];
    const data = [
      `data-op="${op}"`,
      `data-shows="${shows.join(' ')}"`,
      ...named.map((word) => `data-${word.replace('=', '="')}"`),
    ].join(' ');
    return `<section class="live" ${data} aria-label="Figure: ${op}"><p class="message" role="status">The figure is being made …</p></section>`;
  });
  return marked
    .parse(figures.replace(/<!--[\s\S]*?-->/g, ''))
    .replaceAll('<table>', '<div class="scroll"><table>')
    .replaceAll('</table>', '</table></div>');
}

function sourceHtml(root, path) {
  const lines = readFileSync(join(root, path), 'utf8').trimEnd();
  const text = escapeHtml(lines).replace(
    /^(\/\/!include )(\S+)$/gm,
    (_, include, name) =>
      `${include}<a href="${sourcePage(posix.normalize(posix.join(posix.dirname(path), name)))}.html">${name}</a>`,
  );
  return `<h1 class="path">${path}</h1>\n<pre class="source" tabindex="0"><code>${text}</code></pre>`;
}

/** All of a kernel's own includes, and theirs. */
function withIncludes(root, path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, name] of readFileSync(join(root, path), 'utf8').matchAll(/^\/\/!include (\S+)$/gm))
    withIncludes(root, posix.normalize(posix.join(posix.dirname(path), name)), found);
  return found;
}

/** The pages of the chapters and of the files they link to, and the table of contents. */
export function chapterPages(root) {
  const docs = join(root, 'docs');
  const linked = new Set();
  const read = (file) => {
    const markdown = readFileSync(join(docs, file), 'utf8');
    return { name: chapterPage(file), title: /^# (.+)$/m.exec(markdown)[1], html: render(root, markdown, linked) };
  };
  const files = readdirSync(docs);
  const chapters = files
    .filter((file) => CHAPTER.test(file))
    .sort()
    .map(read);
  const beside = BESIDE.filter((file) => files.includes(file)).map(read);
  const link = (chapter, rel, text) =>
    chapter ? `<a rel="${rel}" href="${chapter.name}.html">${text}: ${escapeHtml(chapter.title)}</a>` : '';
  const common = { folder: 'chapters', section: 'chapters' };
  const pages = chapters.map(({ name, title, html }, i) => ({
    ...common,
    name,
    title,
    body: `<article class="prose">\n${html}</article>\n<nav class="turn" aria-label="Chapters">${link(chapters[i - 1], 'prev', 'Before')} ${link(chapters[i + 1], 'next', 'Next')}</nav>`,
  }));
  for (const { name, title, html } of beside)
    pages.push({ ...common, name, title, body: `<article class="prose">\n${html}</article>` });
  const contents = render(root, readFileSync(join(docs, 'README.md'), 'utf8'), linked);
  const sources = new Set([...linked].flatMap((path) => [...withIncludes(root, path)]));
  for (const path of sources)
    pages.push({ ...common, name: sourcePage(path), title: basename(path), body: sourceHtml(root, path) });
  return { contents, pages };
}
