import type { Cell, Settings } from '../../engine/explain/explanation.ts';
import { offsetOf } from '../../engine/explain/terms.ts';
import { make } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import { engine } from './engine.ts';
import { tellChosen, tellNumbers } from './figure_events.ts';
import type { FigureState, Lit, Shown } from './figure_core.ts';
import { ValueGrids, keyOf } from './grid.ts';
import { strips } from './strips.ts';

const wordsOf = (text: string | undefined): string[] => (text ?? '').split(/[ ,]+/).filter(Boolean);

let figures = 0;

/**
 * The live figure of an op: its operands as grids of cells that can be changed, its output and gradients as the engine
 * computes them. A chosen cell shows the arithmetic behind it and lights up what it is made from.
 */
class Figure {
  private readonly id = ++figures;
  private readonly op: string;
  private state: FigureState | undefined;
  private readonly grids = new Map<string, ValueGrids>();
  private selected: Cell | undefined;
  /** Numbers that the reader has changed. */
  private given: Record<string, number[]> = {};
  private asked = 0;
  /** By the cell that each sets. */
  private readonly slides = new Map<string, { readonly cell: Cell; readonly slider: HTMLInputElement }>();

  private readonly place = make('p', { className: 'message', role: 'status' }, 'The figure is being made …');
  private readonly controls = make('div', { className: 'controls' });
  private readonly values = make('div', { className: 'values' });
  private readonly behind = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly editor = make('label', { className: 'editor', hidden: true });
  private readonly box = make('input', { type: 'number', step: 'any' });
  private readonly extra = make('div', { className: 'extra' });
  private readonly all = make('input', { type: 'checkbox' });

  constructor(private readonly section: HTMLElement) {
    this.op = section.dataset.op!;
    section.replaceChildren(
      this.place,
      this.controls,
      this.extra,
      this.values,
      make('div', { className: 'reading' }, this.behind, this.editor),
    );
    this.editor.append(make('span'), this.box);
    this.box.addEventListener('change', () => this.change(Number(this.box.value)));
    this.box.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter' || key === 'Escape') this.cellOf(this.selected)?.focus();
    });
    this.all.addEventListener('change', () => this.showOnly());
  }

  /** Computes the example for the first time. */
  async start(): Promise<void> {
    await this.compute();
    if (!this.state) return;
    const { shows, wrong } = this.section.dataset;
    const wanted = wrong ? [wrong.replace(/\[.*/, '')] : wordsOf(shows);
    const computed = this.state.values.filter(({ editable }) => !editable);
    const first = computed.find(({ name }) => wanted.includes(name)) ?? computed[0];
    const cells = first.slices[0].rows.flat();
    // One that is not at an edge.
    await this.select({ of: first.name, at: cells[Math.floor(cells.length / 2)] });
  }

  /** Settings that the page gives the figure: `stride=2`. */
  private fromPage(): Settings {
    const numbers = Object.entries(this.section.dataset).map(([name, text]) => [name, Number(text || NaN)] as const);
    return Object.fromEntries(numbers.filter(([, value]) => Number.isFinite(value)));
  }

  private async compute(settings: Settings = this.state?.chosen ?? this.fromPage()): Promise<void> {
    const turn = ++this.asked;
    try {
      const state = await engine().call('compute', this.id, this.op, settings, this.given);
      if (turn !== this.asked) return; // the next is on its way
      showMessage(this.place, '');
      this.draw(withWrong(state, this.section.dataset.wrong));
      tellNumbers(this.section, Object.fromEntries(this.state!.values.flatMap(numbersOf)));
    } catch (error) {
      showMessage(this.place, error);
      if (this.state) this.drawControls(this.state);
    }
  }

  private draw(state: FigureState): void {
    const shapes = (of: FigureState | undefined) => JSON.stringify(of?.values.map(({ name, shape }) => [name, shape]));
    const isNew = shapes(state) !== shapes(this.state);
    this.state = state;
    if (isNew) {
      this.grids.clear();
      for (const shown of state.values) {
        const grids = new ValueGrids(shown, {
          select: (cell) => void this.select(cell),
          edit: () => this.box.focus(),
          nudge: (by) => this.change(this.valueOf(this.selected) + by),
        });
        if (wordsOf(this.section.dataset.bars).includes(shown.name)) grids.element.classList.add('bars');
        this.grids.set(shown.name, grids);
      }
      this.values.replaceChildren(...[...this.grids.values()].map(({ element }) => element));
      this.drawControls(state);
      this.showOnly();
    } else for (const shown of state.values) this.grids.get(shown.name)!.show(shown);
    for (const { cell, slider } of this.slides.values())
      if (slider !== document.activeElement) slider.value = String(this.valueOf(cell));
    const strip = wordsOf(this.section.dataset.strips).flatMap((name) =>
      state.values.filter((shown) => shown.name === name),
    );
    if (strip.length > 0) this.extra.replaceChildren(strips(strip));
    if (this.selected)
      void this.select(
        this.cellOf(this.selected)
          ? this.selected
          : {
              of: this.selected.of,
              at: state.values.find(({ name }) => name === this.selected!.of)!.slices[0].rows[0][0],
            },
      );
  }

  private drawControls({ settings, chosen, values }: FigureState): void {
    const selects = settings.map(({ name, choices }) => {
      const select = make(
        'select',
        { name },
        ...choices.map((n) => make('option', { value: String(n), selected: n === chosen[name] }, String(n))),
      );
      select.addEventListener(
        'change',
        () => void this.compute({ ...this.state!.chosen, [name]: Number(select.value) }),
      );
      return make('label', {}, name, select);
    });
    const again = make(
      'button',
      {
        type: 'button',
        onclick: () => {
          this.given = {};
          void this.compute();
        },
      },
      'First numbers',
    );
    const shows = wordsOf(this.section.dataset.shows);
    const hidden = values.filter(({ name }) => shows.length > 0 && !shows.includes(name)).map(({ name }) => name);
    this.controls.replaceChildren(
      ...selects,
      ...this.sliders(values),
      again,
      ...(hidden.length > 0 ? [make('label', { className: 'check' }, this.all, `${hidden.join(', ')} too`)] : []),
    );
  }

  /** A slider for each number of the first row of what the page names. */
  private sliders(values: readonly Shown[]): HTMLElement[] {
    return wordsOf(this.section.dataset.sliders).flatMap((name) => {
      const shown = values.find((value) => value.name === name)!;
      return shown.slices[0].rows[0].map((at, i) => {
        const slider = make('input', { type: 'range', min: '-5', max: '5', step: '0.1', value: String(shown.data[i]) });
        slider.addEventListener('input', () => {
          this.set({ of: name, at }, Number(slider.value));
          void this.compute();
        });
        this.slides.set(keyOf({ of: name, at }), { cell: { of: name, at }, slider });
        return make('label', {}, keyOf({ of: name, at }), slider);
      });
    });
  }

  private showOnly(): void {
    const shows = wordsOf(this.section.dataset.shows);
    for (const [name, { element }] of this.grids)
      element.hidden = !this.all.checked && shows.length > 0 && !shows.includes(name);
  }

  private cellOf(cell: Cell | undefined): HTMLElement | undefined {
    return cell && this.grids.get(cell.of)?.cells.get(keyOf(cell));
  }

  private shownOf = ({ of }: Cell): Shown => this.state!.values.find(({ name }) => name === of)!;

  private valueOf(cell: Cell | undefined): number {
    if (!cell) return NaN;
    const { shape, data } = this.shownOf(cell);
    return data[offsetOf(shape, cell.at)];
  }

  private async select(cell: Cell): Promise<void> {
    this.selected = cell;
    const { cells, sum } = await engine().call('lit', this.id, cell);
    if (this.selected !== cell) return;
    for (const grid of this.grids.values())
      for (const element of grid.cells.values()) {
        element.classList.remove('lit', 'selected');
        element.removeAttribute('aria-selected');
      }
    for (const read of cells) this.cellOf(read)?.classList.add('lit');
    this.cellOf(cell)?.classList.add('selected');
    this.cellOf(cell)?.setAttribute('aria-selected', 'true');
    const { editable } = this.shownOf(cell);
    this.editor.hidden = !editable;
    this.editor.firstElementChild!.textContent = `${keyOf(cell)} is`;
    if (document.activeElement !== this.box) this.box.value = String(this.valueOf(cell));
    tellChosen(this.section, keyOf(cell));
    // Where one is to find a wrong number, what a sum comes to is left to the reader.
    const hidden = this.section.dataset.wrong !== undefined;
    this.behind.replaceChildren(
      ...(sum
        ? written(keyOf(cell), cells.length, hidden ? { ...sum, value: '?' } : sum)
        : [
            `${keyOf(cell)} is given. ${cells.length === 0 ? 'Nothing depends on it.' : `What depends on it is marked: ${cells.length} ${cells.length === 1 ? 'element' : 'elements'}.`}`,
          ]),
    );
  }

  private set({ of, at }: Cell, value: number): void {
    const { shape, data } = this.shownOf({ of, at });
    this.given[of] = (this.given[of]?.length === data.length ? this.given[of] : data).map((v, i) =>
      i === offsetOf(shape, at) ? value : v,
    );
  }

  private change(value: number): void {
    if (!this.selected || !this.shownOf(this.selected).editable) return;
    if (!Number.isFinite(value) || Math.abs(value) > 1e6) {
      showMessage(this.place, new Error('a number between −1,000,000 and 1,000,000 is needed'));
      return;
    }
    this.set(this.selected, value);
    void this.compute();
  }
}

