import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { byId, make } from '../common/dom.ts';
import type { PredictionRecord } from '../../vision/answer/prediction_record.ts';
import { draw } from './draw_picture.ts';
import type { Thumbnail } from './look_core.ts';

interface Entry {
  readonly index: number;
  readonly option: HTMLElement;
  readonly caption: HTMLElement;
  /** Drawn by the page, not opened. */
  readonly drawn: boolean;
}

const isShown = ({ option }: Entry): boolean => !option.hidden;

/** The strip of thumbnails: a listbox with one tab stop, in which arrow keys, Home and End move. */
export class Strip {
  private readonly list = byId('strip');
  private readonly entries: Entry[] = [];
  private at = 0;

  constructor(private readonly onSelect: () => void) {
    this.list.addEventListener('keydown', (event) => {
      const shown = this.entries.filter(isShown);
      const at = shown.indexOf(this.entries[this.at]);
      const to = {
        ArrowRight: at + 1,
        ArrowDown: at + 1,
        ArrowLeft: at - 1,
        ArrowUp: at - 1,
        Home: 0,
        End: shown.length - 1,
      }[event.key];
      if (to === undefined || !shown[to]) return;
      event.preventDefault();
      this.select(this.entries.indexOf(shown[to]));
      shown[to].option.focus();
    });
  }

  get count(): number {
    return this.entries.length;
  }

  /** The album's index of what is selected; undefined while the strip shows none. */
  get selected(): number | undefined {
    const entry = this.entries[this.at];
    return entry && isShown(entry) ? entry.index : undefined;
  }

  /** Shows the drawn galaxies or hides them: what is hidden is not selected, and not predicted. */
  showDrawn(shown: boolean): void {
    for (const { drawn, option } of this.entries) if (drawn) option.hidden = !shown;
    if (this.selected !== undefined) return;
    const first = this.entries.findIndex(isShown);
    if (first >= 0) this.mark(first);
  }

  /** What is selected first, then the others: the order in which predictions are wanted. */
  get inOrder(): number[] {
    return [...this.entries.slice(this.at), ...this.entries.slice(0, this.at)]
      .filter(isShown)
      .map(({ index }) => index);
  }

  /** Adds an image and returns its place. */
  add({ index, id, picture, votes }: Thumbnail): number {
    const canvas = make('canvas');
    draw(canvas, picture);
    const caption = make('span', { className: 'faint' }, '');
    const title = votes
      ? `${id}: volunteers would say smooth with ${percent(votes.smooth)}, featured with ${percent(votes.featured)}`
      : id;
    const option = make(
      'div',
      { role: 'option', title, tabIndex: -1, 'aria-selected': 'false' },
      canvas,
      make('span', {}, id),
      caption,
    );
    const place = this.entries.length;
    option.onclick = () => this.select(place);
    this.entries.push({ index, option, caption, drawn: votes !== null });
    this.list.append(option);
    if (place === 0) this.mark(0);
    return place;
  }

  select(place: number): void {
    this.mark(place);
    this.entries[place].option.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.onSelect();
  }

  private mark(place: number): void {
    const now = this.entries[this.at].option;
    now.setAttribute('aria-selected', 'false');
    now.tabIndex = -1;
    this.at = place;
    const next = this.entries[place].option;
    next.setAttribute('aria-selected', 'true');
    next.tabIndex = 0;
  }

  /** Writes what the model says below an image, and whether that is right; nothing where it says nothing yet. */
  caption(index: number, record: PredictionRecord | undefined, right?: string): void {
    const entry = this.entries.find((one) => one.index === index);
    if (!entry) return;
    entry.caption.textContent =
      record === undefined
        ? ''
        : 'predicted' in record
          ? `${markOf(record.predicted, right)}${record.predicted} ${percent(record.probabilities[record.predicted], 0)}`
          : 'fractions' in record
            ? shortFractions(record.fractions)
            : shortValue(record.values);
  }
}

const markOf = (predicted: string, right: string | undefined): string =>
  right === undefined ? '' : predicted === right ? '✓ ' : '✗ ';

/** The number and its sign stay together. */
export const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)}\u00a0%`;

/** A number as a person reads it. */
const digits =
  (count: number) =>
  (value: number): string =>
    String(Number(value.toPrecision(count)));
export const threeDigits = digits(3);
export const fourDigits = digits(4);

const shortValue = (values: Readonly<Record<string, number>>): string => {
  const [[name, value]] = Object.entries(values);
  return `${name} ${fourDigits(value)}`;
};

/** Whether these are the shares of all answers of Galaxy Zoo's tree, which then says the way through it. */
export const isGalaxyZoo = (fractions: Readonly<Record<string, number>>): boolean =>
  CHALLENGE_COLUMNS.every((name) => name in fractions);

const shortFractions = (fractions: Readonly<Record<string, number>>): string => {
  if (isGalaxyZoo(fractions)) return shortPath(fractions);
  const [name, most] = Object.entries(fractions).reduce((a, b) => (b[1] > a[1] ? b : a));
  return `${name} ${percent(most, 0)}`;
};

const shortPath = (fractions: Readonly<Record<string, number>>): string => {
  const [smooth, featured, star] = ['Class1.1', 'Class1.2', 'Class1.3'].map((name) => fractions[name]);
  const most = Math.max(smooth, featured, star);
  return `${most === smooth ? 'smooth' : most === featured ? 'featured' : 'star'} ${percent(most, 0)}`;
};
