// The chapters of docs/ as pages, their contents as a path. What a chapter links to in the repository (kernels, mostly)
// becomes a page as well.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { BESIDE, CHAPTER, chapterPage, escapeHtml, render, sourcePage } from './markdown.mjs';

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

const linkTo = ({ name, title }, attributes = '', before = '') =>
  `<a ${attributes}href="${name}.html">${before}${escapeHtml(title)}</a>`;

/** Before, next, and the chapters that build on this one: those that link to it. */
function ways(chapters, i) {
  const [before, next] = [chapters[i - 1], chapters[i + 1]];
  const users = chapters.filter((other, k) => k > i + 1 && other.html.includes(`href="${chapters[i].name}.html`));
  const used = users.map((other) => linkTo(other)).join(' · ');
  return `<nav class="turn" aria-label="Chapters">${before ? linkTo(before, 'rel="prev" ', 'Before: ') : ''} ${
    next ? linkTo(next, 'rel="next" ', 'Next: ') : ''
  }${used && `<p>Where this is used: ${used}</p>`}</nav>`;
}

/** The table of contents as a path: its rows as items, each with the chapters that it needs, and how many exercises. */
function asPath(contents, chapters) {
  const cells = (row) => [...row.matchAll(/<td>([\s\S]*?)<\/td>/g)].map(([, cell]) => cell);
  const linked = (number) => {
    const chapter = chapters.find(({ title }) => title.startsWith(`${number}. `));
    return chapter ? `<a href="${chapter.name}.html" title="${escapeHtml(chapter.title)}">${number}</a>` : number;
  };
  const item = (row) => {
    const [title, about, numbers] = cells(row);
    const needs = numbers.replaceAll(',', '').replace(/\d+/g, linked);
    const chapter = chapters.find(({ name }) => title.includes(`href="${name}.html"`));
    const data = chapter ? ` data-page="${chapter.name}" data-exercises="${chapter.exercises}"` : '';
    return `<li${data}><strong>${title}</strong> <span>${about}</span> <small>needs ${needs}</small></li>`;
  };
  return contents.replace(
    /<div class="scroll"><table>\s*<thead>[\s\S]*?what it needs[\s\S]*?<tbody>([\s\S]*?)<\/tbody><\/table><\/div>/,
    (_, rows) =>
      `<ol class="path">${[...rows.matchAll(/<tr>[\s\S]*?<\/tr>/g)].map(([row]) => item(row)).join('\n')}</ol>`,
  );
}

/** The pages of the chapters and of the files they link to, and the table of contents. */
export function chapterPages(root) {
  const docs = join(root, 'docs');
  const linked = new Set();
  const read = (file) => {
    const markdown = readFileSync(join(docs, file), 'utf8');
    return { name: chapterPage(file), title: /^# (.+)$/m.exec(markdown)[1], ...render(root, markdown, linked) };
  };
  const files = readdirSync(docs).sort();
  const chapters = files.filter((file) => CHAPTER.test(file)).map(read);
  const beside = BESIDE.filter((file) => files.includes(file)).map(read);
  const article = ({ name, html }) => `<article class="prose" data-page="${name}">\n${html}</article>\n`;
  const common = { folder: 'chapters', section: 'chapters' };
  const pages = [
    ...chapters.map((page, i) => ({ ...common, ...page, body: `${article(page)}${ways(chapters, i)}` })),
    ...beside.map((page) => ({ ...common, ...page, body: article(page) })),
  ];
  const contents = asPath(render(root, readFileSync(join(docs, 'README.md'), 'utf8'), linked).html, chapters);
  const sources = new Set([...linked].flatMap((path) => [...withIncludes(root, path)]));
  for (const path of sources)
    pages.push({ ...common, name: sourcePage(path), title: basename(path), body: sourceHtml(root, path) });
  return { contents, pages };
}
