import { describe, expect, it } from 'vitest';
import type { PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import { grad } from '../../engine/autodiff.ts';
import { batchNorm, batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { add, div, exp, maximum, mul, relu, sigmoid, square, sub } from '../../engine/ops/pointwise.ts';
import { broadcastTo, mean, sum } from '../../engine/ops/reduce.ts';
import { buildGraph } from '../../engine/program/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { evaluateRewritten } from '../reference/rewritten.ts';
import { plainCapabilities } from './as_adapter.ts';
import { draw, FULL, SMALL } from './drawn_graph.ts';

/*
 * The compiler's rewriting in float64, without a GPU: what a graph became must make what the graph makes, in an order
 * in which nothing is read before it is made. Random graphs try what may be rewritten beside what may not: a second
 * reader, an output in the middle, an operand that is repeated.
 */

const attrsOf = (t: Tensor) => t.attrs as { stages?: readonly PointwiseStage[]; epilogue?: readonly PointwiseStage[] };

/** What of a rewritten graph the compiler made. */
const KINDS: Record<string, (t: Tensor) => boolean> = {
  'chains of stages': (t) => (attrsOf(t).stages?.length ?? 0) > 1,
  epilogues: (t) => attrsOf(t).epilogue !== undefined,
  'sums of products': (t) => t.op.name === 'sum_of_products',
  'folded batch norms': (t) => t.op.name === 'batch_norm_fold',
  'batch norms that are gated where they are read': (t) => t.op.name === 'batch_norm_apply' && t.inputs.length > 4,
  'batch norms that add': (t) => t.attrs['added'] === true,
  'batch norms whose gated cotangent is not written': (t) => t.op.name === 'batch_norm_gated_input_grad',
  'batch norms that are made where they are read': (t) => t.attrs['normalised'] !== undefined,
  'products that make a batch norm as they read it': (t) =>
    t.op.name === 'conv2d' && t.attrs['normalised'] !== undefined,
  'products that make a gated batch norm as they read it': (t) =>
    (t.attrs['normalised'] as { gated?: true } | undefined)?.gated === true,
  'results whose maker sums them': (t) => t.attrs['summed'] === true,
  'cotangents whose maker sums them': (t) => t.attrs['gradSummed'] !== undefined,
  'operands repeated by their reader': (t) =>
    attrsOf(t).stages?.some(({ mode }) => mode === 'channel' || mode === 'sampleChannel') ?? false,
};

/** Holds what the outputs became against what they are; the rewritten order. */
function expectSame(
  outputs: readonly Tensor[],
  leaves: ReadonlyMap<string, Float32Array>,
  title: string,
  software: boolean,
): readonly Tensor[] {
  const { order, resolve } = buildGraph(outputs, 'none', plainCapabilities(software));
  const want = evaluateGraph(outputs, leaves);
  const got = evaluateRewritten(order, leaves);
  outputs.forEach((output, o) => {
    const [a, b] = [got.get(resolve(output)), want.get(output)!];
    if (!a) return expect.fail(`${title}: output ${o}, ${output}, is not made`);
    const size = b.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-3);
    const off = b.findIndex((v, i) => !(Math.abs(a[i] - v) <= 1e-9 * size));
    if (off >= 0) expect.fail(`${title}: output ${o}, ${output}, element ${off} became ${a[off]} and is ${b[off]}`);
    expect(a.length).toBe(b.length);
  });
  return order;
}

const leafCount = Object.keys(SMALL).length;

describe('a rewritten graph', () => {
  it('makes the same numbers, forwards and backwards, whatever is read twice or asked for', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 200; seed++) {
      const { full, small, leaves, pick, random } = draw(seed, 4 + (seed % 12));
      const loss = sum(mul(full[full.length - 1], pick(full)));
      const outputs = [
        loss,
        ...full.slice(2).filter(() => random() < 0.15),
        ...small.slice(leafCount).filter(() => random() < 0.5),
      ];
      if (seed % 2 === 0) {
        // Every leaf but the statistics has a gradient.
        const used = new Set(buildGraph([loss], 'nothing', plainCapabilities(true)).order);
        const wrt = [...full.slice(0, 2), ...small.slice(0, leafCount)].filter((t) => used.has(t));
        if (wrt.length > 0) outputs.push(...grad(loss, [pick(wrt)]));
      }
      const made = [true, false].flatMap((on) => expectSame(outputs, leaves, `seed ${seed}, software ${on}`, on));
      for (const t of made)
        for (const [kind, is] of Object.entries(KINDS)) if (is(t)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    for (const kind of Object.keys(KINDS)) expect(counts.get(kind) ?? 0, kind).toBeGreaterThan(20);
  });

  const leaves = new Map(
    Object.entries({
      x: FULL,
      y: FULL,
      z: FULL,
      channel: [4],
      sampleChannel: [2, 1, 1, 4],
      filter: [1, 1, 4, 4],
      stats: [2, 4],
      gamma: [4],
      beta: [4],
    }).map(([name, shape], i) => [
      name,
      randomArray(
        shape.reduce((a, b) => a * b, 1),
        i,
        name === 'stats' ? 0.3 : -1,
        1,
      ),
    ]),
  );
  const [x, y, z] = ['x', 'y', 'z'].map((name) => input(name, FULL));
  const [channel, sampleChannel] = [input('channel', [4]), input('sampleChannel', [2, 1, 1, 4])];
  const filter = input('filter', [1, 1, 4, 4]);
  const norm = [input('stats', [2, 4]), input('gamma', [4]), input('beta', [4])] as const;
  /** The ops of what the outputs became, leaves left out; a chain or an epilogue with its stages. */
  const ops = (...outputs: Tensor[]) => opsOn(true, ...outputs);
  const opsOn = (software: boolean, ...outputs: Tensor[]) =>
    expectSame(outputs, leaves, 'by hand', software)
      .filter(({ inputs }) => inputs.length > 0)
      .map((t) => {
        const { stages, epilogue } = attrsOf(t);
        const show = (list: readonly PointwiseStage[]) => list.map(({ op, mode }) => `${op} ${mode}`).join(', ');
        return stages ? show(stages) : epilogue ? `${t.op.name}: ${show(epilogue)}` : t.op.name;
      });

  it('sums a product without writing it out, if nobody else reads it', () => {
    const product = mul(x, y);
    expect(ops(sum(product, [1, 2]))).toEqual(['sum_of_products']);
    expect(ops(sum(product, [1, 2]), product)).toEqual(['mul full', 'sum']);
    expect(ops(sum(product, [1, 2]), exp(product))).toEqual(['mul full', 'sum', 'exp immediate']);
    expect(ops(sum(product, [1, 2]), sum(product, [0]))).toEqual(['mul full', 'sum', 'sum']);
    // Only a product of two whole tensors is one.
    expect(ops(sum(add(x, y), [1, 2]))).toEqual(['add full', 'sum']);
    expect(ops(sum(mul(x, channel), [1, 2]))).toEqual(['mul channel', 'sum']);
    expect(ops(sum(mul(x, 2), [1, 2]))).toEqual(['mul immediate', 'sum']);
    expect(ops(sum(square(x), [1, 2]))).toEqual(['square immediate', 'sum']);
    expect(ops(sum(exp(mul(x, y)), [1, 2]))).toEqual(['mul full, exp immediate', 'sum']);
    // The operands may be what was rewritten itself.
    expect(ops(mean(mul(exp(add(x, 1)), y), [1, 2]))).toEqual(['add immediate, exp immediate', 'sum_of_products']);
  });

  it('reads a repeated operand where it is, on either side of what commutes', () => {
    for (const [small, mode] of [
      [channel, 'channel'],
      [sampleChannel, 'sampleChannel'],
    ] as const) {
      const repeated = broadcastTo(small, FULL);
      expect(ops(add(x, repeated))).toEqual([...(small === channel ? ['reshape'] : []), `add ${mode}`]);
      expect(ops(mul(repeated, x))).toEqual([...(small === channel ? ['reshape'] : []), `mul ${mode}`]);
      expect(ops(sub(x, repeated))).toEqual([...(small === channel ? ['reshape'] : []), `sub ${mode}`]);
      // x is subtracted from the repeated one: that must be there.
      expect(ops(sub(repeated, x)).slice(-2)).toEqual(['broadcast', 'sub full']);
      expect(ops(div(repeated, add(square(x), 1))).slice(-1)).toEqual(['div full']);
      // One that is asked for is made, too.
      expect(ops(add(x, repeated), repeated)).toContain('broadcast');
    }
    // The mean's gradient is repeated and scaled: the small one is scaled.
    const [dx] = grad(sum(mul(mean(x, [1, 2]), sampleChannel)), [x]);
    expect(ops(mul(dx, y)).slice(-2)).toEqual(['mul full, mul immediate', 'mul sampleChannel']);
  });

  it('merges chains up to four stages, never through what others read', () => {
    const chain = (n: number) => Array.from({ length: n }).reduce<Tensor>((t, _, i) => mul(t, 2 + i), x);
    expect(ops(chain(4))).toEqual([Array(4).fill('mul immediate').join(', ')]);
    expect(ops(chain(5))).toEqual([Array(4).fill('mul immediate').join(', '), 'mul immediate']);
    expect(ops(chain(9)).map((stages) => stages.split(', ').length)).toEqual([4, 4, 1]);
    const middle = exp(x);
    expect(ops(mul(middle, 2), middle)).toEqual(['exp immediate', 'mul immediate']);
    expect(ops(mul(middle, 2), add(middle, 1))).toEqual(['exp immediate', 'mul immediate', 'add immediate']);
    expect(ops(add(middle, middle))).toEqual(['exp immediate', 'add full']);
    // x + f(y) is f(y) + x; x - f(y) is not.
    expect(ops(add(x, exp(y)))).toEqual(['exp immediate, add full']);
    expect(ops(maximum(x, exp(y)))).toEqual(['exp immediate, max full']);
    expect(ops(sub(x, exp(y)))).toEqual(['exp immediate', 'sub full']);
    expect(ops(div(x, exp(y)))).toEqual(['exp immediate', 'div full']);
    // The second operand goes first only if the first cannot be continued.
    expect(ops(add(sigmoid(x), exp(y)))).toEqual(['exp immediate', 'sigmoid immediate, add full']);
    // A chain that could be continued, were it not for an operand that is smaller.
    expect(ops(mul(x, exp(channel)))).toEqual(['exp immediate', 'mul channel']);
    expect(ops(mul(exp(add(x, z)), y))).toEqual(['add full, exp immediate, mul full']);
  });

  it('folds batch norm into what made its input, if nobody else reads that', () => {
    const conv = conv2d(x, filter);
    const normed = batchNormInference(conv, ...norm, { activation: 'relu' });
    expect(ops(normed)).toEqual(['batch_norm_fold', 'conv2d: mul channel, add secondRow, relu immediate']);
    expect(ops(normed, conv)).toEqual(['conv2d', 'batch_norm_apply']);
    expect(ops(normed, exp(conv))).toEqual(['conv2d', 'batch_norm_apply', 'exp immediate']);
    expect(ops(batchNormInference(x, ...norm))).toEqual(['batch_norm_apply']);
    expect(ops(batchNormInference(relu(conv), ...norm))).toEqual(['conv2d: relu immediate', 'batch_norm_apply']);
    expect(ops(batchNorm(conv, norm[1], norm[2]).y)).toEqual([
      'conv2d',
      'batch_norm_stats',
      'stop_gradient',
      'batch_norm_apply',
    ]);
  });

  it('makes a batch norm that is pooled and gated again where it is read, if nobody else reads it', () => {
    const { y: normed } = batchNorm(x, norm[1], norm[2], { activation: 'silu' });
    const gate = sigmoid(mean(normed, [1, 2]));
    const gated = mul(normed, gate);
    const made = ['batch_norm_stats', 'stop_gradient'];
    const gateMade = ['batch_norm_pool', 'sigmoid immediate'];
    expect(ops(gated)).toEqual([...made, ...gateMade, 'batch_norm_apply']);
    // Each of these needs it whole.
    const kept = [...made, 'batch_norm_apply', 'sum', 'sigmoid immediate', 'mul sampleChannel'];
    expect(ops(gated, normed)).toEqual(kept);
    expect(ops(gated, exp(normed))).toEqual([...kept, 'exp immediate']);
    expect(ops(gated, sum(normed, [1]))).toEqual([...kept, 'sum']);
    expect(ops(gated, mul(normed, channel))).toEqual([...kept, 'mul channel']);
    expect(ops(gated, sum(mul(normed, z), [1, 2]))).toContain('mul sampleChannel');
    const backward = grad(gated, [x, norm[1]], z);
    expect(ops(...backward)).toEqual([
      ...made,
      ...gateMade,
      'batch_norm_gate_sums',
      'row',
      'reshape',
      'sigmoid_grad full, mul immediate',
      'batch_norm_gated_sums',
      'batch_norm_coefficients',
      'batch_norm_gated_input_grad',
      'row',
    ]);
    // With frozen statistics x gets its gradient without gamma's.
    const frozen = batchNormInference(x, ...norm, { activation: 'silu' });
    expect(ops(...grad(mul(frozen, sigmoid(mean(frozen, [1, 2]))), [x], z))).toContain('batch_norm_gated_input_grad');
    // A gate that is none of it gets no cotangent of its own: the sums need a pass of theirs.
    expect(ops(...grad(mul(normed, sampleChannel), [x], z))).toContain('batch_norm_input_grad');
  });

  it('adds to a batch norm what is added to it, if nobody else reads it', () => {
    const { y: normed } = batchNorm(x, norm[1], norm[2], { activation: 'silu' });
    const made = ['batch_norm_stats', 'stop_gradient', 'batch_norm_apply'];
    expect(ops(add(normed, y))).toEqual(made);
    expect(ops(add(y, normed))).toEqual(made);
    expect(ops(add(x, normed))).toEqual(made);
    // Each of these is a pass of its own, or needs it whole.
    expect(ops(sub(normed, y))).toEqual([...made, 'sub full']);
    expect(ops(add(normed, channel))).toEqual([...made, 'add channel']);
    expect(ops(add(normed, normed))).toEqual([...made, 'add full']);
    expect(ops(add(normed, y), normed)).toEqual([...made, 'add full']);
    expect(ops(relu(add(normed, y)))).toEqual([...made, 'add full, relu immediate']);
    // Of two batch norms the first takes the sum.
    const other = batchNorm(y, norm[1], norm[2]).y;
    const [both, stop, apply] = made;
    expect(ops(add(normed, other))).toEqual([both, stop, both, stop, apply, apply]);
  });

  it('makes a batch norm where depthwise convolutions read it, on a GPU, if nobody else reads it', () => {
    const { y: normed } = batchNorm(x, norm[1], norm[2], { activation: 'silu' });
    const taps = input('taps', [3, 3, 4]);
    leaves.set('taps', randomArray(36, 99));
    const y = depthwiseConv2d(normed, taps, { padding: 'same' });
    const made = ['batch_norm_stats', 'stop_gradient'];
    expect(opsOn(false, y)).toEqual([...made, 'batch_norm_coefficients', 'depthwise_conv2d']);
    expect(opsOn(true, y)).toEqual([...made, 'batch_norm_apply', 'depthwise_conv2d']);
    expect(opsOn(false, relu(y))).toEqual([...made, 'batch_norm_coefficients', 'depthwise_conv2d: relu immediate']);
    expect(opsOn(false, ...grad(y, [x, taps], z))).toEqual([
      ...made,
      'batch_norm_coefficients',
      'depthwise_conv2d_input_grad',
      'depthwise_conv2d_filter_grad',
      'batch_norm_sums',
      'batch_norm_input_grad',
    ]);
    // Each of these needs it whole; the naive kernels, which this filter's dilation wants, do not normalise.
    const kept = [...made, 'batch_norm_apply', 'depthwise_conv2d'];
    expect(opsOn(false, y, normed)).toEqual(kept);
    expect(opsOn(false, y, exp(normed))).toEqual([...kept, 'exp immediate']);
    expect(opsOn(false, depthwiseConv2d(normed, taps, { padding: 2, dilation: 2 }))).toEqual(kept);
  });

  it('makes a batch norm and its gate where products read it, on a GPU, if nobody else reads it', () => {
    const { y: normed } = batchNorm(x, norm[1], norm[2], { activation: 'silu' });
    const made = ['batch_norm_stats', 'stop_gradient'];
    const plain = conv2d(normed, filter);
    expect(opsOn(false, plain)).toEqual([...made, 'batch_norm_coefficients', 'conv2d']);
    expect(opsOn(true, plain)).toEqual([...made, 'batch_norm_apply', 'conv2d']);
    const gated = mul(normed, sigmoid(mean(normed, [1, 2])));
    const gateMade = [...made, 'batch_norm_pool', 'sigmoid immediate'];
    const y = conv2d(gated, filter);
    expect(opsOn(false, y)).toEqual([...gateMade, 'batch_norm_coefficients', 'conv2d']);
    // The coefficients serve the gradient too.
    expect(opsOn(false, y, ...grad(y, [x], z))).toEqual([
      ...gateMade,
      'batch_norm_coefficients',
      'conv2d',
      'conv2d_input_grad',
      'batch_norm_gate_sums',
      'row',
      'reshape',
      'sigmoid_grad full, mul immediate',
      'batch_norm_gated_sums',
      'batch_norm_gated_input_grad',
    ]);
    // Each of these needs it whole: a depthwise convolution has no gate, an epilogue takes the bindings.
    const kept = [...gateMade, 'batch_norm_apply', 'conv2d'];
    expect(opsOn(true, y)).toEqual(kept);
    expect(opsOn(false, y, gated)).toEqual(kept);
    expect(opsOn(false, y, exp(gated))).toEqual([...kept, 'exp immediate']);
    expect(opsOn(false, y, sum(gated, [1]))).toEqual([...kept, 'sum']);
    expect(opsOn(false, conv2d(gated, filter, { version: 1 }))).toEqual(kept);
    expect(opsOn(false, relu(y))).toEqual([...gateMade, 'batch_norm_apply', 'conv2d: relu immediate']);
    const taps = input('taps', [3, 3, 4]);
    leaves.set('taps', randomArray(36, 99));
    expect(opsOn(false, depthwiseConv2d(gated, taps, { padding: 'same' })).slice(-2)).toEqual([
      'batch_norm_apply',
      'depthwise_conv2d',
    ]);
    // What is added to it makes another of it.
    const added = conv2d(add(normed, z), filter);
    expect(opsOn(false, added)).toEqual([...made, 'batch_norm_apply', 'conv2d']);
    // Of so few pixels the filter's gradient is no tile: it reads what is written.
    expect(opsOn(false, y, ...grad(y, [filter], z))).toContain('batch_norm_apply');
  });

  it('has statistics made with what they are of, on a GPU', () => {
    const conv = conv2d(x, filter);
    const summed = (software: boolean, ...outputs: Tensor[]) =>
      expectSame(outputs, leaves, 'by hand', software).filter((t) => t.attrs['summed'] === true);
    const normed = (t: Tensor) => batchNorm(t, norm[1], norm[2]).y;
    expect(summed(false, normed(conv)).map(({ op }) => op.name)).toEqual(['conv2d']);
    expect(summed(true, normed(conv))).toEqual([]);
    // With what became its epilogue, but only if nobody reads what was there before.
    expect(summed(false, normed(add(conv, channel))).map((t) => attrsOf(t).epilogue?.length)).toEqual([1]);
    expect(summed(false, normed(add(conv, channel)), conv)).toEqual([]);
    expect(summed(false, normed(exp(conv)))).toEqual([]);
    expect(summed(false, batchNormInference(conv, ...norm))).toEqual([]);
    // Of a cotangent, the sums of the gradient.
    const taps = input('taps', [3, 3, 4]);
    leaves.set('taps', randomArray(36, 99));
    const backward = (t: Tensor) => grad(depthwiseConv2d(t, taps, { padding: 'same' }), [x], z);
    const sums = (software: boolean, ...outputs: Tensor[]) =>
      expectSame(outputs, leaves, 'by hand', software).flatMap((t) =>
        t.attrs['gradSummed'] ? t.inputs.map(({ op }) => op.name) : [],
      );
    const read = ['input', 'input', 'batch_norm_coefficients', 'input'];
    expect(sums(false, ...backward(normed(x)))).toEqual(read);
    expect(sums(false, ...backward(normed(x)), normed(x))).toEqual(read);
    expect(sums(true, ...backward(normed(x)))).toEqual([]);
    // A convolution before the batch norm adds nothing; a pass behind the input gradient stands between.
    expect(sums(false, ...backward(relu(normed(x))))).toEqual([]);
  });

  it('ends a convolution by what follows it, as far as that can be an epilogue and nobody else reads it', () => {
    const conv = conv2d(x, filter);
    expect(ops(relu(add(conv, channel)))).toEqual(['conv2d: add channel, relu immediate']);
    expect(ops(add(y, conv))).toEqual(['conv2d: add full']);
    expect(ops(sub(y, conv))).toEqual(['conv2d', 'sub full']);
    expect(ops(relu(conv), conv)).toEqual(['conv2d', 'relu immediate']);
    expect(ops(relu(conv), exp(conv))).toEqual(['conv2d', 'relu immediate', 'exp immediate']);
    expect(ops(add(conv, conv))).toEqual(['conv2d', 'add full']);
    expect(ops(exp(relu(conv)))).toEqual(['conv2d: relu immediate', 'exp immediate']);
    // The stages that are left take the operands that are left.
    expect(ops(mul(exp(add(conv, y)), z))).toEqual(['conv2d: add full', 'exp immediate, mul full']);
    expect(ops(mul(exp(relu(add(conv, y))), z))).toEqual([
      'conv2d: add full, relu immediate',
      'exp immediate, mul full',
    ]);
    expect(ops(mul(mul(conv, sampleChannel), y))).toEqual(['conv2d', 'mul sampleChannel, mul full']);
    // An input gradient, too, where it is a product.
    const [dx] = grad(conv, [x], z);
    expect(ops(add(dx, y))).toEqual(['conv2d_input_grad: add full']);
    const [wide] = grad(conv2d(x, input('wide', [3, 3, 4, 4]), { padding: 'same' }), [x], z);
    leaves.set('wide', randomArray(144, 98));
    expect(ops(add(wide, y))).toEqual(['conv2d_input_grad', 'add full']);
    // Of two convolutions the first takes the sum.
    const other = conv2d(y, filter);
    expect(ops(add(conv, other))).toEqual(['conv2d', 'conv2d: add full']);
  });

  it('computes what is equal once, and keeps apart what only looks equal', () => {
    expect(ops(exp(x), exp(x))).toEqual(['exp immediate']);
    expect(ops(add(exp(x), exp(x)))).toEqual(['exp immediate', 'add full']);
    expect(ops(mul(x, 2), mul(x, 3))).toHaveLength(2);
    expect(ops(mul(x, 0), mul(x, -0))).toHaveLength(2);
    expect(ops(sum(x, [1]), sum(x, [2]))).toHaveLength(2);
    expect(ops(reshape(x, [6, 8]), reshape(x, [8, 6]))).toHaveLength(2);
  });
});
