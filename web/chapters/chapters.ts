import type { DeviceNews } from '../common/device_keeper.ts';
import { make } from '../common/dom.ts';
import { WITHOUT_GPU, computingOn } from '../common/message.ts';
import { WorkerClient } from '../common/worker_client.ts';
import type { ChapterMethods } from './chapters_worker.ts';
import { Figure } from './figure.ts';
import { ValleyFigure } from './valley_figure.ts';

// The table of contents and the sources have no figure, and need no engine.
const sections = [...document.querySelectorAll<HTMLElement>('section.live')];
if (sections.length > 0) {
  const worker = new WorkerClient<ChapterMethods>(new URL('./chapters_worker.js', import.meta.url), 'any');
  worker.on<DeviceNews>('device', (news) => {
    if (news.state === 'ready' && news.adapter === WITHOUT_GPU)
      sections[0].before(make('p', { className: 'message', role: 'status' }, computingOn(news.adapter, true)));
  });
  for (const section of sections)
    void new (section.dataset.op === 'valley' ? ValleyFigure : Figure)(section, worker).start();
}
