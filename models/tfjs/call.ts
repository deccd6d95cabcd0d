import { upcastType, util } from '@tensorflow/tfjs-core';
import type { DataType, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { reshape } from '../../engine/ops/leaves.ts';
import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import type { TuningforkBackend } from './backend.ts';

/** What a kernel of tfjs gives: a tensor, its dtype in tfjs where it is not float32. */
export interface Result {
  readonly tensor: Tensor;
  readonly dtype?: DataType;
}

/** A row of the tables: a kernel of tfjs as a composition of ops; undefined where it is none. */
export type Row = (call: Call) => Tensor | Result | TensorInfo | readonly (Result | TensorInfo)[] | undefined;
/** Rows by tfjs's names for kernels. */
export type Rows = Readonly<Record<string, Row>>;

/** What a kernel is called with. */
export class Call {
  constructor(
    readonly backend: TuningforkBackend,
    private readonly inputs: Readonly<Record<string, TensorInfo | undefined>>,
    private readonly attributes: unknown,
  ) {}

  /** The attributes, by tfjs's own type for them. */
  attrs<A>(): A {
    return this.attributes as A;
  }

  /** All inputs, of a kernel that takes a list. */
  get list(): TensorInfo[] {
    return Object.values(this.inputs).filter((info) => info !== undefined && info !== null);
  }

  has(name: string): boolean {
    return this.inputs[name] !== undefined && this.inputs[name] !== null;
  }

  info(name: string): TensorInfo {
    return this.inputs[name]!;
  }

  /** An input in the graph. */
  x(name = 'x'): Tensor {
    return this.backend.tensorOf(this.info(name));
  }

  /** The dtype of an input. */
  dtype(name = 'x'): DataType {
    return this.info(name).dtype;
  }

  /** The dtype that two inputs are computed in. */
  common(a = 'a', b = 'b'): DataType {
    return upcastType(this.dtype(a), this.dtype(b));
  }

  /** Numbers that are known without computing, as a tensor. */
  values(values: Float32Array | Int32Array | Uint8Array, shape: Shape, dtype: DataType): TensorInfo {
    return { dataId: this.backend.write(values, [...shape], dtype), shape: [...shape], dtype };
  }

  /** The same numbers under another shape: they are shared. */
  view({ dataId, dtype }: TensorInfo, shape: readonly number[]): TensorInfo {
    this.backend.incRef(dataId);
    return { dataId, dtype, shape: [...shape] };
  }
}

/** A tensor of a shape that is asked for its shape only. */
export { zeros as shaped } from '../../engine/ops/leaves.ts';

/** The axes of an attribute, counted from 0. */
export const axesOf = (axis: number | number[] | undefined, shape: Shape): number[] =>
  util.parseAxisParam(axis as number | number[], [...shape]);

/** The tensor without some axes, which have the length 1. */
export const dropped = (t: Tensor, axes: readonly number[]): Tensor =>
  reshape(
    t,
    t.shape.filter((_, d) => !axes.includes(d)),
  );

/** A row as tfjs calls it. What the GPU does not hold, texts and tensors without elements, is left to `otherwise`. */
export function kernelOf(name: string, row: Row, otherwise: KernelFunc): KernelFunc {
  return (args) => {
    const backend = args.backend as TuningforkBackend;
    const call = new Call(backend, args.inputs as Record<string, TensorInfo>, args.attrs);
    if (!VIEWS.has(name) && call.list.some((info) => !isOnGpu(info))) return otherwise(args);
    const made = row(call);
    if (made === undefined) return otherwise(args);
    const infoOf = (result: Tensor | Result | TensorInfo): TensorInfo => {
      if ('dataId' in result) return result;
      const { tensor, dtype = 'float32' } = 'tensor' in result ? result : { tensor: result };
      return backend.record(tensor, tensor.shape, dtype);
    };
    return Array.isArray(made) ? made.map(infoOf) : infoOf(made as Tensor | Result | TensorInfo);
  };
}

const isOnGpu = ({ dtype, shape }: TensorInfo): boolean =>
  dtype !== 'string' && dtype !== 'complex64' && sizeOf(shape) > 0;

/** Kernels that move no numbers: they are the same without any. */
export const VIEWS: ReadonlySet<string> = new Set(['Identity', 'Reshape', 'ExpandDims']);

/** Throws the sentence that refuses a kernel. */
export function refuse(name: string, why: string): never {
  throw new UserError(`tuningfork: the kernel ${name} of tfjs ${why}`);
}
