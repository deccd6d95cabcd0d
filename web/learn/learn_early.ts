import { WorkerClient } from '../common/worker_client.ts';
import type { LearnMethods } from './learn_worker.ts';
import type { SkyMethods } from './sky_worker.ts';

/*
 * This runs before the page's own script is there: the galaxies are drawn while that and the engine, which are most of
 * the bytes, are still on their way.
 */

export const painter = new WorkerClient<SkyMethods>(new URL('./sky_worker.js', import.meta.url), 'any');
export const galaxies = painter.call('draw');
// The page's own script, which awaits them, says what went wrong.
galaxies.catch(() => {});
export const worker = new WorkerClient<LearnMethods>(new URL('./learn_worker.js', import.meta.url), 'any');
