import { byId } from '../common/dom.ts';
import { computingOn, showMessage } from '../common/message.ts';
import { stopAtScrolls } from '../common/scroll_stops.ts';
import { WorkerClient } from '../common/worker_client.ts';
import type { HomeMethods } from './home_worker.ts';

stopAtScrolls('.scroll');
// The guides have no figure, and need no engine.
if (document.getElementById('filtering')) {
  void import('./filtering.ts').then(({ Filtering }) => Filtering.start());
  const place = byId('adapter');
  const worker = new WorkerClient<HomeMethods>(new URL('./home_worker.js', import.meta.url));
  try {
    const { description, software } = await worker.call('adapter');
    showMessage(place, computingOn(description, software));
  } catch (error) {
    showMessage(place, error);
  }
  worker.close();
}
