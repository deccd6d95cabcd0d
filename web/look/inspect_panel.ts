import { byId, make } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import type { WorkerClient } from '../common/worker_client.ts';
import { latest } from './latest.ts';
import type { Inspected, ModelFacts } from './look_core.ts';
import type { LookMethods } from './look_worker.ts';

const model = byId<HTMLSelectElement>('inspect-model');
const [size, batch] = ['inspect-size', 'inspect-batch'].map((id) => byId<HTMLInputElement>(id));
const work = byId<HTMLSelectElement>('inspect-work');
const place = byId('inspect-message');

/** An amount with three digits and a letter: 0.77 G, 12.3 M. */
const amount = (n: number): string => {
  for (const [unit, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (n >= unit) return `${Number((n / unit).toPrecision(3))} ${letter}`;
  return String(n);
};
/** With a decimal: a small model's programs are of a few MiB. */
export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** What a network is made of and costs: the one that is looked through, or any of the project's. */
export class InspectPanel {
  private readonly refresh = latest(() => this.show());
  private readonly loaded = make('option', { value: '', hidden: true, disabled: true });

  constructor(private readonly worker: WorkerClient<LookMethods>) {
    for (const control of [model, size, batch, work]) control.onchange = this.refresh;
  }

  setModels(names: readonly string[]): void {
    model.replaceChildren(
      this.loaded,
      ...names.map((name) => make('option', { value: name, selected: name === 'vgg_small' }, name)),
    );
    this.refresh();
  }

  setModel({ name, file, size: side }: ModelFacts): void {
    this.loaded.textContent = `the model above (${name}, ${file})`;
    this.loaded.hidden = this.loaded.disabled = false;
    model.value = '';
    size.value = String(side);
    this.refresh();
  }

  private async show(): Promise<void> {
    try {
      const wrong = [size, batch].find((field) => !field.checkValidity());
      if (wrong)
        throw new Error(
          `${wrong.labels![0].firstChild!.textContent!.trim()} must be a whole number from ${wrong.min} to ${wrong.max}`,
        );
      showMessage(place, '');
      const job = { size: size.valueAsNumber, batch: batch.valueAsNumber, training: work.value === 'training' };
      this.draw(await this.worker.call('inspect', model.value || undefined, job, undefined), job.training);
    } catch (error) {
      showMessage(place, error);
      byId('inspect-facts').replaceChildren();
      byId('inspect-table').replaceChildren();
    }
  }

  private draw(
    { rows, parameters, flops, memory, obstacle, steps, pipelines, input, adapter }: Inspected,
    training: boolean,
  ): void {
    const facts = [
      ['Parameters', `${amount(parameters.count)} numbers, ${amount(parameters.trainable)} trainable`],
      [
        'Arithmetic',
        `${amount(flops)}FLOP for ${input[0] === 1 ? 'an image' : `${input[0]} images`}${training ? ', forward and backward' : ''}: convolutions and matrix products, two a multiply-add`,
      ],
      [
        'Memory',
        `${mebibytes(memory.parameters)} parameters${training ? `, ${mebibytes(memory.moments)} Adam's moments` : ''}, ${mebibytes(memory.program)} program`,
      ],
      [
        'Temporaries',
        `${mebibytes(memory.temporaries)} in ${memory.buffers} buffers; ${mebibytes(memory.lowerBound)} is the least this order of steps can need`,
      ],
      ['Steps', `${steps}, by ${pipelines} pipelines, on ${adapter}`],
    ];
    byId('inspect-facts').replaceChildren(
      ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
    );
    if (obstacle) showMessage(place, new Error(obstacle));
    const number = (text: string) => make('td', { className: 'number' }, text);
    const head = make(
      'tr',
      {},
      make('th', { scope: 'col' }, 'Layer'),
      make('th', { scope: 'col' }, 'Makes'),
      ...['Parameters', 'FLOP', 'Output'].map((name) => make('th', { scope: 'col', className: 'number' }, name)),
    );
    const body = rows.map((row) =>
      make(
        'tr',
        {},
        make('td', {}, row.names.join(' = ')),
        make('td', {}, row.shape.join(' × ')),
        number(row.parameters > 0 ? amount(row.parameters) : '–'),
        number(row.flops > 0 ? amount(row.flops) : '–'),
        number(memoryOf(row.shape)),
      ),
    );
    byId('inspect-table').replaceChildren(
      make('caption', { className: 'faint' }, 'Layers from the input to the classes, forward; outputs as f32.'),
      make('thead', {}, head),
      make('tbody', {}, ...body),
    );
  }
}

const memoryOf = (shape: readonly number[]): string => {
  const bytes = 4 * shape.reduce((a, b) => a * b, 1);
  if (bytes < 2 ** 10) return `${bytes} B`;
  return bytes >= 2 ** 20 ? mebibytes(bytes) : `${(bytes / 2 ** 10).toFixed(1)} KiB`;
};
