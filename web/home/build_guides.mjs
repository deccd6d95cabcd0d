// The parts of README.md that say how to use the program, as pages of the site: said once, true in both places.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Marked } from 'marked';

/** Which parts make a page, in this order. */
const GUIDES = [
  {
    name: 'train',
    title: 'Train on your own images',
    parts: ['Two commands', 'Your own images', 'Bring your own network'],
  },
  { name: 'library', title: 'Use the library', parts: ['From TypeScript', 'How it works', 'Where it runs'] },
];

/** The part of a README below a heading of the second order, the heading with it. */
function part(readme, heading) {
  const found = readme.split(/^(?=## )/m).find((text) => text.startsWith(`## ${heading}\n`));
  if (!found) throw new Error(`README.md has no part "${heading}", which a page of the site shows`);
  return found;
}

/** The pages, as `buildSite` takes them. What the parts link to in the repository is named and not linked. */
export function guidePages(root) {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const marked = new Marked({
    renderer: {
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return /^https?:/.test(href) ? `<a href="${href}">${text}</a>` : text;
      },
    },
  });
  return GUIDES.map(({ name, title, parts }) => ({
    folder: 'home',
    section: 'index',
    name,
    title,
    body: `<article class="guide">\n<h1>${title}</h1>\n${parts
      .map((heading) => marked.parse(part(readme, heading)))
      .join('')
      .replaceAll('<pre>', '<pre class="scroll">')
      .replaceAll('<table>', '<div class="scroll"><table>')
      .replaceAll('</table>', '</table></div>')}</article>`,
  }));
}
