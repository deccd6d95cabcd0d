import { join } from 'node:path';
import { html } from '../../vision/report/html.ts';
import { page, plot, table, type Section } from '../../vision/report/pieces.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { makeFolder } from '../../models/formats/make_folder.node.ts';
import { casesOfFailure, failures, kernelsOf, milliseconds, shapesOf, slowerThan, speedOf } from './figures.ts';
import { rooflinePlot, speedBars } from './plots.ts';
import type { KernelBenchResult } from './result.ts';
import { circumstances, comparisonTable } from './show.ts';

const READINGS: Readonly<Record<string, string>> = {
  forward: 'forward pass',
  input_grad: 'gradient of the input',
  filter_grad: 'gradient of the filter',
  backward: 'all gradients, statistics given',
  training: 'forward pass and all gradients',
  update: 'update',
};

/**
 * Writes kernels.json and kernels.html, a page without outside references, into the folder; makes it where there is
 * none.
 */
export async function writeKernelPage(folder: string, result: KernelBenchResult): Promise<void> {
  makeFolder(folder);
  await writeFileAtomic(join(folder, 'kernels.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFileAtomic(join(folder, 'kernels.html'), await renderKernelPage(result));
}

/** The result as one HTML page. */
export const renderKernelPage = async (result: KernelBenchResult): Promise<string> =>
  page(
    'Tuningfork: kernels',
    html`${circumstances(result).map((line) => html`<p>${line}</p>`)}`,
    await kernelSections(result),
  );

/**
 * The sections of such a page: the summary, then the groups of layers.
 * @param name of this result where a page has several
 */
export async function kernelSections(result: KernelBenchResult, name?: string): Promise<Section[]> {
  const [first] = result.engines;
  const anchor = (id: string) => (name === undefined ? id : `${name}-${id}`.replaceAll(' ', '-'));
  const sections: Section[] = [await summary(result, anchor('summary'))];
  for (const group of new Set(result.cases.map(({ layer }) => layer.group))) {
    const cases = result.cases.filter(({ layer }) => layer.group === group);
    const plots = [];
    for (const direction of new Set(cases.map((c) => c.direction))) {
      const own = cases.filter(
        (c) => c.direction === direction && Object.values(c.outcomes).some(({ status }) => status === 'measured'),
      );
      if (own.length)
        plots.push(
          await plot(speedBars(result, own), `${group}, ${READINGS[direction]}`, 'A bar an engine; longer is faster.'),
        );
    }
    const rows = cases.flatMap((c) => {
      const outcome = c.outcomes[first];
      if (outcome.status !== 'measured') return [];
      const speed = speedOf(c, outcome.timing, result);
      return [
        [
          `${c.layer.name} ${c.direction}`,
          shapesOf(c),
          milliseconds(speed.milliseconds),
          speed.gflops?.toFixed(1) ?? '',
          speed.gigabytes.toFixed(1),
          `${(100 * speed.share).toFixed(0)} %`,
          kernelsOf(outcome),
        ],
      ];
    });
    sections.push({
      id: anchor(group),
      title: name === undefined ? group : `${group}, ${name}`,
      body: html`<div class="grid">${plots}</div>
${table({ caption: `${first} by layer: milliseconds, and the share of what the adapter allows`, columns: ['', 'shapes', 'ms', 'GFLOP/s', 'GB/s', 'of adapter', 'kernels'], rows })}`,
    });
  }
  return sections;
}

async function summary(result: KernelBenchResult, id: string): Promise<Section> {
  const [first, ...others] = result.engines;
  const bad = failures(result);
  const { header, rows } = comparisonTable(result);
  return {
    id,
    title: 'Summary',
    body: html`${
      result.cases.some(({ flops, outcomes }) => flops > 0 && outcomes[first].status === 'measured') &&
      (await plot(
        rooflinePlot(result),
        'Roofline',
        'Each point is a layer of this engine; the dashed line is what a copy and chained multiply-adds reach on the same adapter.',
      ))
    }
${others.length > 0 && table({ caption: `Sums of medians in milliseconds; the share is ${first} : other`, columns: header, rows })}
${slowerThan(result).map((sentence) => html`<p>${sentence}</p>`)}
${
  bad.length > 0 &&
  table({
    caption: 'Not measured',
    plain: true,
    columns: ['', 'engine', 'why'],
    rows: bad.map((failure) => [
      casesOfFailure(failure),
      failure.engine,
      failure.status === 'failed' ? `wrong result: ${failure.reason}` : failure.reason,
    ]),
  })
}`,
  };
}
