import { serveKernels } from '../kernels/serve_kernels.ts';
import { tfjsKernels } from './kernels.ts';
import { openTf } from './open_in_node.ts';

// The whole program of tfjs's process in `bench kernels`.
serveKernels(async (adapter) => tfjsKernels(await openTf(adapter)));
