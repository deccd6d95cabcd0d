import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { defaultsOf, isUpdate, type Explanation, type Settings } from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { formulaToTex, namesIn } from '../../engine/explain/formula.ts';
import { howMade, work } from '../../engine/explain/work.ts';
import { input } from '../../engine/ops/leaves.ts';
import { sizeOf, topologicalOrder, type Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';
import { byHand } from '../reference/by_hand.ts';
import { evaluateArithmetic } from './arithmetic.ts';

/** Every combination of an explanation's settings that its example can be tried with. */
function settingsOf({ settings }: Explanation): Settings[] {
  return settings.reduce<Settings[]>(
    (all, { name, choices }) => all.flatMap((s) => choices.map((choice) => ({ ...s, [name]: choice }))),
    [{}],
  );
}

const graphOf = (explanation: Explanation, settings: Settings): { y: Tensor; dy: Tensor; gradients: Tensor[] } => {
  const leaves = Object.fromEntries(
    explanation.operands(settings).map(({ name, shape, dtype }) => [name, input(name, shape, dtype)]),
  );
  const y = explanation.apply(leaves, settings);
  const dy = input(`d${explanation.results[0].name}`, y.shape);
  return {
    y,
    dy,
    gradients: grad(
      y,
      explanation.results.slice(1).map(({ of }) => leaves[of!]),
      dy,
    ),
  };
};

const indices = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>((all, length) => all.flatMap((at) => Array.from({ length }, (_, i) => [...at, i])), [[]]);

describeAdapters('explanations', (device) => {
  it.each(EXPLANATIONS.map((explanation) => [explanation.name, explanation] as const))(
    '%s: its numbers are those worked out by hand, and of its own arithmetic',
    async (_, explanation) => {
      for (const settings of settingsOf(explanation)) {
        const values = await work(device(), explanation, settings);
        explanation.results.forEach((result) => {
          const { shape, data } = values[result.name];
          const want = byHand(explanation.name, result.name, values, settings);
          expect(data.length).toBe(want.length);
          indices(shape).forEach((at, i) => {
            const what = `${result.name}[${at}] with ${JSON.stringify(settings)}`;
            const { cells, arithmetic } = result.behind(at, values, settings);
            const { value, error } = evaluateArithmetic(arithmetic);
            expect(Math.abs(data[i] - value), `${what} = ${arithmetic.join('')}`).toBeLessThanOrEqual(error);
            expect(Math.abs(data[i] - want[i]), `${what} and what it is by hand`).toBeLessThanOrEqual(error);
            for (const { of, at: cell } of cells) {
              expect(
                cell.every((j, axis) => j >= 0 && j < values[of].shape[axis]) &&
                  cell.length === values[of].shape.length,
                `${what} reads ${of}[${cell}]`,
              ).toBe(true);
            }
          });
        });
      }
    },
  );

  it.each(EXPLANATIONS.map((explanation) => [explanation.name, explanation] as const))(
    '%s: its kernels are files, and the line stands there',
    (_, explanation) => {
      const made = howMade(device(), explanation, defaultsOf(explanation));
      expect(made.map(({ name }) => name)).toEqual(explanation.results.map(({ name }) => name));
      made.forEach(({ steps, naive, line, shape }, k) => {
        for (const { file } of [...steps, ...(naive ?? [])])
          expect(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).toMatch(/^(enable|\/\/)/);
        if (explanation.results[k].line !== undefined) expect(line!.text).toContain(explanation.results[k].line);
        expect(sizeOf(shape)).toBeGreaterThan(0);
      });
    },
  );

  it('what numbers are given is what is computed with', async () => {
    const conv = EXPLANATIONS.find(({ name }) => name === 'conv2d')!;
    const before = await work(device(), conv, defaultsOf(conv));
    const w = Array.from(before.w.data, (v, i) => (i === 4 ? v + 10 : v));
    const after = await work(device(), conv, defaultsOf(conv), { w });
    // The middle tap meets x[1..2, 1..2].
    expect(Array.from(after.y.data)).toEqual([5, 6, 9, 10].map((i, k) => before.y.data[k] + 10 * before.x.data[i]));
  });
});

describe('explanations', () => {
  it('name in their formulas what they take and give', () => {
    for (const explanation of EXPLANATIONS) {
      const { results } = explanation;
      const written = new Set(results.flatMap(({ formula, where = '' }) => [...namesIn(formula), ...namesIn(where)]));
      const names = explanation.operands(defaultsOf(explanation)).map(({ name }) => name);
      for (const name of names) expect(written, `${explanation.name} has no formula with ${name}`).toContain(name);
      for (const { name, formula } of results)
        expect(namesIn(formula), `${explanation.name}: ${formula}`).toContain(
          name.replace(/'$/, '').replace('dgamma', 'dγ').replace('dbeta', 'dβ'),
        );
      // A gradient exists of everything that is an input of the op and can have one.
      if (!isUpdate(explanation)) expect(results[0].of).toBeUndefined();
    }
  });

  it('call the inputs as the op does', () => {
    for (const explanation of EXPLANATIONS) {
      if (isUpdate(explanation)) continue;
      const operands = explanation.operands(defaultsOf(explanation)).map(({ name }) => name);
      const { y } = graphOf(explanation, defaultsOf(explanation));
      const leaves = new Map(
        y.inputs.map((t, i) => [y.op.inputs[i], t] as const).filter(([, t]) => t.op.name === 'input'),
      );
      for (const [name, t] of leaves) expect(operands.includes(name) ? t.name : name, explanation.name).toBe(name);
    }
  });

  it('have formulas whose brackets close, as text and as TeX', () => {
    expect(formulaToTex('y[n, ho] = Σ_{r,s} x[n, ho·stride + r − pad] · w[r]')).toBe(
      'y[n, h_o ] = \\sum_{r,s} x[n, h_o \\cdot \\mathrm{stride} + r - \\mathrm{pad}] \\cdot w[r]',
    );
    expect(formulaToTex('dγ[c] = γ / √(x̂ + ε)²')).toBe('d\\gamma [c] = \\gamma / \\sqrt{\\hat{x} + \\varepsilon }^2');
    for (const { name, results } of EXPLANATIONS)
      for (const { formula } of results) {
        for (const text of [formula, formulaToTex(formula)]) {
          for (const [open, close] of ['()', '[]', '{}'])
            expect(text.split(open).length, `${name}: ${text}`).toBe(text.split(close).length);
        }
      }
  });

  it('are there for every op that has a gradient', async () => {
    const folder = fileURLToPath(new URL('../../engine/ops', import.meta.url));
    const files = readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.slice(0, -3));
    // By the sources: each defineOp with a vjp.
    const differentiable = files.flatMap((file) =>
      readFileSync(`${folder}/${file}.ts`, 'utf8')
        .split(/\bdefineOp</)
        .slice(1)
        .flatMap((text) => {
          const name = /name: '(\w+)'/.exec(text)![1];
          return /^ {2}vjp[:(]/m.test(text) ? [name] : [];
        }),
    );
    expect(differentiable.length).toBeGreaterThan(20);
    const explained = new Set(
      EXPLANATIONS.filter((e) => !isUpdate(e)).flatMap((e) => {
        const { y, gradients } = graphOf(e, defaultsOf(e));
        return topologicalOrder([y, ...gradients]).map((t) => t.op.name);
      }),
    );
    expect(differentiable.filter((name) => !explained.has(name))).toEqual([]);

    // By the exports: each function that makes a tensor from tensors, in snake case, but those below.
    const without = new Set([
      // no gradient by their nature
      'greater',
      'greater_equal',
      'less',
      'less_equal',
      'equal',
      'not_equal',
      'is_na_n',
      'logical_and',
      'logical_not',
      'logical_or',
      'logical_xor',
      'arg_max',
      'arg_min',
      'floor',
      'ceil',
      'round',
      'sign',
      'batch_norm_stats',
      'random_uniform',
      'augment_images',
      'nearest_centre',
      'guard',
      'guarded',
      'stop_gradient',
      'input',
      'constant',
      'constant_array',
      'cast',
      'ones',
      'zeros',
      // updates
      'assign',
      'ema',
      'update_running_stats',
      'move_centres',
      'seed_centre',
      'loss_scale',
      'adam_hyper',
      'adam_w',
      'rmsprop',
      // gradients, which are explained with their ops
      'conv2d_input_grad',
      'conv2d_filter_grad',
      'depthwise_conv2d_input_grad',
      'depthwise_conv2d_filter_grad',
      // compositions of what is explained
      'cross_entropy',
      'binary_cross_entropy_with_logits',
      'huber',
      'mse',
      'l1',
      'layer_norm',
      'rms_norm',
      'group_norm',
      'instance_norm',
      // ops themselves, whose functions are explained; and what lowers, checks and plans
      'pointwise_op',
      'batch_norm_stats_op',
      'batch_norm_apply_op',
      'batch_norm_sums_op',
      'batch_norm_input_grad_op',
      'batch_norm_pool_op',
      'batch_norm_gate_sums_op',
      'batch_norm_gated_sums_op',
      'batch_norm_gated_input_grad_op',
      'batch_norm_coefficients_op',
      'depthwise_conv2d_op',
      'depthwise_filter_grad_op',
      'broadcast_op',
      'guard_op',
      'stop_gradient_op',
      'row_op',
      'sum_op',
      'sum_of_products_op',
    ]);
    const helpers =
      /^(pair$|unary$|binary$|axis_of|axes_of|margins|runs$|as_three|common_shape|copy_steps|place_among|check_each|resample|pack_rows|transpose_rows|is_identity|strides_of|chain|check_|conv_geometry|window_geometry|expect_shape|filter_shape|input_shape|output_shape|input_grad_takes|forward_normalises|filter_grad_normalises|lower_|with_winograd|winograd_|epilogue_pass|last_step|plainly|operand_mode|pointwise_step|guard_step|elements_of|fold_batch_norm|steps$)/;
    const names = new Set<string>(EXPLANATIONS.map(({ name }) => name));
    for (const file of files) {
      const module = (await import(`../../engine/ops/${file}.ts`)) as Record<string, unknown>;
      for (const [key, value] of Object.entries(module)) {
        const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, '');
        if (typeof value === 'function' && !without.has(name) && !helpers.test(name))
          expect(names, `${file}.ts exports ${key}`).toContain(name);
      }
    }
    for (const name of names) expect(without.has(name) || helpers.test(name), name).toBe(false);
  });
});
