// What a program in Node needs besides: `import { openGpu } from 'tuningfork/node'`, then openDevice({ gpu: openGpu()
// }).
export { openGpu, softwareDriver, type GpuOptions } from './engine/device/gpu.node.ts';
