import { byId, make } from '../common/dom.ts';
import type { PixelMap } from './pixel_map.ts';

/** Between the dialog and the edge of the window, its padding, title and line of text taken off too. */
const BESIDE = { width: 70, height: 150 };

/** A map in a dialog, as large as the window allows; where there is room, with its numbers. */
export class Enlarged {
  private readonly dialog = byId<HTMLDialogElement>('enlarged');

  /** @param closed told when it is shown no more */
  constructor(closed: () => void) {
    this.dialog.addEventListener('close', () => {
      byId('enlarged-map').replaceChildren();
      closed();
    });
    byId('enlarged-close').onclick = () => this.close();
  }

  /** Opens it; returns how large the map may be, in pixels. */
  open(map: PixelMap, title: string): { width: number; height: number } {
    byId('enlarged-title').textContent = title;
    byId('enlarged-map').replaceChildren(make('div', { className: 'scroll' }, map.element));
    if (!this.dialog.open) this.dialog.showModal();
    return { width: window.innerWidth - BESIDE.width, height: window.innerHeight - BESIDE.height };
  }

  close(): void {
    this.dialog.close();
  }

  /** What is selected, in words. */
  tell(text: string): void {
    byId('enlarged-value').textContent = text;
  }
}
