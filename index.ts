// The library: what `import { ... } from 'tuningfork'` gives, in Node and in a browser alike.
export { Device, openDevice, type AdapterSummary, type DeviceOptions } from './engine/device/device.ts';
export { Parameter } from './engine/device/parameter.ts';
export { Tensor, type Attributes, type DType, type Shape } from './engine/tensor.ts';
export { UserError } from './engine/user_error.ts';

export { constant, input, ones, reshape, stopGradient, zeros } from './engine/ops/leaves.ts';
export {
  abs, add, div, exp, greater, greaterEqual, log, maximum, minimum, mul, neg, relu, rsub, sigmoid, silu, sqrt, square, sub, tanh,
} from './engine/ops/pointwise.ts';
export { broadcastTo, mean, sum, sumTo } from './engine/ops/reduce.ts';

export { grad } from './engine/autodiff.ts';
export { compile, Program, type Feed, type ProgramSpec } from './engine/program/program.ts';

// To write an op of one's own: see engine/ops for examples.
export { defineOp, type Capabilities, type LowerContext, type OpDef, type OpSpec, type Step } from './engine/op.ts';
export type { KernelSource, Launch } from './kernels/kernel.ts';
