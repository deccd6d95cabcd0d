import { join } from 'node:path';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import type { Faithfulness } from '../vision/answer/asked/faithfulness.ts';
import type { Measures } from '../vision/answer/measure_maps.ts';
import type { Method } from '../vision/answer/methods.ts';
import { csvField } from '../vision/data/csv.ts';
import { jsonText } from '../vision/json_text.ts';
import type { Explained } from '../vision/report/data.ts';
import { html } from '../vision/report/html.ts';
import { count, decimal, page, percent, table } from '../vision/report/pieces.ts';
import { caseFigure } from '../vision/report/section_pictures.ts';
import { textTable } from '../vision/report/text_table.ts';

/** An image explained and measured. */
interface Case extends Explained {
  readonly explained: number;
  readonly score: number;
  readonly measures: Measures;
}

const COLUMNS = ['Method', 'Deletion', 'Insertion', 'Average drop', 'Increase'] as const;

/** Measures of the maps of several images: a table for the terminal, a csv, and a page. */
export class MapMeasures {
  private readonly cases: Case[] = [];

  constructor(
    private readonly layer: string,
    private readonly classes: readonly string[],
    private readonly methods: readonly Method[],
  ) {}

  add(measured: Case): void {
    this.cases.push(measured);
  }

  /** A method's means over the images. */
  private meansOf(method: Method) {
    const all = this.cases.map(({ measures }) => measures[method]!);
    const mean = (of: (f: Faithfulness) => number) => all.reduce((sum, f) => sum + of(f), 0) / all.length;
    return {
      deletion: mean((f) => f.deletion),
      insertion: mean((f) => f.insertion),
      drop: mean((f) => f.drop),
      increase: mean((f) => +f.increased),
    };
  }

  private rows(): string[][] {
    return this.methods.map((method) => {
      const { deletion, insertion, drop, increase } = this.meansOf(method);
      return [method, decimal(deletion), decimal(insertion), percent(drop), percent(increase)];
    });
  }

  private csv(): string {
    const lines = this.cases.flatMap(({ id, explained, score, measures }) =>
      this.methods.map((method) => {
        const { deletion, insertion, drop, increased } = measures[method]!;
        const numbers = [score, deletion, insertion, drop].map((v) => v.toFixed(6));
        return [csvField(id), csvField(this.classes[explained]), csvField(method), ...numbers, +increased].join(',');
      }),
    );
    return ['id,class,method,score,deletion,insertion,drop,increase', ...lines, ''].join('\n');
  }

  private page(): string {
    const means = table({
      caption: `Means over ${count(this.cases.length)} images`,
      columns: COLUMNS,
      rows: this.rows(),
    });
    const reading = html`<p>Deletion: the area under the network's confidence as the pixels vanish, the brightest of the map first (low is good). Insertion: the same as they appear on a blurred image (high is good). Average drop: the share of the confidence that is lost where only what the map shows is seen (low is good). Increase: how often the confidence rises then (high is good).</p>`;
    const cases = this.cases.map((one) =>
      caseFigure(
        one,
        html`<strong>${one.id}.</strong> ${this.classes[one.explained]}, score ${decimal(one.score)}; deletion ${this.methods.map(
          (method, i) => html`${i > 0 && ', '}${method} ${decimal(one.measures[method]!.deletion)}`,
        )}`,
        false,
      ),
    );
    return page(
      'What the network looked at',
      html`<p>Maps that look at a layer look at <code>${this.layer}</code>.</p>`,
      [
        { id: 'measures', title: 'How faithful the methods are', body: html`${reading}${means}` },
        { id: 'maps', title: 'The maps', body: html`<div class="cases">${cases}</div>` },
      ],
    );
  }

  /** Writes measures.csv and index.html into the folder, and prints the means. */
  async write({ out, json }: { readonly out: string; readonly json?: boolean }): Promise<void> {
    await writeFileAtomic(join(out, 'measures.csv'), this.csv());
    await writeFileAtomic(join(out, 'index.html'), this.page());
    if (json) console.log(jsonText({ means: Object.fromEntries(this.methods.map((m) => [m, this.meansOf(m)])) }, 0));
    else console.log(`\n${textTable(COLUMNS, this.rows())}\n\nThe page: ${join(out, 'index.html')}`);
  }
}
