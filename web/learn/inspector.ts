import { offsetOf } from '../../engine/explain/terms.ts';
import { byId, make } from '../common/dom.ts';
import { explain } from './explain.ts';
import type { Explanation, Selection, Summand } from './explanation.ts';
import { shortly } from './formula.ts';
import { CHAPTERS, excerpt } from './kernel_lines.ts';
import { percent, relativeDifference, verdict } from './verdict.ts';
import type { CheckResult, View } from './view.ts';
import { makerOf, placeOf } from './words.ts';

/** More summands than this are not shown at first, but the largest of them. */
const MOST_ROWS = 30;
const LARGEST = 20;

/** What the inspector asks its page for. */
export interface InspectorActions {
  /** Goes from the selected element by rows and columns, or by tiles. */
  move(rows: number, columns: number, tiles: number): void;
  /** The same element, forwards or backwards; or the step that a parameter makes. */
  turn(to: 'y' | 'dy' | 'step'): void;
  /** Back to the selected element in its map. */
  leave(): void;
  check(): void;
  /** Shows the map of the selected element larger. */
  enlarge(): void;
}

/** How the selected number comes about, and whether its gradient is right. */
export class Inspector {
  private readonly element = byId('inspector');
  private showAll = false;
  private selection: Selection | undefined;
  private readonly parts: Record<
    'title' | 'value' | 'maker' | 'formula' | 'filled' | 'note' | 'products' | 'sum' | 'kernel' | 'line' | 'check',
    HTMLElement
  >;

