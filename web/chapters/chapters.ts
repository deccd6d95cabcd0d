import { WorkerClient } from '../common/worker_client.ts';
import { ActivationsFigure } from './activations_figure.ts';
import type { ChapterMethods } from './chapters_worker.ts';
import { Figure } from './figure.ts';
import { GraphFigure } from './graph_figure.ts';
import { ValleyFigure } from './valley_figure.ts';

const OWN = { valley: ValleyFigure, graph: GraphFigure, activations: ActivationsFigure };

// The table of contents and the sources have no figure, and need no engine.
const sections = [...document.querySelectorAll<HTMLElement>('section.live')];
if (sections.length > 0) {
  const worker = new WorkerClient<ChapterMethods>(new URL('./chapters_worker.js', import.meta.url));
  for (const section of sections) {
    const own = Reflect.get(OWN, section.dataset.op!) as (typeof OWN)['valley'] | undefined;
    if (own) new own(section);
    else void new Figure(section, worker).start();
  }
}
