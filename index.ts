// The library: what `import { ... } from 'tuningfork'` gives, in Node and in a browser alike.
export { Device, openDevice, type AdapterSummary, type DeviceOptions } from './engine/device/device.ts';
export { Parameter } from './engine/device/parameter.ts';
export { Tensor, type Attributes, type DType, type Shape, type StorageType } from './engine/tensor.ts';
export { DeviceLostError } from './engine/device/device_lost.ts';
export { UserError } from './engine/user_error.ts';

export { constant, input, ones, reshape, stopGradient, zeros } from './engine/ops/leaves.ts';
export {
  abs,
  add,
  ceil,
  div,
  erf,
  exp,
  expm1,
  floor,
  greater,
  greaterEqual,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  round,
  rsub,
  sigmoid,
  sign,
  silu,
  sqrt,
  square,
  sub,
  tanh,
} from './engine/ops/pointwise.ts';
export {
  equal,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
  where,
} from './engine/ops/logic.ts';
export {
  celu,
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  prelu,
  relu6,
  selu,
  softplus,
  softsign,
  thresholdedRelu,
  type GeluOptions,
} from './engine/ops/activations.ts';
export { broadcastTo, mean, sum, sumTo } from './engine/ops/reduce.ts';
export {
  argMax,
  argMin,
  l1Norm,
  l2Norm,
  logSumExp,
  max,
  min,
  prod,
  type ArgOptions,
} from './engine/ops/fold.ts';
export { groupNorm, instanceNorm, layerNorm, rmsNorm, type LayerNormOptions } from './engine/ops/norm.ts';
export { matmul } from './engine/ops/matmul.ts';
export { conv2d, conv2dFilterGrad, conv2dInputGrad } from './engine/ops/conv2d.ts';
export type { ConvAttributes, Padding } from './engine/ops/conv_geometry.ts';
export { convTranspose2d, type ConvTransposeAttributes } from './engine/ops/conv_transpose2d.ts';
export { depthwiseConv2d } from './engine/ops/depthwise_conv2d.ts';
export { batchNorm, batchNormInference, batchNormStats, type BatchNormAttributes } from './engine/ops/batch_norm.ts';
export { avgPool2d, globalAvgPool, globalMaxPool, maxPool2d } from './engine/ops/pool.ts';
export { logSoftmax, softmax, softmaxCrossEntropy } from './engine/ops/softmax_cross_entropy.ts';
export {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  huber,
  l1,
  mse,
  type BinaryCrossEntropyOptions,
  type CrossEntropyOptions,
  type Reduction,
} from './engine/ops/losses.ts';
export { dropPath, dropout, randomUniform } from './engine/ops/random.ts';
export { augmentImages } from './engine/ops/augment.ts';
export { moveCentres, nearestCentre, seedCentre } from './engine/ops/kmeans.ts';
export { adam, adamW } from './engine/ops/adam.ts';
export { cast } from './engine/ops/cast.ts';
export { concat } from './engine/ops/concat.ts';
export { depthToSpace, spaceToDepth } from './engine/ops/depth_to_space.ts';
export { gather } from './engine/ops/gather.ts';
export { pad, type Margin, type PadMode } from './engine/ops/pad.ts';
export { resize, type ResizeOptions } from './engine/ops/resize.ts';
export { slice, split } from './engine/ops/slice.ts';
export { transpose } from './engine/ops/transpose.ts';
export { sgd } from './engine/ops/sgd.ts';
export { rmsprop } from './engine/ops/rmsprop.ts';
export { assign, ema, updateRunningStats } from './engine/ops/assign.ts';
export {
  DEFAULT_ADAM,
  DEFAULT_LOSS_SCALE,
  TrainStep,
  type AdamOptions,
  type LossScaleOptions,
  type TrainStepSpec,
} from './engine/train/train_step.ts';
export { DEFAULT_SGD, type ParameterGroup, type SgdOptions } from './engine/train/optimizer.ts';
export { learningRateAt, type Schedule } from './engine/train/schedule.ts';
export { kMeans, nearestCentres, type Clusters, type KMeansOptions } from './engine/train/kmeans.ts';

// The training of models that are made of layers, which index.layers.ts has.
export { networkOf, Scope, type Layer } from './models/layer.ts';
export { Model, type ModelOptions, type RunOptions } from './models/model.ts';
export {
  evaluate,
  fit,
  type EpochResult,
  type EvaluateOptions,
  type Evaluation,
  type FitOptions,
  type FitResult,
} from './models/fit.ts';
export {
  Trainer,
  type GroupOptions,
  type Loss,
  type OptimizerOptions,
  type Select,
  type TrainerOptions,
} from './models/trainer.ts';
export type { Arrays, Samples } from './models/samples.ts';
export { buildModel, MODEL_NAMES, restoreModel } from './models/build_network.ts';
export { applySegments, segmentsBetween, type ForwardContext, type Network, type Segment } from './models/network.ts';
export { ParameterSet } from './models/parameter_set.ts';
export { findTensor, gradCam, gradCamPlusPlus, guidedBackprop, layerCam, oneHot } from './models/grad_cam.ts';
export { parseSafetensors, writeSafetensors, type Safetensors } from './models/formats/safetensors.ts';
export { toFloat32, type StoredData, type StoredDtype, type StoredTensor } from './models/formats/stored_tensor.ts';

export { grad } from './engine/autodiff.ts';
export { compile, Program, type Feed, type ProgramSpec } from './engine/program/program.ts';
export type { Picture } from './engine/program/picture_feed.ts';
export { ProgramCache, type CachedSpec } from './engine/program/program_cache.ts';
export type { Precision } from './engine/program/precision.ts';
// Which kernels are the fastest on an adapter: `tune` fills a table, `device.tuning` takes it, and as text it is stored
// wherever there is room.
export { tune, type TaskTuning, type TuneOptions, type TuningTask } from './engine/program/tune.ts';
export { TuningTable, type Tuned, type Tuning } from './engine/tuning.ts';

// To write an op of one's own: see engine/ops for examples.
export { defineOp, type Capabilities, type LowerContext, type OpDef, type OpSpec, type Step } from './engine/op.ts';
export type { KernelSource, Launch } from './kernels/kernel.ts';
