import { stopAtScrolls } from '../common/scroll_stops.ts';
import { WorkerClient } from '../common/worker_client.ts';
import type { ChapterMethods } from './chapters_worker.ts';
import { Figure } from './figure.ts';
import { ValleyFigure } from './valley_figure.ts';

stopAtScrolls('.prose .scroll');
// The table of contents and the sources have no figure, and need no engine.
const sections = [...document.querySelectorAll<HTMLElement>('section.live')];
if (sections.length > 0) {
  const worker = new WorkerClient<ChapterMethods>(new URL('./chapters_worker.js', import.meta.url));
  for (const section of sections)
    void new (section.dataset.op === 'valley' ? ValleyFigure : Figure)(section, worker).start();
}
