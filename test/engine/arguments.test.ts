import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { show } from '../../engine/check.ts';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import type { Op, OpSpec } from '../../engine/op.ts';
import { convGeometry } from '../../engine/ops/conv_geometry.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import { Tensor, topologicalOrder, type DType } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import * as library from '../../index.ts';
import { callsOfCompositions } from './calls_of_compositions.ts';
import { callsOfMoves } from './calls_of_moves.ts';

type AnyOp = Op<object>;
type AnySpec = OpSpec<string, object>;

/**
 * Every op that is defined anywhere in engine/ is entered here as it is made: a new one is tested without being named.
 */
const defined: { spec: AnySpec; op: AnyOp }[] = vi.hoisted(() => []);
vi.mock('../../engine/op.ts', async (original) => {
  const actual = await original<typeof import('../../engine/op.ts')>();
  const defineOp = (spec: AnySpec) => {
    const op = actual.defineOp(spec);
    defined.push({ spec, op });
    return op;
  };
  return { ...actual, defineOp };
});

type Exports = Record<string, unknown>;
const exportsOf = await Promise.all(
  readdirSync('engine/ops').map((file) => import(join('../../engine/ops', file)) as Promise<Exports>),
);
const ops: Exports = Object.assign({}, ...exportsOf);

const device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
afterAll(() => device[Symbol.dispose]());

const parameter = (name: string, ...shape: number[]) => new Parameter(device, name, shape).tensor;
let count = 0;
/** An input of a name that no other has. */
const t = (...shape: number[]) => input(`t${count++}`, shape);
const seed = input('seed', [2], 'u32');
const POOL = { size: 2, stride: 2, padding: 0, dilation: 1, ceilMode: false };
const CONV = { stride: 1, padding: 'same', dilation: 1, groups: 1, version: 2 };
const geometry = { ...convGeometry('conv2d', t(2, 4, 4, 4), t(3, 3, 4, 8), {}), version: 2 };
const unary = () => [t(2, 3)];
const binary = () => [t(2, 3), t(2, 3)];

