import type { Tensor } from '../../../../engine/tensor.ts';
import type { Written } from '../draft.ts';
import type { GraphWriter } from '../writer.ts';
import { writeBatchNorm } from './norms.ts';
import { writePointwise } from './pointwise.ts';
import { writeMatmul } from './products.ts';
import { writeArg, writeCast, writeFold, writeSoftmax, writeSum } from './reductions.ts';
import { writeGather, writeResample } from './resample.ts';
import {
  writeBroadcast,
  writeConcat,
  writePlace,
  writeReshape,
  writeRow,
  writeSame,
  writeSlice,
  writeTranspose,
} from './shapes.ts';
import {
  writeAdaptivePool,
  writeAveragePool,
  writeConv,
  writeConvTranspose,
  writeDepthwise,
  writeDepthwiseTranspose,
  writeMaxPool,
} from './windows.ts';

/** Adds the nodes of a tensor to the file, and says where it is then. */
type OpWriter = (w: GraphWriter, t: Tensor) => Written;

/** How the engine's ops are written, by their names. */
export const WRITERS: Readonly<Record<string, OpWriter>> = {
  pointwise: writePointwise,
  matmul: writeMatmul,
  batch_matmul: writeMatmul,
  conv2d: writeConv,
  conv2d_input_grad: writeConvTranspose,
  depthwise_conv2d: writeDepthwise,
  depthwise_conv2d_input_grad: writeDepthwiseTranspose,
  max_pool2d: writeMaxPool,
  avg_pool2d: writeAveragePool,
  adaptive_avg_pool2d: writeAdaptivePool,
  batch_norm_apply: writeBatchNorm,
  sum: writeSum,
  fold: writeFold,
  arg: writeArg,
  cast: writeCast,
  softmax: writeSoftmax,
  gather: writeGather,
  resample: writeResample,
  reshape: writeReshape,
  stop_gradient: writeSame,
  transpose: writeTranspose,
  broadcast: writeBroadcast,
  slice: writeSlice,
  place: writePlace,
  concat: writeConcat,
  row: writeRow,
};
