import type { Gpu } from '../kernels/gpu.ts';
import type { Choice, Choices, Launch } from '../kernels/kernel.ts';
import type { SubgroupMatrix } from '../kernels/matmul/matrix_tiling.ts';
import { checkDType, checkShape, checkTensors, Tensor, type Attributes, type DType, type Shape } from './tensor.ts';

/** What a kernel may count on: taken from the adapter, never assumed. */
export interface Capabilities {
  readonly maxWorkgroupInvocations: number;
  readonly maxWorkgroupStorage: number;
  readonly maxStorageBinding: number;
  readonly f16: boolean;
  /** The least lanes of a subgroup; 0 where there are none, or nobody says how many. */
  readonly subgroups: number;
  /**
   * Tensor cores: absent where there are none, and in the lowering of programs of precision f32, whose products are
   * exact to f32.
   */
  readonly subgroupMatrix?: SubgroupMatrix;
  /** A CPU pretending to be a GPU: no workgroup memory of its own, wide SIMD, few registers. */
  readonly software: boolean;
  /** What is known of the GPU (engine/device/gpu_model.ts); absent where nothing is. */
  readonly gpu?: Gpu;
}

/** A buffer of the program, known by number until it is planned. */
export type BufferRef = number & { readonly brand: 'BufferRef' };

/** A launch and the buffers it is bound to, by the names in the WGSL. */
export interface Step {
  readonly launch: Launch;
  readonly buffers: Readonly<Record<string, BufferRef>>;
}

/**
 * What a batch norm sums over the rows of a tensor, in parts, made by the op that made the tensor: statistics, or of a
 * cotangent the sums of its gradient (kernels/batch_norm/summed.ts).
 */
export interface PartialSums {
  readonly partial: BufferRef;
  readonly parts: number;
}

/** What `lower` works with: where the inputs and the output live, and scratch memory that dies with the op. */
export interface LowerContext<A> {
  readonly inputs: readonly Tensor[];
  readonly attrs: A;
  readonly output: Tensor;
  readonly capabilities: Capabilities;
  /** Where input `index` lies. */
  in(index: number): BufferRef;
  /** Where the output goes. */
  out(): BufferRef;
  /** Scratch of so many f32 elements. */
  temp(elements: number): BufferRef;
  /** Leaves partial sums of the output for those who read it. */
  leave(sums: PartialSums): void;
  /** What the op that makes input `index` left. */
  left(index: number): PartialSums | undefined;
  /**
   * One of several ways to launch the op's kernels: what was measured to be the fastest, or the default. Asked at most
   * once an op.
   */
  choose<C extends Choice>(choices: Choices<C>): C;
}

/**
 * The lazily made cotangents of an op's inputs, by input name; an input left out has none (it is not differentiable).
 */
export type Cotangents<N extends string> = Partial<Record<N, () => Tensor>>;

/** A state that lies beside others of its pool, and is changed with them. */
export interface Neighbour<A> {
  readonly size: number;
  /** Elements from its first to that of the next one. */
  readonly stride: number;
  readonly attrs: A;
}

/**
 * How an update of many neighbours is one launch, see engine/program/update_groups.ts. The kernel's bindings have the
 * names of the inputs; the first input behind the states is what each of them is updated from, laid out as they are.
 */
export interface Grouped<A> {
  /** @param isWhole whether the last input, a guard, is given */
  launch(neighbours: readonly Neighbour<A>[], isWhole: boolean): Launch;
  /** The attributes that all of them must share; all attributes where not said. */
  shared?(attrs: A): unknown;
  /** So many at most; any number where not said. */
  readonly most?: number;
}

/**
 * One op: its shapes, its gradient and how it becomes kernels. `N` are the names of its inputs.
 * `vjp` gets the inputs by name, the output `y`, the output's cotangent `dy` and the attributes.
 */
export interface OpSpec<N extends string, A extends object> {
  readonly name: string;
  readonly inputs: readonly N[];
  /** The shape of the output; throws a UserError where the inputs do not fit. */
  shape(inputs: readonly Tensor[], attrs: A): Shape;
  /** What the output holds: f32 where not said; a view holds what its input does. */
  readonly dtype?: DType | ((inputs: readonly Tensor[], attrs: A) => DType);
  /** What the inputs must hold: f32 where not said. `any` is for ops that do not compute. */
  readonly takes?: Readonly<Partial<Record<N, DType | 'any'>>>;
  /** The name in messages, where the attributes decide what is computed; `name` when absent. */
  called?(attrs: A): string;
  /**
   * The vector-Jacobian product: the inputs' cotangents from the output's, made of ops, so that they can be
   * differentiated again; absent where the op is not differentiable.
   */
  vjp?(tensors: Record<N, Tensor> & { y: Tensor }, dy: Tensor, attrs: A): Cotangents<N>;
  /** The op whose gradient it is, of a gradient that cannot be differentiated again: `grad` names it. */
  readonly gradientOf?: string;
  /** The kernels that compute it; absent of leaves and views. */
  lower?(context: LowerContext<A>): Step[];
  /** Indices of the inputs (parameters) that the kernel changes in place: an update, see `compile`. */
  readonly mutates?: readonly number[];
  /** Of an update that treats all elements alike: neighbours in memory are changed by one launch. */
  readonly grouped?: Grouped<A>;
  /**
   * Whether its kernels can make a batch norm's output themselves as they read its input in place of their first: see
   * engine/program/normalised.ts. The batch norm's coefficients are then a third input, its gate, if it is gated, a
   * fourth, and `normalised` an attribute.
   */
  normalises?(attrs: A, gated: boolean, capabilities: Capabilities): boolean;
  /**
   * Of an input gradient: whether its kernels can sum what they make for the gradient of the batch norm before it: see
   * engine/program/summed.ts. The batch norm's coefficients and what it read are then inputs behind its own, and
   * `gradSummed` an attribute.
   */
  sums?(attrs: A): boolean;
  /** No op computes it: it is fed at each run, or outlives the program. */
  readonly leaf?: 'input' | 'parameter';
  /** The output is the input's memory under another shape: no kernel runs. */
  readonly view?: boolean;
  /** Computing it again costs about as much as reading it back from memory: see engine/program/recompute.ts. */
  readonly cheap?: boolean;
  /**
   * A gradient of weights: it, and all that is made from it, is stored as f32 under every precision. See
   * engine/program/precision.ts.
   */
  readonly isWeightGradient?: boolean;
  /**
   * `lower` heeds the attribute `epilogue`: pointwise stages to apply to the result, their operands following the op's
   * own inputs. A predicate where that depends on the attributes.
   */
  readonly takesEpilogue?: boolean | ((attrs: A) => boolean);
}

