// A chapter's Markdown as HTML: by marked, with formulas by katex as MathML, which browsers draw by themselves, with
// places for figures, and with exercises.
import { existsSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import katex from 'katex';
import { Marked } from 'marked';
import { guideOf, tie, tied } from '../home/build_guides.mjs';

export const CHAPTER = /^\d\d-[\w-]+\.md$/;
/** Pages beside the path: no next one, no exercises. */
export const BESIDE = ['glossary.md', 'teachers.md'];

export const escapeHtml = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
export const chapterPage = (file) => (CHAPTER.test(file) ? `chapter-${basename(file, '.md')}` : basename(file, '.md'));
export const sourcePage = (path) => `source-${path.replace(/[/.]/g, '-')}`;
const isPage = (path) =>
  posix.dirname(path) === 'docs' && (CHAPTER.test(basename(path)) || BESIDE.includes(basename(path)));

const math = (tex, displayMode) =>
  spaced(katex.renderToString(tex, { output: 'mathml', displayMode, throwOnError: true, strict: 'error' }));

const PRIME = '<mo lspace="0em" rspace="0em">′</mo>';
const LETTER = '<m[in][^>]*>[^<]*</m[in]>';
/** A letter or number, or a name of several. */
const ATOM = `(?:${LETTER}|<mrow>(?:${LETTER})+</mrow>)`;
/**
 * As TeX sets it, where browsers do not: a sign close to its number, a name of a function apart from what follows it, a
 * prime in its full size beside the letter.
 */
const spaced = (mathml) =>
  mathml
    .replace(/(<mo[^>]*>[([=,·⋅<>≤≥≈⟨]<\/mo>)<mo>−<\/mo>/g, '$1<mo form="prefix" lspace="0em" rspace="0em">−</mo>')
    .replace(/<mo>\u2061<\/mo>(?!<mo[^>]*>[([])/g, '<mo>\u2061</mo><mspace width="0.17em"/>')
    .replace(new RegExp(`<msup>(${ATOM})<mo[^>]*>′</mo></msup>`, 'g'), `<mrow>$1${PRIME}</mrow>`)
    .replace(
      new RegExp(`<msubsup>(${ATOM})(${ATOM}|<mrow>(?:(?!</mrow>).)*</mrow>)<mo[^>]*>′</mo></msubsup>`, 'g'),
      `<msub><mrow>$1${PRIME}</mrow>$2</msub>`,
    );

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
        const found = /^\$([^$]+?)\$([.,;:?!)]*)/.exec(text);
        return found ? { type: 'inline', raw: found[0], tex: found[1], stop: found[2] } : undefined;
      },
      renderer: ({ tex, stop }) => (stop ? tie(math(tex, false) + stop) : math(tex, false)),
    },
  ],
};

/** `<!-- figure conv2d x w y stride=2 -->`: the figure's name, what it shows, and its data. */
function figurePlace(name, words) {
  const all = words.split(' ').filter(Boolean);
  const data = {
    op: name,
    shows: all.filter((word) => !word.includes('=')).join(' '),
    ...Object.fromEntries(all.filter((word) => word.includes('=')).map((word) => word.split(/=(.*)/s))),
  };
  const attributes = Object.entries(data).map(([key, value]) => `data-${key}="${escapeHtml(value)}"`);
  return `<section class="live" ${attributes.join(' ')} aria-label="Figure: ${name}"><p class="message" role="status">The figure is being made …</p></section>`;
}

const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:e-?\d+)?`;
const EXERCISES = {
  number: [new RegExp(`^(${NUMBER})(?: \\+-(${NUMBER}))?(?: (?:=|from) .*)?$`), 'value', 'tolerance'],
  choice: [/^(\d+)$/, 'value'],
  cell: [/^(\w+'?\[[\d, ]+\])$/, 'value'],
  goal: [new RegExp(`^(\\w+'?(?:\\[[\\d, ]+\\])?) ([<>]) (${NUMBER})(?: by .*)?$`), 'name', 'sign', 'value'],
};

