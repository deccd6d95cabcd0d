import type { Device } from '../../engine/device/device.ts';
import {
  defaultsOf,
  elementOf,
  showArithmetic,
  slicesOf,
  type Cell,
  type Explanation,
  type Settings,
  type Setting,
  type Slice,
  type Values,
} from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { showNumber } from '../../engine/explain/show_number.ts';
import { work, type Given } from '../../engine/explain/work.ts';
import type { Shape } from '../../engine/tensor.ts';

/** A value as a figure shows it. */
export interface Shown {
  readonly name: string;
  readonly says: string;
  readonly shape: Shape;
  readonly data: readonly number[];
  readonly slices: readonly Slice[];
  /** An operand or the cotangent, which can be changed; others follow from them. */
  readonly editable: boolean;
}

export interface FigureState {
  readonly settings: readonly Setting[];
  readonly chosen: Settings;
  readonly values: readonly Shown[];
}

/** What a cell is made from, or what is made from it. */
export interface Lit {
  readonly cells: readonly Cell[];
  /** `3 · 1 + 0 · 2`, and what it comes to; absent of a cell that is given. */
  readonly sum?: { readonly arithmetic: string; readonly value: string };
}

const find = (op: string): Explanation => {
  const found = EXPLANATIONS.find(({ name }) => name === op);
  if (!found) throw new Error(`there is no explanation of ${op}`);
  return found;
};

/** A figure's example, computed: engine work without a page, which a test in Node can do as well. */
export class FigureCore {
  private readonly explanation: Explanation;
  private settings: Settings;
  private values: Values | undefined;

  constructor(op: string) {
    this.explanation = find(op);
    this.settings = defaultsOf(this.explanation);
  }

  /**
   * Computes the example with these numbers, and these settings changed.
   * @throws UserError where the settings do not fit; the figure then stays as it was
   */
  async compute(device: Device, changed: Settings = {}, given: Given = {}): Promise<FigureState> {
    const { explanation } = this;
    const settings = { ...this.settings, ...changed };
    const operands = explanation.operands(settings);
    // Numbers for operands that another setting has made larger or smaller are not theirs.
    const fitting = Object.fromEntries(
      Object.entries(given).filter(([name, data]) =>
        operands.every((o) => o.name !== name || o.data.length === data.length),
      ),
    );
    const values = await work(device, explanation, settings, fitting);
    [this.values, this.settings] = [values, settings];
    const results = new Map(explanation.results.map((result) => [result.name, result]));
    return {
      settings: explanation.settings,
      chosen: settings,
      values: Object.entries(values).map(([name, { shape, data }]) => ({
        name,
        shape,
        data: Array.from(data),
        slices: slicesOf(explanation, name, shape),
        says: operands.find((o) => o.name === name)?.says ?? saysOf(explanation, name, results.get(name)?.of),
        editable: !results.has(name) && operands.every((o) => o.name !== name || o.dtype !== 'u32'),
      })),
    };
  }

  /** What a result's element is made from, or the elements of results that are made from an operand's. */
  lit(cell: Cell): Lit {
    const {
      explanation: { results },
      settings,
    } = this;
    const values = this.values;
    if (!values) throw new Error('nothing is computed yet');
    const result = results.find(({ name }) => name === cell.of);
    if (result) {
      const behind = result.behind(cell.at, values, settings);
      return {
        cells: behind.cells,
        sum: { arithmetic: showArithmetic(behind), value: showNumber(elementOf(values, cell)).replace(/^-/, '−') },
      };
    }
    const isThis = ({ of, at }: Cell) => of === cell.of && at.join() === cell.at.join();
    return {
      cells: results.flatMap(({ name, behind }) =>
        slicesOf(this.explanation, name, values[name].shape)
          .flatMap(({ rows }) => rows.flat())
          .filter((at) => behind(at, values, settings).cells.some(isThis))
          .map((at) => ({ of: name, at })),
      ),
    };
  }
}

function saysOf({ results: [output] }: Explanation, name: string, of: string | undefined): string {
  if (of !== undefined)
    return name.startsWith('d') ? `gradient: how the loss changes with ${of}` : `${of} after the step`;
  return name === output.name ? 'what the op gives' : `cotangent: how the loss changes with ${output.name}`;
}
