// Kernels of one's own: what `import { ... } from 'tuningfork/wgsl'` gives, in Node and in a browser alike.
export { defineKernel } from './engine/define_kernel.ts';
export { defineOp, type Capabilities, type LowerContext, type OpDef, type OpSpec, type Step } from './engine/op.ts';
export type { KernelSource, Launch } from './kernels/kernel.ts';
