import { describe, expect, it } from 'vitest';
import { confusionMatrix } from '../../vision/report/plots_confusion.ts';
import { reliabilityDiagram, rocCurve, trainingCurve } from '../../vision/report/plots.ts';
import { thresholdBars, tradeOffCurve } from '../../galaxies/report/plots_votes.ts';
import { binValues, confidenceHistogram } from '../../vision/report/plots_histograms.ts';
import { voteHistogram } from '../../galaxies/report/plots_votes.ts';
import { renderSvg } from '../../vision/report/svg.ts';
import { readPage } from './report_page.ts';

/** Where the texts of a drawing stand, as [text, x, y] within their group. */
function texts(svg: string): [string, number, number][] {
  return readPage(svg)
    .filter(({ name }) => name === 'text')
    .map(({ text, attributes }) => {
      const [x, y] = (attributes.transform.match(/-?[\d.]+/g) ?? []).map(Number);
      return [text, x, y];
    });
}

/**
 * Height of every bar in a drawing: the `v` of paths M x,y h w v h. Symbols of a legend have a transform, bars none.
 */
function barHeights(svg: string, fill: string): number[] {
  return readPage(svg)
    .filter(({ name, attributes }) => name === 'path' && attributes.fill === fill && !attributes.transform)
    .map(({ attributes }) => Number(/v(-?[\d.]+)/.exec(attributes.d)?.[1]));
}

describe('binValues', () => {
  it('puts edges into the bin above, the end into the last, strays into the nearest', () => {
    expect(binValues([0, 0.1, 0.3, 0.7, 0.99, 1, -0.2, 1.4], 10).map(({ count }) => count)).toEqual([
      2, 1, 0, 1, 0, 0, 0, 1, 0, 3,
    ]);
  });
  it('finds edges that f64 misses by its last bit', () => {
    const binOf = (value: number, bins: number, low: number) =>
      binValues([value], bins, low, 1).findIndex(({ count }) => count === 1);
    // 0.58 * 50 is 28.99..., (0.6 - 0.5) / 0.5 * 20 is 3.99...
    expect([binOf(0.58, 50, 0), binOf(0.6, 20, 0.5), binOf(0.825, 20, 0.5)]).toEqual([29, 4, 13]);
  });
  it('names its edges and takes another range', () => {
    // Of units of any size each bin has a width, and they meet.
    for (const unit of [1e-30, 1e-8, 1, 1e12]) {
      const small = binValues([unit, 2 * unit, 3 * unit], 20, unit, 3 * unit);
      expect(small.reduce((sum, { count }) => sum + count, 0)).toBe(3);
      small.forEach(({ low, high }, i) => {
        expect((high - low) / unit).toBeCloseTo(0.1, 6);
        if (i > 0) expect(low).toBe(small[i - 1].high);
      });
    }
    const bins = binValues([0.5, 0.74, 0.75, 0.96], 2, 0.5, 1);
    expect(bins).toEqual([
      { low: 0.5, high: 0.75, count: 2 },
      { low: 0.75, high: 1, count: 2 },
    ]);
  });
});

