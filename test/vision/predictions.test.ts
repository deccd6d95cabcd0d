import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../vision/data/dataset.ts';
import { pairedColumns, predictionsCsv, rowLink } from '../../vision/report/predictions.ts';

const dataset = { examples: ['a/1.png', 'b,2.png', '=3.png'].map((id) => ({ id })) } as unknown as Dataset;

describe('predictions.csv', () => {
  it('has a row for each judged image: id, side, truth and prediction', () => {
    const truth = [
      [0.1, Number.NaN],
      [2, 3],
    ];
    const predicted = [
      [0.123456789, 0.5],
      [1e-9, -4],
    ];
    const columns = pairedColumns(
      ['x', 'y z'],
      (i) => truth[i],
      (i) => predicted[i],
    );
    const sides = [
      { name: 'train', examples: [0] },
      { name: 'validation', examples: [1, 2] },
    ];
    expect(predictionsCsv({ dataset, examples: [1, 2] }, sides, columns)).toBe(
      [
        'id,side,x_truth,x_predicted,y z_truth,y z_predicted\n',
        '"b,2.png",validation,0.1,0.12345679,,0.5\n',
        // No spreadsheet may run a name.
        "'=3.png,validation,2,1e-9,3,-4\n",
      ].join(''),
    );
  });

  it('is led to by the id, which no browser takes for anything else', () => {
    expect(rowLink('a-b/"1&2".png').text).toBe(
      '<a class="id" href="predictions.csv#:~:text=a%2Db%2F%221%262%22.png">Image a-b/&quot;1&amp;2&quot;.png</a>',
    );
    expect(() => rowLink('\ud800')).not.toThrow();
  });
});
