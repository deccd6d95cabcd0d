import { serveKernels } from '../kernels/serve_kernels.ts';
import { openTfjsKernels } from './kernels.ts';

// The whole program of tfjs's process in `bench kernels`.
serveKernels(openTfjsKernels);
