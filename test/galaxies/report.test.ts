import { describe, expect, it } from 'vitest';
import type { ReportData } from '../../galaxies/report/data.ts';
import { escapeHtml, html, raw } from '../../vision/report/html.ts';
import { count, decimal, duration, percent } from '../../vision/report/pieces.ts';
import { renderReport } from '../../galaxies/report/report.ts';
import { renderStats } from '../../galaxies/report/stats.ts';
import { madeUpData, madeUpMistakes, madeUpPicture, madeUpReport, madeUpRun } from './report_fixture.ts';
import { readPage } from './report_page.ts';

const whole = await renderReport(madeUpReport());
const tags = readPage(whole);
const named = (name: string) => tags.filter((tag) => tag.name === name);

describe('html', () => {
  it('escapes what is filled in, once', () => {
    expect(html`<p title="${'"&\''}">${'<b>'}${html`<i>${'&amp;'}</i>`}${raw('<u>')}</p>`.text).toBe(
      '<p title="&quot;&amp;&#39;">&lt;b&gt;<i>&amp;amp;</i><u></p>',
    );
  });
  it('joins lists and shows nothing for nothing', () => {
    expect(html`${[1, null, [undefined, 'a'], false, 0]}`.text).toBe('1a0');
  });
  it('escapes every dangerous character', () => {
    expect(escapeHtml(`<a href="x" o='y'>&`)).toBe('&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp;');
  });
});

describe('numbers in words', () => {
  it('writes durations', () => {
    expect([7.31, 59.96, 245, 3599.6, 4320, 7199].map(duration)).toEqual([
      '7.3 s',
      '1 min 00 s',
      '4 min 05 s',
      '1 h 00 min',
      '1 h 12 min',
      '2 h 00 min',
    ]);
  });
  it('writes counts, shares and what does not exist', () => {
    expect([count(950), count(1234567)]).toEqual(['950', '1\u2009234\u2009567']);
    expect([decimal(0.12345), decimal(NaN), decimal(null), percent(0.1234), percent(0 / 0)]).toEqual([
      '0.123',
      '–',
      '–',
      '12.3 %',
      '–',
    ]);
  });
});

