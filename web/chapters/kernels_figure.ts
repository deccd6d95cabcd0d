import { make } from '../common/dom.ts';
import { computingOn, showMessage } from '../common/message.ts';
import { WorkerClient } from '../common/worker_client.ts';
import type { KernelsMethods } from './kernels_worker.ts';
import type { Result } from './product.ts';
import { COUNTS, VERSIONS, type Version } from './product_counts.ts';

const TITLES: Readonly<Record<Version, string>> = {
  naive: 'naive',
  tile: 'tile',
  several: 'several numbers',
  vectors: 'vec4',
  engine: 'the engine’s',
};

/** Three digits, without an exponent. */
const shown = (n: number): string => (n >= 100 ? n.toFixed(0) : String(Number(n.toPrecision(3))));

/** A version's row: what was counted stands there at once, what is measured comes later. */
class Row {
  private readonly speed = make('td', { className: 'number' });
  private readonly times = make('td', { className: 'number bar' });
  readonly element: HTMLTableRowElement;

  constructor(readonly version: Version) {
    const counts = version === 'engine' ? undefined : COUNTS[version];
    const cells = counts ? [counts.bufferBytes, counts.bufferLoads, counts.workgroupLoads].map(shown) : ['', '', ''];
    this.element = make(
      'tr',
      {},
      make('th', { scope: 'row' }, TITLES[version]),
      ...cells.map((text) => make('td', { className: 'number' }, text)),
      this.speed,
      this.times,
    );
  }

  clear(): void {
    this.speed.textContent = this.times.textContent = '';
    this.times.style.setProperty('--bar', '0%');
  }

  /** @param naive 10^9 operations a second of the first row */
  show(gflops: number, naive: number, most: number): void {
    this.speed.textContent = shown(gflops);
    this.times.textContent = shown(gflops / naive);
    this.times.style.setProperty('--bar', `${(100 * gflops) / most}%`);
  }

  fail(why: string): void {
    this.speed.textContent = why;
  }
}

/**
 * The versions of a product one below the other: what each loads, counted, and how fast each is on the reader's GPU,
 * measured. Without WebGPU only what is counted.
 */
export async function kernelsFigure(section: HTMLElement): Promise<void> {
  const place = make('p', { className: 'message', role: 'status' });
  const side = make('select', { name: 'side', disabled: true });
  const again = make('button', { type: 'button', disabled: true }, 'Run again');
  const reading = make('p', { className: 'behind said', 'aria-live': 'polite' });
  const rows = VERSIONS.map((version) => new Row(version));
  const heads = ['version', 'bytes', 'loads', 'tile loads', 'GFLOP/s', '× naive'];
  section.replaceChildren(
    place,
    make('div', { className: 'controls' }, make('label', {}, 'rows and columns', side), again),
    make(
      'p',
      { className: 'legend' },
      'Counted for each multiplication: bytes and loads from the buffers, loads from the tile in workgroup memory.',
    ),
    make(
      'div',
      { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Versions of the product' },
      make(
        'table',
        { className: 'versions' },
        make('thead', {}, make('tr', {}, ...heads.map((head) => make('th', { scope: 'col' }, head)))),
        make('tbody', {}, ...rows.map(({ element }) => element)),
      ),
    ),
    reading,
  );
  reading.textContent = countedInWords();
  let worker: WorkerClient<KernelsMethods>;
  let turn = 0;
  let on = '';

  async function run(): Promise<void> {
    const own = ++turn;
    const n = Number(side.value);
    for (const row of rows) row.clear();
    const results: Result[] = [];
    try {
      for (const { version } of rows) {
        reading.textContent = `Measuring: ${TITLES[version]} …`;
        results.push(await worker.call('measure', version, n));
        if (own !== turn) return;
        draw(rows, results);
      }
      reading.textContent = `${inWords(results, n)} ${on}`;
    } catch (error) {
      showMessage(place, error);
    }
  }

  try {
    worker = new WorkerClient<KernelsMethods>(new URL('./kernels_worker.js', import.meta.url));
    const { adapter, software, sides } = await worker.call('open');
    showMessage(place, '');
    on = computingOn(adapter, software);
    const ascending = [...sides].sort((a, b) => a - b);
    side.append(...ascending.map((n) => make('option', { value: String(n), selected: n === sides[0] }, String(n))));
    side.disabled = again.disabled = false;
    side.addEventListener('change', () => void run());
    again.addEventListener('click', () => void run());
    await run();
  } catch (error) {
    showMessage(place, error);
  }
}

function draw(rows: readonly Row[], results: readonly Result[]): void {
  const speeds = results.flatMap((result) => ('gflops' in result ? [result.gflops] : []));
  results.forEach((result, i) => {
    if ('failed' in result) rows[i].fail(result.failed);
    else rows[i].show(result.gflops, speeds[0], Math.max(...speeds));
  });
}

const countedInWords = (): string =>
  `Counted: for each multiplication the naive version loads ${shown(COUNTS.naive.bufferBytes)} bytes, the last step ${shown(COUNTS.vectors.bufferBytes)}.`;

function inWords(results: readonly Result[], n: number): string {
  const measured = results.flatMap((result) => ('gflops' in result ? [result] : []));
  const naive = measured.find(({ version }) => version === 'naive');
  const fastest = [...measured].sort((a, b) => a.ms - b.ms)[0];
  if (!naive || !fastest) return 'Nothing could be measured.';
  const worst = Math.max(...measured.map(({ difference }) => difference));
  const clock = measured.every((result) => result.clock === 'gpu') ? 'by the GPU’s clock' : 'by the page’s clock';
  const engine = measured.find(({ version }) => version === 'engine');
  return [
    `${n} × ${n} times ${n} × ${n}: naive = ${shown(naive.ms)} ms ${clock}.`,
    fastest === naive
      ? 'The naive version is the fastest here.'
      : `The fastest version, ${TITLES[fastest.version]}, is ${shown(naive.ms / fastest.ms)} times as fast.`,
    engine ? `The engine ran ${engine.kernels.join(', ')}.` : '',
    `Of each version 64 numbers were checked against float64; the relative difference is at most ${worst.toExponential(1)}.`,
  ].join(' ');
}
