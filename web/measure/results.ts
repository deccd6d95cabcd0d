import { kernelsOf, kindOf, milliseconds, shapesOf } from '../../bench/kernels/figures.ts';
import type { Outcome } from '../../bench/kernels/result.ts';
import { byId, make } from '../common/dom.ts';
import type { Report, ReportedCase } from './report.ts';

const DIRECTIONS: Readonly<Record<ReportedCase['direction'], string>> = {
  forward: 'forward',
  input_grad: 'gradient of the input',
  filter_grad: 'gradient of the filter',
  backward: 'all gradients',
  training: 'forward and all gradients',
  update: 'update',
};
const ENGINES: Readonly<Record<string, string>> = { tuningfork: 'Tuningfork', tfjs: 'TensorFlow.js' };

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
const number = (text: string, note = ''): HTMLTableCellElement =>
  make('td', { className: 'number' }, text, ...(note ? [make('small', {}, note)] : []));

const directionOf = ({ layer, direction }: ReportedCase): string =>
  layer.kind === 'network' && direction === 'training' ? 'training step' : DIRECTIONS[direction];

/** A name that can go on in the next line after a point or an underscore. */
const breakable = (name: string): (string | HTMLElement)[] =>
  name.split(/(?<=[._])/).flatMap((part) => [part, make('wbr')]);

/** `conv2d 1·7·7·192 1·1·192·1152`, for those who do not know the layer by its name. */
const describe = (c: ReportedCase): string => `${c.layer.kind.replaceAll('_', ' ')} ${shapesOf(c)}`;

/** What is shown of the results; a case is added when it is there. */
export class Results {
  private readonly rows = byId('rows');
  private readonly bars = byId('bars');

  clear(): void {
    this.rows.replaceChildren();
    this.bars.replaceChildren();
    byId('results').hidden = true;
  }

  /** Everything around the cases, from the report so far. */
  update({ engines, cases, roofline, ratio, adapter }: Report): void {
    byId('results').hidden = cases.length === 0;
    const timed = cases.some(({ outcomes: { tuningfork: own } }) => own.status === 'measured' && own.timing.gpu);
    byId('columns').replaceChildren(
      ...[
        'Layer',
        timed ? 'Tuningfork GPU ms' : 'Tuningfork ms',
        'wall ms',
        'GFLOP/s',
        'GB/s',
        'of adapter',
        ...(engines.length > 1 ? ['TensorFlow.js ms', 'of its time'] : []),
        'checked',
        'kernels',
      ].map((text, i) =>
        make('th', { scope: 'col', className: i > 0 && !/checked|kernels/.test(text) ? 'number' : '' }, text),
      ),
    );
    byId('legend').replaceChildren(
      ...engines.map((name, i) => make('span', { className: `engine-${i}` }, ENGINES[name] ?? name)),
    );
    const wrong = cases.filter(({ outcomes }) =>
      Object.values(outcomes).some(({ status }) => status === 'failed'),
    ).length;
    const slower = cases.filter((c) => c.ratio !== null && c.ratio > 1).length;
    byId('summary').textContent = [
      `${cases.length} ${cases.length === 1 ? 'case' : 'cases'} on ${adapter.description}${adapter.software ? ', where the CPU computes: these figures say nothing about a GPU' : ''}.`,
      wrong ? `${wrong} with a WRONG result, not timed.` : 'No wrong result.',
      ratio === null
        ? ''
        : `Tuningfork takes ${ratio.toFixed(2)} of the time of TensorFlow.js in the median case${slower ? `; it is slower in ${slower} of ${cases.length}` : ''}.`,
      `The adapter itself: ${(roofline.bandwidth / 1e9).toPrecision(3)} GB/s in a copy, ${(roofline.flops / 1e9).toPrecision(3)} GFLOP/s in multiply-adds.`,
    ]
      .filter(Boolean)
      .join(' ');
  }

  add(c: ReportedCase, engines: readonly string[]): void {
    this.rows.append(row(c, engines));
    this.bars.append(bars(c, engines));
  }
}

function row(c: ReportedCase, engines: readonly string[]): HTMLTableRowElement {
  const [own, peer] = engines;
  const outcome = c.outcomes[own];
  const speed = c.speeds[own];
  const title = make(
    'th',
    { scope: 'row' },
    ...breakable(c.layer.name),
    ` ${directionOf(c)}`,
    make('small', {}, describe(c)),
  );
  const cells: HTMLElement[] = [title];
  if (outcome.status === 'measured' && speed) {
    const { wall, gpu } = outcome.timing;
    const taken = gpu ?? wall;
    cells.push(
      number(milliseconds(speed.milliseconds), `${milliseconds(taken.min)} to ${milliseconds(taken.max)}`),
      number(milliseconds(wall.median)),
      number(speed.gflops === null ? '–' : speed.gflops.toPrecision(3)),
      number(c.bytes === 0 ? '–' : speed.gigabytes.toPrecision(3)),
      number(percent(speed.share)),
    );
  } else cells.push(undoneCell(outcome, 5));
  if (peer) {
    const theirs = c.outcomes[peer];
    if (theirs.status === 'measured') {
      const { wall } = theirs.timing;
      cells.push(
        number(milliseconds(wall.median), `${milliseconds(wall.min)} to ${milliseconds(wall.max)}`),
        number(c.ratio?.toFixed(2) ?? '–'),
      );
    } else cells.push(undoneCell(theirs, 2));
  }
  const checks = engines
    .map((name) => c.outcomes[name])
    .map((o) =>
      o.status === 'measured' && o.difference !== null
        ? `✓ ${o.difference.toExponential(0)}`
        : o.status === 'failed'
          ? '✗'
          : '–',
    );
  cells.push(
    make('td', { className: 'checked' }, checks.join(' ')),
    make('td', { className: 'mono kernels' }, kernelsOf(outcome)),
  );
  return make('tr', {}, ...cells);
}

function undoneCell(outcome: Outcome, colSpan: number): HTMLTableCellElement {
  if (outcome.status === 'measured') return make('td', { colSpan });
  const wrong = outcome.status === 'failed';
  return make(
    'td',
    { colSpan, className: wrong ? 'undone wrong' : 'undone' },
    wrong ? `WRONG RESULT: ${outcome.reason}` : outcome.reason,
  );
}

/** A bar an engine, all by wall time. */
function bars(c: ReportedCase, engines: readonly string[]): HTMLLIElement {
  const tracks = engines.map((name, i) => {
    const share = c.wallShares[name];
    if (share === null)
      return make(
        'span',
        { className: 'track none' },
        `${ENGINES[name] ?? name}: ${c.outcomes[name].status === 'failed' ? 'wrong' : 'not possible'}`,
      );
    const bar = make('span', { className: `bar engine-${i}` });
    bar.style.width = `${Math.min(100, Math.max(0.3, 100 * share))}%`;
    return make('span', { className: 'track' }, bar, make('span', { className: 'value' }, percent(share)));
  });
  return make(
    'li',
    {},
    make(
      'span',
      { className: 'label' },
      make('span', {}, c.layer.name),
      make('small', {}, `${kindOf(c)}, ${directionOf(c)}`),
    ),
    make('span', { className: 'tracks' }, ...tracks),
  );
}
