import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { describeAdapters } from '../gpu.ts';
import { withExamples } from './worked_example.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const chapters = readdirSync(`${ROOT}/docs`)
  .filter((file) => /^\d\d-.*\.md$/.test(file))
  .sort();
const read = (file: string) => readFileSync(`${ROOT}/docs/${file}`, 'utf8');

describeAdapters('the chapters', (device) => {
  // TUNINGFORK_UPDATE_DOCS=1 writes what is computed into the chapters.
  it.each(chapters)('%s: the example is what the adapter computes', async (file) => {
    const computed = await withExamples(device(), read(file));
    if (process.env['TUNINGFORK_UPDATE_DOCS']) writeFileSync(`${ROOT}/docs/${file}`, computed);
    expect(read(file)).toBe(computed);
  });
});

describe('the chapters', () => {
  it('are in the table of contents, each with an idea, a figure, exercises and a way to the sources', () => {
    for (const file of chapters) {
      expect(read('README.md')).toContain(`](${file})`);
      for (const part of [
        new RegExp(`^# ${Number(file.slice(0, 2))}\\. `),
        /^## The idea$/m,
        /^<!-- figure [\w-]+/m,
        /\]\(\.\.\/[\w/]+\.(wgsl|ts)\)/,
      ])
        expect(read(file), file).toMatch(part);
    }
    for (const { name, chapter } of EXPLANATIONS) if (chapter) expect(chapters, name).toContain(`${chapter}.md`);
  });

  it('link to files that are there', () => {
    for (const file of [...chapters, 'README.md', 'glossary.md', 'teachers.md']) {
      for (const [, href] of read(file).matchAll(/\]\(([^)#]+)[^)]*\)/g))
        expect(existsSync(`${ROOT}/${posix.join('docs', href)}`), `${file}: ${href}`).toBe(true);
    }
  });
});
