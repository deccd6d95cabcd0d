import type { Cell } from '../../engine/explain/explanation.ts';
import { showNumber } from '../../engine/explain/show_number.ts';
import { offsetOf } from '../../engine/explain/terms.ts';
import { make } from '../common/dom.ts';
import type { Shown } from './figure_core.ts';

export const keyOf = ({ of, at }: Cell): string => `${of}[${at.join(', ')}]`;

/** What a grid tells its figure. */
export interface GridEvents {
  select(cell: Cell): void;
  /** Enter or a digit on a cell that can be changed. */
  edit(): void;
  /** A step up or down of the cell's number. */
  nudge(by: number): void;
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** A value's numbers as grids of cells: a tab stop a grid, arrow keys within. */
export class ValueGrids {
  readonly element: HTMLElement;
  /** By `keyOf`. */
  readonly cells = new Map<string, HTMLTableCellElement>();

  constructor(
    private shown: Shown,
    private readonly events: GridEvents,
  ) {
    const { name, says, editable } = shown;
    this.element = make(
      'figure',
      { className: 'value', 'data-name': name },
      make('figcaption', {}, make('strong', {}, name), ` ${says}${editable ? '' : ' (computed)'}`),
      make('div', { className: 'slices' }, ...shown.slices.map(({ title, rows }) => this.slice(title, rows))),
    );
    this.show(shown);
  }

  private slice(title: string, rows: readonly (readonly (readonly number[])[])[]): HTMLElement {
    const { name, editable } = this.shown;
    const table = make('table', {
      role: 'grid',
      'aria-label': `${name}${title && `, ${title}`}`,
      'aria-readonly': String(!editable),
      className: editable ? 'given' : 'made',
    });
    const cells = rows.map((row) =>
      row.map((at) => {
        const cell = make('td', { role: 'gridcell', tabIndex: -1, 'data-cell': keyOf({ of: name, at }) });
        this.cells.set(keyOf({ of: name, at }), cell);
        cell.addEventListener('focus', () => {
          for (const other of cells.flat()) other.tabIndex = other === cell ? 0 : -1;
          this.events.select({ of: name, at });
        });
        cell.addEventListener('click', () => cell.focus());
        return cell;
      }),
    );
    cells[0][0].tabIndex = 0;
    cells.forEach((row, i) =>
      row.forEach((cell, j) =>
        cell.addEventListener('keydown', (event) => {
          const move = MOVES[event.key];
          if (move) cells[i + move[0]]?.[j + move[1]]?.focus();
          else if (event.key === 'Home') row[0].focus();
          else if (event.key === 'End') row[row.length - 1].focus();
          else if (editable && (event.key === '+' || event.key === '-')) this.events.nudge(event.key === '+' ? 1 : -1);
          else if (editable && event.key === 'Enter') this.events.edit();
          else return;
          event.preventDefault();
        }),
      ),
    );
    table.append(make('tbody', {}, ...cells.map((row) => make('tr', { role: 'row' }, ...row))));
    return make('div', {}, ...(title ? [make('div', { className: 'title' }, title)] : []), table);
  }

  /** Shows other numbers of the same shape. */
  show(shown: Shown): void {
    this.shown = shown;
    const { name, shape, data, slices } = shown;
    const largest = Math.max(...data.map(Math.abs), 1e-9);
    for (const at of slices.flatMap(({ rows }) => rows.flat())) {
      const value = data[offsetOf(shape, at)];
      const cell = this.cells.get(keyOf({ of: name, at }))!;
      cell.textContent = showNumber(value).replace(/^-/, '−');
      cell.classList.toggle('negative', value < 0);
      cell.style.setProperty('--share', `${Math.round((40 * Math.abs(value)) / largest)}%`);
      cell.style.setProperty('--bar', `${Math.round(100 * Math.min(1, Math.abs(value)))}%`);
    }
  }
}
