import * as ort from 'onnxruntime-web';
import type { OnnxType } from '../../../models/onnx/value.ts';

/** A tensor in ONNX's order of axes, its numbers as they are. */
export interface Given {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** f32 when absent. */
  readonly type?: OnnxType;
}

const ARRAYS = {
  float: (d: ArrayLike<number>) => new ort.Tensor('float32', Float32Array.from(d)),
  double: (d: ArrayLike<number>) => new ort.Tensor('float64', Float64Array.from(d)),
  int64: (d: ArrayLike<number>) => new ort.Tensor('int64', BigInt64Array.from(Array.from(d, BigInt))),
  int32: (d: ArrayLike<number>) => new ort.Tensor('int32', Int32Array.from(d)),
  uint8: (d: ArrayLike<number>) => new ort.Tensor('uint8', Uint8Array.from(d)),
  bool: (d: ArrayLike<number>) => new ort.Tensor('bool', Array.from(d, Boolean)),
} as const;

/** What onnxruntime's WebAssembly build gives for a model: its outputs by name. */
export async function onnxruntime(
  model: Uint8Array,
  feeds: Readonly<Record<string, Given>>,
): Promise<Record<string, { shape: readonly number[]; data: number[] }>> {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(model, { graphOptimizationLevel: 'disabled' });
  try {
    const given = Object.entries(feeds).map(([name, { shape, data, type = 'float' }]) => [
      name,
      ARRAYS[type as keyof typeof ARRAYS](data).reshape(shape),
    ]);
    const outputs = await session.run(Object.fromEntries(given));
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { dims, data }]) => [
        name,
        { shape: dims, data: Array.from(data as unknown as ArrayLike<number>, Number) },
      ]),
    );
  } finally {
    await session.release();
  }
}