/** A right call of each function that makes a tensor, with every option that it knows. */
const CALLS: Record<string, () => unknown[]> = {
  input: () => ['x', [2, 3], 'f32'],
  constant: () => [1, [2, 3]],
  ones: () => [[2, 3]],
  zeros: () => [[2, 3]],
  reshape: () => [t(2, 3), [3, 2]],
  stopGradient: unary,
  ...callsOfCompositions(t),
  ...callsOfMoves(t),
  ...Object.fromEntries(
    'abs ceil erf exp expm1 floor hardSwish isNaN log log1p logicalNot mish neg reciprocal relu relu6 round selu sigmoid sign silu softplus softsign sqrt square tanh'
      .split(' ')
      .map((f) => [f, unary]),
  ),
  ...Object.fromEntries(
    'add div equal greater greaterEqual less lessEqual logicalAnd logicalOr logicalXor maximum minimum mul notEqual pow rsub sub'
      .split(' ')
      .map((f) => [f, binary]),
  ),
  ...Object.fromEntries(['celu', 'elu', 'leakyRelu', 'thresholdedRelu'].map((f) => [f, () => [t(2, 3), 0.5]])),
  clip: () => [t(2, 3), -1, 1],
  gelu: () => [t(2, 3), { approximate: 'tanh' }],
  hardSigmoid: () => [t(2, 3), 0.2, 0.5],
  prelu: () => [t(2, 3), t(3)],
  where: () => [t(2, 3), t(2, 3), t(2, 3)],
  broadcastTo: () => [t(2, 1), [2, 3]],
  sumTo: () => [t(2, 3), [1, 3]],
  mean: () => [t(2, 3), [0]],
  sum: () => [t(2, 3), [0], 2],
  matmul: () => [t(2, 3), t(3, 4), { transposeA: false, transposeB: false, version: 2 }],
  conv2d: () => [t(2, 4, 4, 4), t(3, 3, 4, 8), CONV],
  conv2dInputGrad: () => [t(2, 2, 2, 8), t(3, 3, 4, 8), geometry],
  conv2dFilterGrad: () => [t(2, 4, 4, 4), t(2, 2, 2, 8), geometry],
  depthwiseConv2d: () => [t(2, 4, 4, 4), t(3, 3, 4), { stride: 1, padding: 'same', dilation: 1, version: 2 }],
  depthwiseConv2dInputGrad: () => [t(2, 2, 2, 4), t(3, 3, 4), t(2, 4, 4, 4), {}],
  depthwiseConv2dFilterGrad: () => [t(2, 4, 4, 4), t(2, 2, 2, 4), t(3, 3, 4), {}],
  batchNorm: () => [t(2, 3), t(3), t(3), { epsilon: 1e-3, activation: 'relu' }],
  batchNormInference: () => [t(4, 3), t(2, 3), t(3), t(3), { epsilon: 1e-3, activation: 'relu' }],
  batchNormStats: unary,
  avgPool2d: () => [t(2, 4, 4, 4), { ...POOL, countIncludePad: true }],
  maxPool2d: () => [t(2, 4, 4, 4), { ...POOL, version: 2 }],
  globalMaxPool: () => [t(2, 4, 4, 4)],
  convTranspose2d: () => [t(2, 4, 4, 8), t(3, 3, 4, 8), { ...CONV, outputPadding: 0 }],
  adaptiveAvgPool2d: () => [t(2, 4, 4, 4), [2, 2]],
  globalAvgPool: () => [t(2, 4, 4, 4)],
  softmaxCrossEntropy: binary,
  dropout: () => [t(2, 3), seed, { rate: 0.5, stream: 1 }],
  dropPath: () => [t(2, 3), seed, { rate: 0.5, stream: 1 }],
  randomUniform: () => [[2, 3], seed, { stream: 1 }],
  augmentImages: () => [input('images', [2, 4, 4], 'u32'), t(2, 6), t(2, 12), { size: 4, taps: 1 }],
  nearestCentre: () => [t(5, 3), t(2, 3)],
  moveCentres: () => [parameter('c', 2, 3), t(5, 3), t(5)],
  seedCentre: () => [parameter('c', 2, 3), parameter('w', 5), t(5, 3), seed],
  adam: () => [
    { w: parameter('w', 3), m: parameter('m', 3), v: parameter('v', 3) },
    t(3),
    t(4),
    t(1),
    { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
  ],
  sgd: () => [
    { w: parameter('w', 3), m: parameter('m', 3) },
    t(3),
    t(2),
    { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
  ],
  adamW: () => CALLS['adam'](),
  rmsprop: () => [
    { w: parameter('w', 3), v: parameter('v', 3), m: parameter('m', 3) },
    t(3),
    t(2),
    { decay: 0.9, momentum: 0, epsilon: 1e-8, weightDecay: 0 },
  ],
  assign: () => [parameter('p', 3), t(3)],
  ema: () => [parameter('p', 3), t(3), 0.5],
  updateRunningStats: () => [parameter('p', 2, 3), t(2, 3), 4, 0.5],
  row: () => [t(2, 3), 1],
  guard: () => [[t(2, 3), t(4)]],
  lossScale: () => [parameter('s', 2), t(1), 10],
  adamHyper: () => [t(1), t(2), { beta1: 0.9, beta2: 0.999 }],
};
/** Calls of functions above that come to other ops. */
const OTHER_CALLS: readonly [string, () => unknown[]][] = [
  ['matmul', () => [t(2, 2, 3), t(2, 3, 4)]],
  ['rmsprop', () => [Object.fromEntries(['w', 'v', 'm', 'a'].map((s) => [s, parameter(s, 3)])), t(3), t(2)]],
];
const call = (name: string, args: readonly unknown[]) => (ops[name] as (...args: unknown[]) => unknown)(...args);
const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;
const isOptions = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
/** What a call makes: tensors. */
const tensorsOf = (made: unknown): Tensor[] => (isTensor(made) ? [made] : (Object.values(made as object) as Tensor[]));
const replaced = (args: readonly unknown[], i: number, value: unknown) => args.map((arg, k) => (k === i ? value : arg));
/** The message of the UserError that a call ends with; undefined where it gives tensors. */
function refusal(name: string, args: readonly unknown[]): string | undefined {
  let made: unknown;
  try {
    made = call(name, args);
  } catch (error) {
    expect(error, `${name}(${args.map(show).join(', ')})`).toBeInstanceOf(UserError);
    return (error as UserError).message;
  }
  for (const tensor of tensorsOf(made)) expect(isTensor(tensor)).toBe(true);
  return undefined;
}

describe('the table of calls', () => {
  it('has every op of the library', () => {
    const isOp = (value: unknown) => typeof value === 'function' && 'mutates' in value;
    const functions = Object.entries(library).filter(
      ([name, value]) => typeof value === 'function' && ops[name] === value && !isOp(value),
    );
    expect(functions.length).toBeGreaterThan(45);
    expect(functions.map(([name]) => name).filter((name) => !(name in CALLS))).toEqual([]);
  });

  it('reaches every op that users can', () => {
    const reached = new Set(
      [...Object.entries(CALLS), ...OTHER_CALLS].flatMap(([name, args]) =>
        topologicalOrder(tensorsOf(call(name, args()))).map(({ op }) => op),
      ),
    );
    const rest = defined.filter(({ op }) => !reached.has(op)).map(({ spec }) => spec.name);
    // Those are made by vjps and by the compiler only.
    for (const name of rest)
      expect(name).toMatch(
        /_grad$|_sums$|_fold$|^batch_norm_pool$|^batch_norm_coefficients$|^place_row$|^adam_hyper_scaled$|^sum_of_products$|^input$/,
      );
  });

  it.each(Object.keys(CALLS))('is right: %s', (name) => {
    expect(refusal(name, CALLS[name]())).toBeUndefined();
  });
});

describe('dtypes', () => {
  const cases = defined.flatMap(({ spec, op }) =>
    spec.inputs.flatMap((given, i) =>
      (['f32', 'u32'] as const).map((dtype) => ({
        op,
        spec,
        i,
        dtype,
        title: `${spec.name} with ${dtype} as ${given}`,
      })),
    ),
  );
  const takenBy = ({ takes = {}, inputs }: AnySpec, i: number): DType | 'any' => takes[inputs[i]] ?? 'f32';

  it('are declared by every op, of which there are dozens', () => expect(defined.length).toBeGreaterThan(45));

  it.each(cases)('$title is taken where declared, else refused by name', ({ op, spec, i, dtype }) => {
    const wanted = takenBy(spec, i);
    const tensors = spec.inputs.map((_, k) => {
      const right = takenBy(spec, k);
      return input(`operand ${k}`, [2], k === i ? dtype : right === 'any' ? 'f32' : right);
    });
    let message = '';
    try {
      op(tensors, { stages: [{ op: 'add', mode: 'full' }] });
    } catch (error) {
      // Shapes and attributes are wrong on purpose: whatever is found there is found later.
      message = (error as Error).message;
    }
    if (wanted === dtype || wanted === 'any') expect(message).not.toMatch(/it takes (f32|u32), and/);
    else expect(message).toMatch(new RegExp(`^\\w+: it takes ${wanted}, and operand ${i} is ${dtype} \\[2\\]$`));
  });

  it.each(Object.keys(CALLS))(
    'the other one is refused for each tensor of %s, unless it only moves numbers',
    (name) => {
      const takesAny = [
        'reshape',
        'stopGradient',
        'transpose',
        'slice',
        'split',
        'pad',
        'depthToSpace',
        'spaceToDepth',
        'cast',
      ];
      const args = CALLS[name]();
      args.forEach((arg, i) => {
        if (!isTensor(arg) || arg.op.name === 'parameter') return;
        const other = input(arg.name!, arg.shape, arg.dtype === 'f32' ? 'u32' : 'f32');
        const message = refusal(name, replaced(args, i, other));
        // The third of these is asked for its shape only.
        if (name.startsWith('depthwiseConv2d') && name.endsWith('Grad') && i === 2 && message === undefined) return;
        if (takesAny.includes(name)) expect(message).toBeUndefined();
        else
          expect(message).toBe(
            `${message?.split(':')[0]}: it takes ${arg.dtype}, and ${arg.name} is ${other.dtype} [${arg.shape.join(', ')}]`,
          );
      });
    },
  );

  it('are kept by views, and every u32 that a kernel binds is a u32 of the graph', async () => {
    expect([call('reshape', [seed, [2, 1]]), call('stopGradient', [seed])].map((v) => (v as Tensor).dtype)).toEqual([
      'u32',
      'u32',
    ]);
    let bound = 0;
    for (const [name, args] of Object.entries(CALLS)) {
      const made = tensorsOf(call(name, args()));
      const updates = made.filter(({ op }) => op.mutates.length > 0);
      using program = await compile(device, {
        outputs: made.filter((m) => !updates.includes(m)),
        updates,
        keep: 'all',
      });
      for (const { launch, buffers, tensor } of program.steps) {
        for (const [k, operand] of tensor.inputs.entries()) {
          // Guards are looked at by their bits.
          const names = Object.keys(buffers).filter(
            (b) => b === tensor.op.inputs[k] && b !== 'guard' && name !== 'guard',
          );
          for (const b of names) {
            const type = new RegExp(`\\b${b}: array<(\\w+)`).exec(launch.kernel.code)?.[1];
            expect(type === 'u32', `${name}: ${b} is array<${type}>`).toBe(operand.dtype === 'u32');
            bound++;
          }
        }
      }
    }
    expect(bound).toBeGreaterThan(50);
  });
});

const WRONG: readonly unknown[] = [
  undefined,
  null,
  'text',
  NaN,
  Infinity,
  -1,
  0.5,
  2 ** 60,
  true,
  7n,
  {},
  [],
  [NaN],
  [-1],
  [0.5],
  [1, 2, 3, 4, 5],
  ['a'],
  [undefined],
  new Float32Array(2),
  { tensor: 1 },
  () => 1,
];

describe('arguments of the wrong kind', () => {
  it.each(Object.keys(CALLS))('get a sentence: %s', (name) => {
    const args = CALLS[name]();
    args.forEach((arg, i) => {
      for (const wrong of [...WRONG, new Parameter(device, 'p', [2])]) {
        const message = refusal(name, replaced(args, i, wrong));
        // A number is an operand of arithmetic and of a choice, a list names indices; nothing else stands for a tensor.
        const isOperand = i > 0 && (args.length === 2 || name === 'where');
        const standsForTensor =
          name === 'gather' ? i === 1 && Array.isArray(wrong) : isOperand && typeof wrong === 'number';
        const isLeftOut = wrong === undefined && i > 0 && ['layerNorm', 'rmsNorm'].includes(name);
        if (isTensor(arg) && !standsForTensor && !isLeftOut)
          expect(message, `${name}: ${String(wrong)} as argument ${i}`).toMatch(/^\w+: /);
      }
    });
    refusal(name, []);
  });

  it('says where the tensor of a parameter is meant', () => {
    expect(refusal('add', [t(2), new Parameter(device, 'p', [2])])).toMatch(/a Parameter; give its tensor/);
  });

  it.each([[[2, NaN]], [[0, 4]], [[0]], [[-1]], [[1.5]], ['2'], [2], [null], [[2, undefined]], [[Infinity]], [[[2]]]])(
    'sizes such as %j are no shape',
    (shape) => {
      for (const [name, args] of [
        ['input', ['x', shape]],
        ['constant', [1, shape]],
        ['reshape', [t(2, 3), shape]],
        ['broadcastTo', [t(1), shape]],
        ['sumTo', [t(2, 3), shape]],
        ['randomUniform', [shape, seed, { stream: 0 }]],
      ] as const)
        expect(refusal(name, args)).toMatch(/^\w+.*: a shape is a list of whole numbers from 1 on, not /);
      expect(() => new Parameter(device, 'p', shape as number[])).toThrow(/parameter p: a shape is a list/);
    },
  );

  it('are refused by grad and by compile', async () => {
    const { buffers } = device.memory;
    const [x, y] = [t(2), call('sum', [t(2)]) as Tensor];
    const wrong = grad as unknown as (...args: unknown[]) => unknown;
    expect(() => wrong(y, x)).toThrow(/grad: it takes a list of the tensors/);
    expect(() => wrong(y, [null])).toThrow(/grad: tensor 0 .*must be a tensor, and is null/);
    expect(() => wrong(null, [x])).toThrow(UserError);
    expect(() => wrong(call('stopGradient', [seed]), [x], seed)).toThrow(/only f32 has gradients/);
    const compileWrongly = (spec: unknown) => compile(device, spec as Parameters<typeof compile>[1]);
    await expect(compileWrongly({ outputs: y })).rejects.toThrow(/outputs must be a list of tensors, not a Tensor/);
    await expect(compileWrongly({ outputs: [null] })).rejects.toThrow(/number 0 of outputs must be a tensor/);
    await expect(compileWrongly([y])).rejects.toThrow(/options must be an object/);
    await expect(compileWrongly({ output: [y] })).rejects.toThrow(
      /compile: there is no option output; it knows outputs/,
    );
    await expect(compileWrongly({ outputs: [y], precision: 'f8' })).rejects.toThrow(/precision must be "f32" or "f16"/);
    await expect(compileWrongly({ outputs: [y], recompute: 'low' })).rejects.toThrow(/recompute must be/);
    await expect(compileWrongly({ outputs: [y], keep: 'none' })).rejects.toThrow(/keep must be/);
    expect(device.memory.buffers).toBe(buffers);
  });
});

describe('options', () => {
  const withOptions = Object.entries(CALLS).flatMap(([name, args]) => {
    const i = args().findIndex((arg, k) => isOptions(arg) && k === args().length - 1);
    return i < 0 ? [] : [{ name, args, i }];
  });

  it.each(withOptions)('that $name does not know are errors', ({ name, args, i }) => {
    const given = args();
    for (const unknown of ['dilations', 'Stride', 'colour', 'toString', ''])
      expect(refusal(name, replaced(given, i, { ...(given[i] as object), [unknown]: 2 }))).toMatch(
        `: there is no option ${unknown}; it knows `,
      );
  });

  it.each(withOptions)('of $name with wrong values are errors', ({ name, args, i }) => {
    const given = args();
    for (const option of Object.keys(given[i] as object))
      for (const wrong of [null, 'text', NaN, -1, {}, [1, 2, 3], 7n])
        expect(
          refusal(name, replaced(given, i, { ...(given[i] as object), [option]: wrong })),
          `${name}: ${option} ${String(wrong)}`,
        ).toMatch(/^\w+: /);
  });

  it('are taken by no op that would ignore them', () => {
    expect(refusal('maxPool2d', [t(1, 5, 5, 4), { size: 2, countIncludePad: true }])).toBe(
      'max_pool2d: there is no option countIncludePad; it knows size, stride, padding, dilation, ceilMode, version',
    );
  });
});