export const opFigure = (section: HTMLElement): Promise<void> => new Figure(section).start();

const numbersOf = ({ name, slices, shape, data }: Shown): [string, number][] =>
  slices.flatMap(({ rows }) =>
    rows.flat().map((at): [string, number] => [keyOf({ of: name, at }), data[offsetOf(shape, at)]]),
  );

/** The state with one number wrong, which an exercise asks to find: its sign turned, or 1 instead of 0. */
function withWrong(state: FigureState, wrong: string | undefined): FigureState {
  if (wrong === undefined) return state;
  const values = state.values.map((shown) => {
    const at = numbersOf(shown).findIndex(([name]) => name.replaceAll(' ', '') === wrong);
    const offset = at < 0 ? -1 : offsetOf(shown.shape, shown.slices.flatMap(({ rows }) => rows.flat())[at]);
    return { ...shown, data: shown.data.map((v, i) => (i === offset ? (v === 0 ? 1 : -v) : v)) };
  });
  return { ...state, values };
}

/** The arithmetic, each product in one piece as far as it fits a line. */
function written(
  name: string,
  cells: number,
  { arithmetic, value }: NonNullable<Lit['sum']>,
): (HTMLElement | string)[] {
  const total = make('output', {}, value);
  if (arithmetic === value) return [`${name} = `, total, ...(cells === 0 ? [': nothing adds to it'] : [])];
  const pieces = arithmetic
    .split(' + ')
    .map((piece, i) => make('span', { className: 'term' }, `${i === 0 ? '' : '+ '}${piece}`));
  return [make('span', { className: 'term' }, `${name} =`), ...pieces.flatMap((piece) => [' ', piece]), ' = ', total];
}
