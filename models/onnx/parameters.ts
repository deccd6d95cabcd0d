import { constant } from '../../engine/ops/leaves.ts';
import { showShape, sizeOf, type Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import type { ParameterKind, ParameterSpec } from '../parameter_spec.ts';
import type { ParameterSource } from '../parameter_set.ts';
import { isFloat, type Constant } from './value.ts';

/** How an op uses weights: as what, in which shape, and how they are brought into it from ONNX's order. */
export interface Use {
  readonly kind: ParameterKind;
  readonly shape: readonly number[];
  /** Copies, where the order differs. */
  readonly arrange?: (data: Float32Array) => Float32Array;
  /** Tells arrangements apart that give the same shape. */
  readonly how?: string;
  /** The parameter's name where it is not the constant's own. */
  readonly name?: string;
}

interface Entry {
  readonly spec: ParameterSpec;
  readonly constant: Constant;
  readonly use: Use;
}

/**
 * The weights of a graph that can be trained. They are found by going through the graph once: what an op asks for is
 * then a parameter, in the layout that the op wants.
 */
export class GraphParameters {
  private readonly entries = new Map<string, Entry>();
  private readonly shared = new Set<string>();
  private readonly constants = new WeakMap<Constant, Map<string, Tensor>>();
  private found = false;
  private conflicts = 0;

  /** Begins anew, knowing now what is used in several ways; tells whether that is needed. */
  restart(): boolean {
    const isNeeded = this.conflicts > 0;
    if (isNeeded) this.entries.clear();
    this.conflicts = 0;
    return isNeeded;
  }

  /** Everything was gone through: from now on nothing new is expected. */
  finish(): void {
    this.found = true;
  }

  get specs(): ParameterSpec[] {
    return [...this.entries.values()].map(({ spec }) => spec);
  }

  /** The constants that are parameters, by their own names. */
  get constantNames(): string[] {
    return [...this.entries.values()].map(({ constant }) => constant.name!);
  }

  /** Values of the parameters, in their layout. */
  get weights(): Map<string, Float32Array> {
    return new Map([...this.entries].map(([name, { constant: c, use }]) => [name, arrangedData(c, use)]));
  }

  /** Constants that stay as they are because they are used in several ways. */
  get usedTwice(): readonly string[] {
    return [...this.shared];
  }

  spec(name: string): ParameterSpec | undefined {
    return this.entries.get(name)?.spec;
  }

  /** Whether the constant is, or can be, a parameter. */
  trains({ name, type }: Constant): boolean {
    return name !== undefined && isFloat(type) && !this.shared.has(name);
  }

  /** The name of the parameter that this constant is; undefined where it is one in another use already. */
  claim(c: Constant, use: Use): string | undefined {
    const name = use.name ?? c.name!;
    if (sizeOf(use.shape) !== c.data.length)
      throw new UserError(`${c.name} is [${c.shape.join(', ')}], where ${showShape(use.shape)} is wanted`);
    const entry = this.entries.get(name);
    if (entry && (entry.constant.name !== c.name || keyOf(entry.use) !== keyOf(use))) {
      this.shared.add(c.name!);
      this.shared.add(entry.constant.name!);
      this.conflicts++;
      return undefined;
    }
    if (!entry) {
      if (this.found) throw new Error(`${name} was not met when the graph was read`);
      const { kind, shape } = use;
      const spec = { name, shape, kind, trainable: kind !== 'mean' && kind !== 'var' };
      this.entries.set(name, { spec, constant: c, use });
    }
    return name;
  }

  /** The weights as a tensor: a parameter where they can be trained, else a constant. */
  tensor(c: Constant, use: Use, source: ParameterSource): Tensor {
    const name = this.trains(c) ? this.claim(c, use) : undefined;
    return name === undefined ? this.constant(c, use) : source.tensor(name);
  }

  /** A constant in this arrangement; the same tensor each time. */
  constant(c: Constant, use: Pick<Use, 'shape' | 'arrange' | 'how'>): Tensor {
    const made = this.constants.get(c) ?? new Map<string, Tensor>();
    this.constants.set(c, made);
    const key = keyOf(use);
    const tensor = made.get(key) ?? constant(arrangedData(c, use), use.shape);
    made.set(key, tensor);
    return tensor;
  }
}

const keyOf = ({ kind, shape, how }: Partial<Use>): string => JSON.stringify([kind, shape, how]);

function arrangedData({ data }: Constant, { arrange }: Pick<Use, 'arrange'>): Float32Array {
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  return arrange ? arrange(floats) : floats;
}