/** `<!-- exercise number 8 +-0.01 -->`: what the script of the page needs to check an answer, as data. */
function exercisePlace(kind, words, count) {
  if (!EXERCISES[kind]) throw new Error(`there is no exercise of kind ${kind}`);
  const [pattern, ...names] = EXERCISES[kind];
  const found = pattern.exec(words.trim());
  if (!found) throw new Error(`an exercise of kind ${kind} does not read: ${words}`);
  const data = names.map((name, i) =>
    found[i + 1] === undefined ? '' : ` data-${name}="${escapeHtml(found[i + 1])}"`,
  );
  return `<section class="exercise" data-kind="${kind}"${data.join('')} aria-label="Exercise ${count}">`;
}

const isFigure = ({ type, raw }) => type === 'html' && raw.startsWith('<section class="live"');

/**
 * Tokens with each figure beside the text that speaks of it. The first figure's text begins with the chapter, that of
 * another with the heading before it; each goes on to where the next one's begins.
 */
function passages(tokens) {
  const starts = [];
  tokens.forEach((token, i) => {
    if (!isFigure(token)) return;
    let start = i;
    while (start > 0 && tokens[start].type !== 'heading' && !isFigure(tokens[start - 1])) start--;
    starts.push(starts.length === 0 ? 0 : start);
  });
  return starts.map((start, k) => tokens.slice(start, starts[k + 1]));
}

/** A page of the site: on GitHub its source. */
const SITE_PAGE = /^web\/(\w+)\/page\.html$/;

/** Where a heading is within its page. */
export const placeOf = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');

/**
 * Markdown of docs/ as HTML. Comments that are no figure and no exercise go.
 * @param linked collects the paths in the repository that the text links to
 */
export function render(root, markdown, linked) {
  const marked = new Marked(formulas, {
    renderer: {
      // What the glossary links to, as on GitHub.
      heading({ depth, text, tokens }) {
        return `<h${depth} id="${placeOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      // Who cannot scroll sideways otherwise has a key for it.
      code: ({ text }) => `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`,
    },
  });
  const toPage = (token) => {
    if (token.type !== 'link' || /^[a-z]+:|^#/.test(token.href)) return;
    const [file, place = ''] = token.href.split(/(?=#)/);
    const path = posix.normalize(posix.join('docs', file));
    if (!existsSync(join(root, path))) throw new Error(`a chapter links to ${path}, which is not there`);
    if (path === 'docs/README.md') token.href = `chapters.html${place}`;
    else if (guideOf(basename(path))) token.href = `${guideOf(basename(path))}.html`;
    else if (SITE_PAGE.test(path)) token.href = `${SITE_PAGE.exec(path)[1]}.html${place}`;
    else if (isPage(path)) token.href = `${chapterPage(basename(path))}.html${place}`;
    else {
      linked.add(path);
      token.href = `${sourcePage(path)}.html`;
    }
  };
  let exercises = 0;
  const text = markdown
    // What is said to those who read it elsewhere than here.
    .replace(/<!-- elsewhere -->[\s\S]*?<!-- \/elsewhere -->/g, '')
    .replace(/<!-- figure ([\w-]+) ?(.*?) ?-->/g, (_, name, words) => figurePlace(name, words))
    .replace(
      /<!-- exercise (\w+) ?(.*?) ?-->\n([\s\S]*?)<!-- end -->/g,
      (_, kind, words, body) => `${exercisePlace(kind, words, ++exercises)}\n\n${body}\n</section>\n`,
    )
    .replace(/<!--[\s\S]*?-->/g, '');
  const tokens = marked.lexer(text);
  marked.walkTokens(tokens, toPage);
  const html = (some) =>
    tied(marked.parser(some))
      .replaceAll('<table>', '<div class="scroll"><table>')
      .replaceAll('</table>', '</table></div>');
  const parts = passages(tokens);
  if (parts.length === 0) return { html: html(tokens), exercises };
  const sideBySide = parts.map((part) => {
    const at = part.findIndex(isFigure);
    const pieces = [part.slice(0, at), part.slice(at + 1)].map((words) => `<div class="words">${html(words)}</div>`);
    return `<div class="passage">${pieces.join(html([part[at]]))}</div>\n`;
  });
  return { html: sideBySide.join(''), exercises };
}