describe('a report', () => {
  it('refers to nothing outside itself and lets nothing run', () => {
    const addresses = whole.match(/https?:\/\/[^\s"'<)]*/g) ?? [];
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']));
    for (const { attributes } of tags) {
      if (attributes.src !== undefined) expect(attributes.src).toMatch(/^data:image\/(png|jpeg);base64,/);
      // The rows of the images lie beside it.
      if (attributes.href !== undefined) expect(attributes.href).toMatch(/^(predictions\.csv)?#/);
      expect(
        Object.keys(attributes).filter((key) => key.startsWith('on') || key === 'srcset' || key === 'xlink:href'),
      ).toEqual([]);
    }
    expect(
      tags.filter(({ name }) =>
        ['script', 'link', 'iframe', 'object', 'foreignObject', 'image', 'use', 'base'].includes(name),
      ),
    ).toEqual([]);
    expect([...whole.matchAll(/url\(([^)]*)\)|@import/g)].filter((m) => !m[1]?.startsWith('#'))).toEqual([]);
    expect(named('meta').find((tag) => tag.attributes['http-equiv'])?.attributes.content).toBe(
      'default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;',
    );
  });

  it('can be read without seeing it', () => {
    for (const { attributes } of named('img')) expect(attributes.alt).toMatch(/\w/);
    for (const { attributes } of named('svg'))
      expect([attributes.role, attributes['aria-label']]).toEqual(['img', expect.stringMatching(/\w/)]);
    const captioned = new Set(named('figcaption').map((tag) => tag.parent));
    expect(named('figure').every((figure) => captioned.has(figure))).toBe(true);
    const levels = tags.filter(({ name }) => /^h[1-6]$/.test(name)).map(({ name }) => Number(name[1]));
    expect(levels[0]).toBe(1);
    levels.slice(1).forEach((level, i) => expect(level - levels[i]).toBeLessThanOrEqual(1));
    expect(levels.filter((level) => level === 1).length).toBe(1);
  });

  it('has unique ids, and links that lead somewhere', () => {
    const ids = tags.flatMap(({ attributes }) => (attributes.id === undefined ? [] : [attributes.id]));
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [...whole.matchAll(/(?:href="|url\()#([^")]+)/g)].map((match) => match[1]);
    expect(targets.length).toBeGreaterThan(4);
    for (const target of targets) expect(ids).toContain(target);
  });

  it('shows the numbers of the run', () => {
    const text = tags[0].text;
    for (const piece of [
      'runs/b0',
      'EfficientNet-B0',
      'llvmpipe (LLVM 15.0.6, 256 bits)',
      '48 min 11 s, of it 24 min 11 s in the frozen front',
      '0.897',
      '0.862 to 0.924',
      '0.941',
      '0.031',
      '339 right, 39 wrong',
      '1\u2009210',
      '80.0 %',
      'AUC 0.941',
      'efficientnet_b0_imagenet_notop.safetensors',
    ])
      expect(text).toContain(piece);
    const bold = named('tr')
      .filter((tag) => tag.attributes.class === 'marked')
      .map((tag) => tag.text);
    expect(bold.some((row) => row.startsWith('14'))).toBe(true);
  });

  it('draws every figure', () => {
    const titles = named('svg').map((tag) => tag.attributes['aria-label']);
    expect(titles).toEqual([
      'Votes for “smooth”',
      'Votes for “featured”',
      'Votes for “artifact”',
      'What a threshold costs',
      'Loss',
      'Accuracy',
      'Confusion matrix',
      'ROC curve',
      'Reliability',
      'Threshold trade-off',
      'Confidence when right',
      'Confidence when wrong',
    ]);
    expect(named('img').length).toBe(2 + 8 * 4 + 8);
  });

  it('is the same bytes for the same data, however much was drawn before', async () => {
    expect(await renderReport(madeUpReport())).toBe(whole);
    expect(await renderReport({ ...madeUpReport(), run: { ...madeUpRun, seed: 8 } })).not.toBe(whole);
  });

  it('leaves out sections without data', async () => {
    const bare = readPage(await renderReport({ run: madeUpRun, evaluation: null, mistakes: [] }));
    expect(bare.filter(({ name }) => name === 'section' || name === 'nav' || name === 'figure')).toEqual([]);
    const only = readPage(await renderReport({ run: madeUpRun, mistakes: madeUpMistakes() }));
    expect(only.filter(({ name }) => name === 'h2').map(({ text }) => text)).toEqual(['The most confident mistakes']);
  });

  it('draws an evaluation with nothing wrong, one class missing and empty bins', async () => {
    const { evaluation } = madeUpReport();
    if (!evaluation) throw new Error('the fixture has an evaluation');
    const page = readPage(
      await renderReport({
        run: madeUpRun,
        evaluation: {
          ...evaluation,
          auc: null,
          aucInterval: null,
          roc: [],
          confusion: [
            [5, 0],
            [0, 0],
          ],
          tradeOff: [],
          perClass: [],
          reliability: evaluation.reliability.map((bin) => ({ ...bin, count: 0, accuracy: NaN })),
          confidence: { right: [0.9], wrong: [], medianRight: 0.9, medianWrong: null },
        },
      }),
    );
    expect(page.filter(({ name }) => name === 'svg').map((tag) => tag.attributes['aria-label'])).toEqual([
      'Confusion matrix',
      'Confidence when right',
    ]);
    expect(page[0].text).not.toContain('NaN');
  });
});

describe('hostile names', () => {
  const evil = `</title><script>alert("1")</script>&'"><img src=x onerror=alert(1)>`;
  it('stay text, in the page and in the drawings', async () => {
    const plain = madeUpReport();
    const hostile = JSON.parse(JSON.stringify(plain), (key, value: unknown) =>
      typeof value === 'string' && key !== 'src' ? evil + value : value,
    ) as ReportData;
    const classes = [`${evil}a`, `${evil}b`];
    const page = await renderReport({
      ...hostile,
      data: { ...madeUpData(), classes, dataset: evil, notes: [evil] },
      evaluation: plain.evaluation ? { ...plain.evaluation, classes } : null,
    });
    const read = readPage(page);
    expect(read.filter(({ name }) => name === 'script')).toEqual([]);
    expect(read.filter(({ attributes }) => 'onerror' in attributes)).toEqual([]);
    expect(read.filter(({ name }) => name === 'img').length).toBe(named('img').length);
    expect(page).toContain('&lt;script&gt;alert(');
  });
  it('cannot smuggle in a picture from elsewhere', async () => {
    const [mistake] = madeUpMistakes();
    for (const src of ['https://example.org/a.png', 'data:text/html,x', 'file.png']) {
      const report = renderReport({ run: madeUpRun, mistakes: [{ ...mistake, picture: { ...madeUpPicture, src } }] });
      await expect(report).rejects.toThrow(/Image 200000.*data:image/);
    }
  });
});

describe('the stats page', () => {
  it('holds the data section of the report, and no more', async () => {
    const page = await renderStats({ title: 'made-up galaxies', data: madeUpData() });
    const read = readPage(page);
    expect(read.filter(({ name }) => name === 'h2').map(({ text }) => text)).toEqual(['The data']);
    expect(read.filter(({ name }) => name === 'svg').length).toBe(4);
    const [section] = /<section id="data"[\s\S]*?<\/section>/.exec(page) ?? [''];
    expect(whole).toContain(section);
  });
});
