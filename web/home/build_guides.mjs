// The guides of docs/ as pages of the site: said once, true in both places.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Marked } from 'marked';

/** Which files of docs/ make a page, in this order; the first has the page's title. */
const GUIDES = [
  { name: 'train', files: ['images.md', 'networks.md', 'galaxies.md'] },
  { name: 'library', files: ['library.md'] },
  { name: 'clusters', files: ['clusters.md'] },
];

/** The page that has a file of docs/, if any. */
export const guideOf = (file) => GUIDES.find(({ files }) => files.includes(file))?.name;

/** What a line must not break. */
export const tie = (html) => `<span class="tie">${html}</span>`;

/** Keeps an option and its hyphens on one line, and a chapter and its number. */
export const tied = (html) =>
  html
    .replace(/(?<!<pre[^>]*>)<code>[^<\n]*<\/code>/g, (code) => code.replace(/(?<=[> ])--?[\w-]+/g, tie))
    .replace(/(\bchapter) (?=\d)/gi, '$1&nbsp;');

/** The pages, as `buildSite` takes them. What else they link to in the repository is named and not linked. */
export function guidePages(root) {
  const marked = new Marked({
    renderer: {
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const guide = guideOf(href);
        if (guide) return `<a href="${guide}.html">${text}</a>`;
        return /^https?:/.test(href) ? `<a href="${href}">${text}</a>` : text;
      },
      image: () => '',
    },
  });
  return GUIDES.map(({ name, files }) => {
    const texts = files.map((file) => readFileSync(join(root, 'docs', file), 'utf8'));
    // One title on a page: those of the other files become headings below it, and theirs go down too.
    const lower = (text) => text.replace(/^(?=#+ )/gm, '#');
    const html = tied(marked.parse([texts[0], ...texts.slice(1).map(lower)].join('\n')));
    return {
      folder: 'home',
      section: 'index',
      name,
      title: /^# (.+)$/m.exec(texts[0])[1],
      body: `<article class="guide">\n${html
        .replaceAll('<pre>', '<pre class="scroll">')
        .replaceAll('<table>', '<div class="scroll"><table>')
        .replaceAll('</table>', '</table></div>')}</article>`,
    };
  });
}