/** An op with the types of its names and attributes erased: what the graph, autodiff and the compiler see. */
export interface OpDef {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly gradientOf?: string;
  readonly mutates: readonly number[];
  /** See OpSpec. */
  readonly grouped?: Grouped<Attributes>;
  /** See OpSpec. */
  normalises(attrs: Attributes, gated: boolean, capabilities: Capabilities): boolean;
  /** See OpSpec. */
  sums(attrs: Attributes): boolean;
  readonly leaf?: 'input' | 'parameter';
  readonly view: boolean;
  readonly cheap: boolean;
  readonly isWeightGradient: boolean;
  /** See OpSpec. */
  takesEpilogue(attrs: Attributes): boolean;
  /**
   * The cotangents of the inputs of `t`, each made when it is asked for; undefined where the op is not differentiable.
   */
  vjp(t: Tensor, dy: Tensor): Partial<Record<string, () => Tensor>> | undefined;
  /** The kernels that compute it. */
  lower(context: LowerContext<Attributes>): Step[];
}

/** An op as a function: give it its inputs and attributes, get the tensor that describes the result. */
export interface Op<A extends object> extends OpDef {
  (inputs: readonly Tensor[], attrs: A): Tensor;
}

/**
 * Makes an op from its specification: a function from inputs and attributes to the tensor that describes the result.
 */
export function defineOp<N extends string, A extends object = Record<string, never>>(spec: OpSpec<N, A>): Op<A> {
  const def: OpDef = {
    name: spec.name,
    inputs: spec.inputs,
    gradientOf: spec.gradientOf,
    mutates: spec.mutates ?? [],
    grouped: spec.grouped as Grouped<unknown> | undefined,
    normalises: (attrs, gated, capabilities) => spec.normalises?.(attrs as A, gated, capabilities) ?? false,
    sums: (attrs) => spec.sums?.(attrs as A) ?? false,
    leaf: spec.leaf,
    view: spec.view ?? false,
    cheap: spec.cheap ?? false,
    isWeightGradient: spec.isWeightGradient ?? false,
    takesEpilogue: (attrs) =>
      typeof spec.takesEpilogue === 'function' ? spec.takesEpilogue(attrs as A) : (spec.takesEpilogue ?? false),
    vjp(t, dy) {
      const named: Record<string, Tensor> = { y: t };
      spec.inputs.forEach((name, i) => (named[name] = t.inputs[i]));
      return spec.vjp?.(named as Record<N, Tensor> & { y: Tensor }, dy, t.attrs as A) as
        | Partial<Record<string, () => Tensor>>
        | undefined;
    },
    lower(context) {
      if (!spec.lower) throw new Error(`${spec.name} cannot be computed on the GPU: it is a leaf or a view`);
      return spec.lower(context as LowerContext<A>);
    },
  };
  const op = ((inputs, attrs) => {
    const called = spec.called?.(attrs) ?? spec.name;
    checkInputs(called, spec, inputs);
    const shape = spec.shape(inputs, attrs);
    checkShape(called, shape);
    return new Tensor(op, inputs, attrs as Attributes, shape, dtypeOf(spec, inputs, attrs));
  }) as Op<A>;
  // `name` of a function is read-only by assignment, so the definition is laid over the function property by property.
  for (const [key, value] of Object.entries(def)) Object.defineProperty(op, key, { value });
  return op;
}

function dtypeOf<A extends object>(
  { dtype, view }: Pick<OpSpec<string, A>, 'dtype' | 'view'>,
  inputs: readonly Tensor[],
  attrs: A,
): DType {
  if (typeof dtype === 'function') return dtype(inputs, attrs);
  return dtype ?? (view ? inputs[0].dtype : 'f32');
}

/** Throws a UserError where an input is no tensor, or holds what the op does not take. */
function checkInputs<N extends string>(
  called: string,
  { inputs: names, takes }: Pick<OpSpec<N, never>, 'inputs' | 'takes'>,
  inputs: readonly Tensor[],
): void {
  inputs.forEach((t, i) => {
    const input = names[i];
    checkTensors(called, { [input]: t });
    const wanted = takes?.[input] ?? 'f32';
    if (wanted !== 'any') checkDType(called, input, t, wanted);
  });
}