  constructor(actions: InspectorActions) {
    const names = [
      'title',
      'value',
      'maker',
      'formula',
      'filled',
      'note',
      'products',
      'sum',
      'kernel',
      'line',
      'check',
    ] as const;
    this.parts = Object.fromEntries(names.map((name) => [name, byId(`inspector-${name}`)])) as typeof this.parts;
    for (const [id, [rows, columns, tiles]] of Object.entries({
      up: [-1, 0, 0],
      down: [1, 0, 0],
      left: [0, -1, 0],
      right: [0, 1, 0],
      previous: [0, 0, -1],
      next: [0, 0, 1],
    })) {
      byId(`move-${id}`).onclick = () => actions.move(rows, columns, tiles);
    }
    byId('turn-forward').onclick = () => actions.turn('y');
    byId('turn-back').onclick = () => actions.turn('dy');
    byId('turn-step').onclick = () => actions.turn('step');
    byId('check').onclick = () => actions.check();
    byId('enlarge').onclick = () => actions.enlarge();
    byId('print').onclick = () => window.print();
    byId('close').onclick = () => {
      actions.leave();
      this.element.hidden = true;
    };
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') actions.leave();
    });
  }

  /** The selected number and its value, in words. */
  get words(): string {
    return `${this.parts.title.textContent} ${this.parts.value.textContent}`;
  }

  /** Goes into it from the keyboard. */
  enter(): void {
    this.element.hidden = false;
    this.element.focus({ preventScroll: matchMedia('(min-width: 60rem)').matches });
  }

  /** Shows how the selected number comes about; returns it. */
  show(view: View, selection: Selection): Explanation {
    if (selection !== this.selection) this.showAll = false;
    this.selection = selection;
    const explanation = explain(view, selection);
    const { formula, filled, value, note } = explanation;
    const { part, layer, at } = selection;
    this.parts.title.textContent = placeOf(view, selection);
    const isParameter = part !== 'y' && part !== 'dy';
    const held = isParameter ? view.layers[layer].parameters.find(({ role }) => role === part)! : undefined;
    this.parts.value.textContent = held
      ? `is ${shortly(held.value.data[offsetOf(held.value.shape, at)])}; ∂loss/∂${part} = ${shortly(value)}`
      : `${part === 'y' ? '=' : '∂loss/∂y ='} ${shortly(value)}`;
    this.parts.maker.textContent = makerOf(view, selection);
    this.parts.formula.textContent = formula;
    this.parts.filled.textContent = filled;
    this.parts.note.textContent = note ?? '';
    for (const [id, is] of [
      ['turn-forward', 'y'],
      ['turn-back', 'dy'],
    ] as const) {
      byId(id).setAttribute('aria-pressed', String(part === is));
      byId<HTMLButtonElement>(id).disabled = isParameter;
    }
    this.products(explanation);
    this.kernel(explanation);
    return explanation;
  }

  private products({ summands, computed, value }: Explanation): void {
    const many = summands.length > MOST_ROWS && !this.showAll;
    const largest = many
      ? [...summands].sort((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, LARGEST)
      : summands;
    const rest = computed - largest.reduce((sum, { product }) => sum + product, 0);
    const rows = largest.map((summand) => row(summand));
    if (many)
      rows.push(
        make(
          'tr',
          { className: 'rest' },
          make('td', { colSpan: 2 }, `${summands.length - largest.length} smaller ones, together`),
          make('td', { className: 'number' }, shortly(rest)),
        ),
      );
    const all = many
      ? [
          make(
            'button',
            {
              type: 'button',
              onclick: () => {
                this.showAll = true;
                this.products({ summands, computed, value } as Explanation);
              },
            },
            `Show all ${summands.length}`,
          ),
        ]
      : [];
    const table = make(
      'table',
      {},
      make(
        'thead',
        {},
        make('tr', {}, make('th', {}, 'factors'), make('th', {}), make('th', { className: 'number' }, 'product')),
      ),
      make('tbody', {}, ...rows),
    );
    this.parts.products.replaceChildren(
      ...(summands.length > 0
        ? [make('div', { className: 'products', tabIndex: 0, role: 'region', 'aria-label': 'products' }, table), ...all]
        : []),
    );
    const name = summands.length > 1 ? `Sum of ${summands.length}` : 'Worked out';
    this.parts.sum.replaceChildren(
      make('span', {}, `${name}, in float64`),
      make('b', { id: 'computed', className: 'mono' }, String(computed)),
      make('span', {}, 'In the network, in f32'),
      make('b', { id: 'on-gpu', className: 'mono' }, String(value)),
      make('span', {}, 'Difference'),
      make('b', { className: 'mono' }, shortly(Math.abs(computed - value))),
    );
  }

  private kernel({ line }: Explanation): void {
    const { kernel, lines, at } = excerpt(line);
    this.parts.kernel.textContent = `${kernel}.wgsl`;
    const chapter = byId<HTMLAnchorElement>('inspector-chapter');
    chapter.hidden = !CHAPTERS[line];
    chapter.href = CHAPTERS[line] ?? '';
    // Set off by what they have in common, the lines need less room.
    const indent = Math.min(...lines.filter((text) => text.trim()).map((text) => text.search(/\S/)));
    this.parts.line.replaceChildren(
      ...lines.map((text, i) => make(i === at ? 'mark' : 'span', {}, `${text.slice(indent)}\n`)),
    );
  }

  /** Says that the check runs, what it found, or nothing. */
  checked(result: CheckResult | 'running' | undefined): void {
    byId<HTMLButtonElement>('check').disabled = result === 'running';
    if (result === undefined || result === 'running') {
      this.parts.check.replaceChildren(...(result ? ['Measuring …'] : []));
      return;
    }
    const { analytic, differences } = result;
    const head = ['h', 'loss at +h', 'loss at −h', 'slope', 'off by'];
    const rows = differences.map((difference) => {
      const { h, up, down, slope } = difference;
      return make(
        'tr',
        {},
        ...[
          shortly(h),
          up.toFixed(7),
          down.toFixed(7),
          shortly(slope),
          percent(relativeDifference(difference, analytic)),
        ].map((text) => make('td', { className: 'number' }, text)),
      );
    });
    this.parts.check.replaceChildren(
      make(
        'p',
        {},
        'Gradient by backpropagation: ',
        make('b', { className: 'mono', id: 'analytic' }, shortly(analytic)),
        '. By moving the number up and down by h:',
      ),
      make(
        'div',
        { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'finite differences' },
        make(
          'table',
          {},
          make('thead', {}, make('tr', {}, ...head.map((text) => make('th', { className: 'number' }, text)))),
          make('tbody', {}, ...rows),
        ),
      ),
      make('p', { id: 'verdict' }, verdict(result)),
    );
  }
}

function row({ factors, product }: Summand): HTMLElement {
  const names = factors.map(({ name }) => name.replaceAll(', ', ',')).join(' · ');
  const values = factors.map(({ value }) => (value < 0 ? `(${shortly(value, 3)})` : shortly(value, 3))).join(' · ');
  return make(
    'tr',
    {},
    make('td', { className: 'names' }, names),
    make('td', { className: 'number' }, values),
    make('td', { className: 'number' }, shortly(product, 3)),
  );
}
