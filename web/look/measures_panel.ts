import { byId, make } from '../common/dom.ts';
import type { Faithfulness } from '../../vision/answer/asked/faithfulness.ts';
import { percent } from './strip.ts';

const table = byId<HTMLTableElement>('measures');

const COLUMNS = [
  'Map',
  'Deletion (low is good)',
  'Insertion (high is good)',
  'Drop (low is good)',
  'Increase',
] as const;

/** How faithful the maps of one answer are, a row for each map that was measured. */
export class MeasuresPanel {
  private about = '';
  private readonly rows = new Map<string, Faithfulness>();

  /** Forgets what was measured where it is about something else. */
  setAbout(about: string): void {
    if (about === this.about) return;
    this.about = about;
    this.rows.clear();
    this.draw();
  }

  add(about: string, map: string, measured: Faithfulness): void {
    this.setAbout(about);
    this.rows.set(map, measured);
    this.draw();
  }

  private draw(): void {
    table.hidden = this.rows.size === 0;
    const number = (text: string) => make('td', { className: 'number' }, text);
    table.replaceChildren(
      make('caption', { className: 'faint' }, this.about),
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          ...COLUMNS.map((name, i) => make('th', { scope: 'col', className: i > 0 ? 'number' : '' }, name)),
        ),
      ),
      make(
        'tbody',
        {},
        ...[...this.rows].map(([map, { deletion, insertion, drop, increased }]) =>
          make(
            'tr',
            {},
            make('th', { scope: 'row' }, map),
            number(deletion.toFixed(3)),
            number(insertion.toFixed(3)),
            number(percent(drop)),
            number(increased ? 'yes' : 'no'),
          ),
        ),
      ),
    );
  }
}
