import { describe, expect, it } from 'vitest';
// @ts-expect-error: what builds the pages is not typed
import { chapterPages } from '../../web/chapters/build_chapters.mjs';
// @ts-expect-error: as above
import { placeOf as untypedPlaceOf } from '../../web/chapters/markdown.mjs';
import { fileURLToPath } from 'node:url';
import { fromHash, toHash } from '../../web/learn/link.ts';
import { CHAPTERS, textOf } from './chapter_text.ts';

const placeOf = untypedPlaceOf as (heading: string) => string;
const glossary = textOf('docs/glossary.md');

/** A chapter without its exercises, code and figures: where terms are defined and used. */
const prose = (text: string): string =>
  text.replaceAll(/<!-- exercise[\s\S]*?<!-- end -->|```[\s\S]*?```|<!--[\s\S]*?-->/g, '');
const texts = new Map(CHAPTERS.map((file) => [file, prose(textOf(`docs/${file}`))]));

/** One word for a term however it stands in its sentence. */
const plain = (term: string): string =>
  term
    .replaceAll(/\s+/g, ' ')
    .toLowerCase()
    .replace(/^the /, '')
    .replace(/^(batches)$/, 'batch')
    .replace(/^(generalise|overfit|underfit|weight|target|pixel|register|buffer|workgroup|thread|kernel)s$/, '$1');

/** Bold words that stress something and are no term. */
const STRESSED = ['the shares add up'];

/** The terms that a text defines: in bold, and no label such as **Count.** */
const definedIn = (text: string): string[] =>
  [...text.matchAll(/\*\*([^*]+?)\*\*/g)]
    .map(([, bold]) => bold)
    .filter((bold) => !bold.endsWith('.') && !STRESSED.includes(bold))
    .map(plain);

interface Entry {
  readonly term: string;
  readonly file: string;
  readonly place: string;
}
const entries: Entry[] = glossary
  .split(/^- /m)
  .slice(1)
  .map((item) => {
    const [, term] = /^\*\*(.+?)\*\*: /.exec(item)!;
    const [, file, place] = /\[Chapter \d+\]\(([\w-]+\.md)#([\w-]+)\)\s*$/.exec(item)!;
    return { term: plain(term), file, place };
  });

describe('the glossary', () => {
  it('has every term that a chapter defines, in the order of the alphabet', () => {
    const terms = entries.map(({ term }) => term);
    const defined = new Set([...texts.values()].flatMap(definedIn));
    expect([...defined].filter((term) => !terms.includes(term))).toEqual([]);
    expect(terms.filter((term) => !defined.has(term))).toEqual([]);
    expect(terms).toEqual([...terms].sort((a, b) => (a.replaceAll(/\W/g, '') < b.replaceAll(/\W/g, '') ? -1 : 1)));
    expect(new Set(terms).size).toBe(terms.length);
  });

  it.each(entries)('$term: its link goes to the section that defines it first', ({ term, file, place }) => {
    const first = CHAPTERS.find((each) => definedIn(texts.get(each)!).includes(term));
    expect(file).toBe(first);
    const sections = texts.get(file)!.split(/^##+ /m);
    const section = sections.find((each) => placeOf(each.split('\n')[0]) === place);
    expect(section, `#${place}`).toBeDefined();
    expect(definedIn(section!)).toContain(term);
  });

  it('says the number of the chapter that it links to', () => {
    for (const [, said, linked] of glossary.matchAll(/\[Chapter (\d+)\]\((\d+)-/g))
      expect(Number(linked)).toBe(Number(said));
  });
});

describe('the teacher’s page', () => {
  it('links to states of Learn that open, and to files that are there', () => {
    const text = textOf('docs/teachers.md');
    const states = [...text.matchAll(/page\.html(#[^)]+)\)/g)].map(([, hash]) => hash);
    expect(states.length).toBeGreaterThan(2);
    for (const hash of states) expect(toHash(fromHash(hash)), hash).not.toBe('#');
    for (const [, file] of text.matchAll(/\]\(([^)#]+)/g)) expect(() => textOf(`docs/${file}`), file).not.toThrow();
  });

  it('says numbers that follow', () => {
    const text = textOf('docs/teachers.md').replaceAll(/\s+/g, ' ');
    expect(text).toContain(`a photo of 12 million pixels? (${3 * 12} million`);
    // Wilson's interval, as in chapter 14.
    const ends = (right: number, of: number) => {
      const z2 = 1.959963984540054 ** 2;
      const half = Math.sqrt((z2 * right * (of - right)) / of + z2 ** 2 / 4) / (of + z2);
      const middle = (right + z2 / 2) / (of + z2);
      return [middle - half, middle + half];
    };
    expect(ends(45, 50)[1]).toBeGreaterThan(ends(47, 50)[0]);
    expect(ends(45, 50).map((end) => end.toFixed(3))).toEqual(['0.786', '0.957']);
  });
});

/**
 * Where a chapter may use a word before the chapter that defines it: in passing, or in its everyday sense. All else is
 * either defined before, or the paragraph says in which chapter it will be.
 */
const AHEAD: Readonly<Record<string, readonly number[]>> = {
  'batch norm': [4, 7],
  bias: [4, 7, 9],
  'dense layer': [7, 9, 10],
  'grad-cam': [3],
  gradient: [4],
  'learning rate': [6],
  loss: [4],
  pooling: [3],
  'squeeze-and-excite': [7],
  target: [5, 9],
  variance: [8],
};

describe('the chapters as a path', () => {
  const numberOf = (file: string) => Number(file.slice(0, 2));

  it('are numbered without a gap', () => {
    expect(CHAPTERS.map(numberOf)).toEqual(CHAPTERS.map((_, i) => i + 1));
  });

  it.each(entries)('$term: is not used before it is defined', ({ term, file }) => {
    const word = new RegExp(String.raw`(?<![\w.-])${term.replaceAll(/[-/]/g, '[- ]')}(s|es)?(?![\w-])`, 'i');
    for (const earlier of CHAPTERS.filter((each) => each < file)) {
      const paragraphs = texts.get(earlier)!.split(/\n\s*\n/);
      const unannounced = paragraphs.filter(
        (each) => word.test(withoutLinks(each)) && !each.includes(file) && !each.includes(`chapter ${numberOf(file)}`),
      );
      if (!AHEAD[term]?.includes(numberOf(earlier))) expect(unannounced, `chapter ${numberOf(earlier)}`).toEqual([]);
    }
  });

  it('link forwards and back', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const { pages } = chapterPages(root) as { pages: { name: string; body: string }[] };
    const bodies = CHAPTERS.map(
      (file) => pages.find(({ name }) => name === `chapter-${file.replace('.md', '')}`)!.body,
    );
    const link = (i: number) =>
      CHAPTERS[i] === undefined ? undefined : `chapter-${CHAPTERS[i].replace('.md', '')}.html`;
    const linked = (body: string, rel: string) => new RegExp(`<a rel="${rel}" href="([^"]*)"`).exec(body)?.[1];
    bodies.forEach((body, i) => {
      expect(linked(body, 'prev'), CHAPTERS[i]).toBe(link(i - 1));
      expect(linked(body, 'next'), CHAPTERS[i]).toBe(link(i + 1));
    });
    // Every link of the glossary arrives in the built page.
    for (const { file, place } of entries) expect(bodies[CHAPTERS.indexOf(file)]).toContain(`id="${place}"`);
  });
});

/** Names of files are no use of a word. */
function withoutLinks(text: string): string {
  return text.replaceAll(/\[[^\]]*\.wgsl\]|\]\([^)]*\)/g, '').replaceAll(/^#.*$/gm, '');
}
