import type { TopLevelSpec } from 'vega-lite';
import { html } from '../../vision/report/html.ts';
import { page, plot, table, type Section } from '../../vision/report/pieces.ts';
import { colours } from '../../vision/report/svg.ts';
import { kernelSections } from '../kernels/page.ts';
import { circumstances as layerCircumstances } from '../kernels/show.ts';
import { milliseconds } from '../show.ts';
import type { Arithmetic, GpuBenchResult, Training } from './result.ts';
import { PART_COLUMNS, TRAINING_COLUMNS, circumstances, partRow, trainingRow } from './show.ts';

const COLOURS: Readonly<Record<Arithmetic, string>> = {
  f32: colours.purple,
  f16: colours.teal,
  'tensor cores': colours.orange,
};

/** The result as one HTML page without outside references. */
export async function renderGpuPage(result: GpuBenchResult): Promise<string> {
  const sections: Section[] = [
    {
      id: 'parts',
      title: 'Parts',
      body: table({ caption: 'What was done', plain: true, columns: PART_COLUMNS, rows: result.parts.map(partRow) }),
    },
    ...(result.adapter ? [limits(result.adapter)] : []),
    ...(result.training.length > 0 ? [await training(result)] : []),
    ...(result.tuning ? [tuning(result.tuning)] : []),
    ...(result.tfjs ? [tfjs(result.tfjs)] : []),
  ];
  for (const [arithmetic, found] of Object.entries(result.layers)) {
    if (!found) continue;
    const [summary, ...groups] = await kernelSections(found, arithmetic);
    const body = html`${layerCircumstances(found).map((line) => html`<p>${line}</p>`)}${summary.body}`;
    sections.push({ ...summary, title: `Layers, ${arithmetic}`, body }, ...groups);
  }
  return page('Tuningfork: a GPU', html`${circumstances(result).map((line) => html`<p>${line}</p>`)}`, sections);
}

const limits = (adapter: NonNullable<GpuBenchResult['adapter']>): Section => ({
  id: 'adapter',
  title: 'Adapter',
  body: table({
    caption: 'What it says of itself',
    plain: true,
    columns: ['', ''],
    rows: [
      ['name', adapter.name],
      ['driver', adapter.driver],
      ['vendor', adapter.vendor],
      [
        'f16, subgroups, timestamps',
        [adapter.f16, adapter.subgroups, adapter.timestamps].map((has) => (has ? 'yes' : 'no')).join(', '),
      ],
      ['tensor cores', adapter.subgroupMatrix ? JSON.stringify(adapter.subgroupMatrix) : 'none'],
      ...Object.entries(adapter.limits).map(([name, value]) => [name, String(value)]),
    ],
  }),
});

/** Images per second, a bar a network, batch and arithmetic. */
function speeds(all: readonly Training[]): TopLevelSpec {
  const values = all.map(({ model, arithmetic, imagesPerSecond, measured }) => ({
    what: `${model}, batch ${measured.job.batch}`,
    arithmetic,
    speed: imagesPerSecond,
  }));
  return {
    width: 420,
    height: { step: 14 },
    data: { values },
    mark: { type: 'bar' },
    encoding: {
      y: { field: 'what', type: 'nominal', sort: null, title: null, axis: { labelLimit: 220, ticks: false } },
      yOffset: { field: 'arithmetic', sort: Object.keys(COLOURS) },
      x: { field: 'speed', type: 'quantitative', title: 'images/s' },
      color: {
        field: 'arithmetic',
        type: 'nominal',
        scale: { domain: Object.keys(COLOURS), range: Object.values(COLOURS) },
      },
    },
  };
}

async function training({ training: all, tooLarge }: GpuBenchResult): Promise<Section> {
  return {
    id: 'training',
    title: 'Training',
    body: html`${await plot(speeds(all), 'Training steps', 'All weights, Adam, upload of the images and download of the loss included. Longer is faster.')}
${table({ caption: 'Medians of a training step', columns: TRAINING_COLUMNS, rows: all.map(trainingRow) })}
${tooLarge.map(({ model, arithmetic, batch, why }) => html`<p>${model}, ${arithmetic}, batch ${batch}: ${why}</p>`)}
${all.map(kernelTable)}`,
  };
}

function kernelTable({ model, arithmetic, measured: { job, kernels } }: Training) {
  if (!kernels) return '';
  const total = kernels.reduce((sum, kernel) => sum + kernel.milliseconds, 0);
  return table({
    caption: `Kernels of ${model}, ${arithmetic}, batch ${job.batch}: ${milliseconds(total)} ms by timestamps`,
    columns: ['kernel', 'steps', 'GPU ms', 'share'],
    rows: kernels.map(({ kernel, steps, milliseconds: ms }) => [
      kernel,
      String(steps),
      ms.toFixed(2),
      `${((100 * ms) / total).toFixed(1)} %`,
    ]),
  });
}

const tuning = ({ model, batch, run, tuned, tasks, refused }: NonNullable<GpuBenchResult['tuning']>): Section => ({
  id: 'tuning',
  title: 'Tuning',
  body: html`<p>${model}, a training step of batch ${batch}: ${milliseconds(run.before)} ms with the defaults, ${milliseconds(run.after)} ms as tuned; ${tuned.length} of ${tasks} kinds of work were measured.</p>
${table({
  caption: 'Kinds of work that another choice made faster',
  columns: ['op', 'inputs', 'choice', 'times', 'before ms', 'after ms'],
  rows: tuned
    .filter(({ before, after }) => after < before)
    .map(({ op, inputs, choice, count, before, after }) => [
      op,
      inputs.map((shape) => shape.join('·')).join(' '),
      JSON.stringify(choice),
      String(count),
      before.toFixed(3),
      after.toFixed(3),
    ]),
})}${refused.map(({ op, choice, why }) => html`<p>Refused for ${op}: ${JSON.stringify(choice)}, since ${why}.</p>`)}`,
});

const tfjs = ({ job, contenders }: NonNullable<GpuBenchResult['tfjs']>): Section => ({
  id: 'tfjs',
  title: 'TensorFlow.js',
  body: table({
    caption: `A training step of EfficientNet-B0, batch ${job.batch}, in turn`,
    columns: ['engine', 'ms', 'images/s', 'first run s'],
    rows: contenders.map(({ name, run, firstRun }) => [
      name,
      milliseconds(run.median),
      ((1000 * job.batch) / run.median).toFixed(1),
      (firstRun / 1000).toFixed(1),
    ]),
  }),
});