describe('drawings', () => {
  it('make histogram bars as high as their counts', async () => {
    const svg = await renderSvg(voteHistogram('smooth', [0.01, 0.02, 0.52, 0.97, 0.98, 0.99, 1], 0.6), 'votes');
    const heights = barHeights(svg, '#d07a1c').filter((height) => height > 0);
    expect(heights.length).toBe(3);
    expect(heights[0] / heights[1]).toBeCloseTo(2, 1);
    expect(heights[2] / heights[1]).toBeCloseTo(4, 1);
    const rule = readPage(svg).find(({ attributes }) => attributes['stroke-dasharray'] === '5,4');
    expect(rule?.attributes.transform).toMatch(/^translate\(168,/);
  });

  it('stack the classes and what is left out to the same height', async () => {
    const rows = [
      { threshold: 0.5, counts: [60, 30], ambiguous: 10 },
      { threshold: 0.8, counts: [20, 10], ambiguous: 70 },
    ];
    const svg = await renderSvg(thresholdBars(rows, ['smooth', 'featured']), 'thresholds');
    const [smooth, featured, left] = ['#d07a1c', '#3f7fbf', '#8a8f9866'].map((fill) => barHeights(svg, fill));
    const whole = smooth[0] + featured[0] + left[0];
    expect(smooth[1] + featured[1] + left[1]).toBeCloseTo(whole, 0);
    expect(smooth[0] / whole).toBeCloseTo(0.6, 2);
    expect(left[1] / whole).toBeCloseTo(0.7, 2);
  });

  it('put true classes in rows and answers in columns', async () => {
    const svg = await renderSvg(
      confusionMatrix(
        [
          [61, 15],
          [24, 279],
        ],
        ['smooth', 'featured'],
      ),
      'confusion',
    );
    const at = (text: string) =>
      texts(svg)
        .find(([own]) => own === text)
        ?.slice(1)
        .map((v) => Math.floor(Number(v) / 125));
    expect([at('61'), at('15'), at('24'), at('279')]).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
    expect(texts(svg).map(([text]) => text)).toEqual(expect.arrayContaining(['80.3 %', '7.9 %']));
  });

  it('run the ROC curve from corner to corner through its corners only', async () => {
    const roc = [
      [0, 0],
      [0, 0.2],
      [0, 0.5],
      [0.25, 0.5],
      [0.5, 0.5],
      [0.5, 1],
      [1, 1],
    ].map(([fpr, tpr]) => ({ fpr, tpr }));
    const svg = await renderSvg(rocCurve(roc, 0.75), 'roc');
    const line = readPage(svg).find(
      ({ attributes }) => attributes.stroke === '#9a6bb8' && attributes.fill !== '#9a6bb8',
    );
    expect(line?.attributes.d).toBe('M0,250L0,125L125,125L125,0L250,0');
    expect(texts(svg).map(([text]) => text)).toContain('AUC 0.750');
  });

  it('mark where a phase begins', async () => {
    const epochs = [1, 2, 3].map((epoch) => ({
      epoch,
      phase: epoch < 3 ? 1 : 2,
      learningRate: 1,
      seconds: 1,
      train: { loss: 1 / epoch, accuracy: 0.5 },
      validation: epoch === 2 ? null : { loss: 1.1 / epoch, accuracy: 0.5 },
    }));
    const svg = await renderSvg(trainingCurve(epochs, 'loss'), 'loss');
    const rule = readPage(svg).find(
      ({ name, attributes }) => name === 'line' && attributes['stroke-dasharray'] === '5,4',
    );
    const x = Number(/translate\(([\d.]+)/.exec(rule?.attributes.transform ?? '')?.[1]);
    expect(x).toBeCloseTo((340 * 2) / 3, 0);
    expect(texts(svg).map(([text]) => text)).toEqual(
      expect.arrayContaining(['phase 1', 'phase 2', 'training', 'validation']),
    );
    const single = await renderSvg(trainingCurve(epochs.slice(0, 2), 'accuracy'), 'accuracy');
    expect(single).not.toContain('phase');
  });

  it('show medians, bin counts and the accuracy of each threshold', async () => {
    const confident = await renderSvg(confidenceHistogram('wrong', [0.6, 0.7, 0.9], 0.7, 0.5), 'wrong');
    expect(texts(confident).find(([text]) => text === 'median 0.70')?.[1]).toBeCloseTo(0.4 * 340, 0);
    const bins = [
      { low: 0.5, high: 0.75, confidence: 0.6, accuracy: 0.5, count: 10 },
      { low: 0.75, high: 1, confidence: 0.9, accuracy: 0.95, count: 30 },
    ];
    const reliable = await renderSvg(reliabilityDiagram(bins), 'reliability');
    const [few, many] = barHeights(reliable, '#8a8f98');
    expect(many / few).toBeCloseTo(3, 1);
    const trade = await renderSvg(
      tradeOffCurve([
        { threshold: 0.5, n: 40, accuracy: 0.8 },
        { threshold: 0.9, n: 10, accuracy: 0.95 },
        { threshold: 1, n: 0, accuracy: NaN },
      ]),
      't',
    );
    expect(texts(trade).map(([text]) => text)).toEqual(expect.arrayContaining(['0.800', '0.950', '0.5', '0.9']));
    expect(trade).not.toContain('NaN');
    expect(texts(trade).map(([text]) => text)).not.toContain('1');
  });

  it('take their colour of text from the page and leave its background alone', async () => {
    const svg = await renderSvg(
      confusionMatrix(
        [
          [1, 2],
          [3, 4],
        ],
        ['a', 'b'],
      ),
      'a <label>',
    );
    expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="a &lt;label&gt;"/);
    for (const { attributes } of readPage(svg).filter(({ name }) => name === 'text'))
      expect(attributes.fill).toBe('currentColor');
    expect(svg).not.toMatch(/fill="(?:white|#fff|black|#000)"/);
  });
});
