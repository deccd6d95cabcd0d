import { emit, serve } from '../common/worker_server.ts';
import { drawSky, type Sky } from './sky.ts';

const methods = {
  draw: (): Promise<Sky> => drawSky((done, of) => emit('drawn', { done, of })),
};
export type SkyMethods = typeof methods;

serve(methods);
