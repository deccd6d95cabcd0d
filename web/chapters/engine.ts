import type { DeviceNews } from '../common/device_keeper.ts';
import { make } from '../common/dom.ts';
import { WITHOUT_GPU, computingOn } from '../common/message.ts';
import { WorkerClient } from '../common/worker_client.ts';
import type { ChapterMethods } from './chapters_worker.ts';

let worker: WorkerClient<ChapterMethods> | undefined;

/** The engine of the page, started when a figure first wants it. */
export function engine(): WorkerClient<ChapterMethods> {
  if (worker) return worker;
  worker = new WorkerClient<ChapterMethods>(new URL('./chapters_worker.js', import.meta.url), 'any');
  worker.on('device', tellWithoutGpu);
  return worker;
}

/** Says before the first figure of the page that there is no WebGPU, where there is none. */
export function tellWithoutGpu(news: DeviceNews): void {
  if (news.state === 'ready' && news.adapter === WITHOUT_GPU)
    document
      .querySelector('section.live')!
      .before(make('p', { className: 'message', role: 'status' }, computingOn(news.adapter, true)));
}
