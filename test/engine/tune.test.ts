import { describe, expect, it } from 'vitest';
import type { Device } from '../../engine/device/device.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import { fastest, tune, tuningTasks, type Trial } from '../../engine/program/tune.ts';
import { TuningTable, hashOf, taskOf, type Tuned } from '../../engine/tuning.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Choice, Choices, KernelSource } from '../../kernels/kernel.ts';
import { describeAdapters } from '../gpu.ts';

/** How a made-up candidate behaves: what it gives, and the milliseconds of its runs, the last again and again. */
interface Made {
  readonly gives?: readonly number[];
  readonly takes: readonly number[];
}

const RESULT = [3, 4, 5];

/** Candidates `{ n: 0 }`, `{ n: 1 }`, .. and how to open them; counts those that are open. */
function madeUp(candidates: readonly (Made | 'broken')[], roundings = 0) {
  const open = { count: 0 };
  const runs = new Map<number, number>();
  const choices: Choices = { kernels: [], candidates: candidates.map((_, n) => ({ n })), roundings };
  const start = async ({ n }: Choice): Promise<Trial> => {
    const made = candidates[n];
    if (made === 'broken') throw new Error('does not compile');
    open.count++;
    return {
      result: async () => Float32Array.from(made.gives ?? RESULT),
      async time() {
        const run = runs.get(n) ?? 0;
        runs.set(n, run + 1);
        return made.takes[Math.min(run, made.takes.length - 1)];
      },
      [Symbol.dispose]: () => void open.count--,
    };
  };
  return { choices, start, open };
}

describe('the choice among candidates', () => {
  const choose = async (candidates: readonly (Made | 'broken')[], roundings = 0) => {
    const { choices, start, open } = madeUp(candidates, roundings);
    const found = await fastest(choices, start);
    expect(open.count, 'trials left open').toBe(0);
    return found!;
  };

  it('falls on the fastest', async () => {
    expect(await choose([{ takes: [10] }, { takes: [8] }, { takes: [4] }, { takes: [6] }])).toEqual({
      choice: { n: 2 },
      before: 10,
      after: 4,
      refused: [],
    });
  });

  it('stays with the default where nothing is clearly faster', async () => {
    expect(await choose([{ takes: [10] }, { takes: [9.8] }, { takes: [11] }])).toEqual({
      choice: { n: 0 },
      before: 10,
      after: 10,
      refused: [],
    });
    // Fast when it was looked at, slow when it was held against the default.
    expect(await choose([{ takes: [10] }, { takes: [3, 3, 10] }])).toMatchObject({ choice: { n: 0 } });
    // Faster once in seven.
    expect(await choose([{ takes: [10] }, { takes: [5, 5, 10, 10, 5, 10, 10] }])).toMatchObject({ choice: { n: 0 } });
  });

  it('never falls on one that gives something else, however fast', async () => {
    const wrong = [
      [3, 4, 5.001],
      [3, 4, NaN],
      [3, 4, -5],
      [0, 0, 0],
    ];
    const { choice, refused } = await choose([
      { takes: [10] },
      ...wrong.map((gives) => ({ gives, takes: [1] })),
      'broken',
      { takes: [8] },
    ]);
    expect(choice).toEqual({ n: 6 });
    expect(refused.map((r) => r.choice.n)).toEqual([1, 2, 3, 4, 5]);
    expect(refused[0].why).toMatch(/gives 5\.00\d* for element 2, and the default gives 5/);
    expect(refused[4].why).toBe('does not compile');
  });

  it('allows for the roundings that the candidates may differ in, and for no more', async () => {
    const gives = [3, 4, 5 * (1 + 1000 * 2 ** -24)];
    expect(await choose([{ takes: [10] }, { gives, takes: [1] }], 100)).toMatchObject({
      choice: { n: 1 },
      refused: [],
    });
    expect((await choose([{ takes: [10] }, { gives, takes: [1] }], 10)).choice).toEqual({ n: 0 });
  });

  it('is left open where time is over', async () => {
    const { choices, start, open } = madeUp([{ takes: [10] }, { takes: [1] }]);
    let looks = 0;
    expect(await fastest(choices, start, () => looks++ > 0)).toBeUndefined();
    expect(open.count).toBe(0);
  });
});

const TUNED: Tuned = { choice: { lanes: 8, columns: 16 }, kernels: 'ab.cd', before: 2.5, after: 1.25 };

describe('a table of tunings', () => {
  it('comes back from text as it was', () => {
    const table = new TuningTable();
    table.set('a', 'x', TUNED);
    table.set('a', 'y', { ...TUNED, after: 2.5 });
    table.set('b', 'x', { ...TUNED, choice: {} });
    const back = TuningTable.parse(String(table), 'it');
    expect([...back.entries()]).toEqual([...table.entries()]);
    expect(back.size).toBe(3);
    expect([...back.only('a').entries()].map(({ task }) => task)).toEqual(['x', 'y']);
    expect(String(TuningTable.parse(String(new TuningTable()), 'it'))).toBe(String(new TuningTable()));
  });

  it('knows nothing of another adapter, task or kernel', () => {
    const table = new TuningTable();
    table.set('a', 'x', TUNED);
    expect(table.on('a').find('x', 'ab.cd')).toEqual(TUNED.choice);
    expect([
      table.on('b').find('x', 'ab.cd'),
      table.on('a').find('y', 'ab.cd'),
      table.on('a').find('x', 'ab.ce'),
    ]).toEqual([undefined, undefined, undefined]);
  });

  const text = (() => {
    const table = new TuningTable();
    table.set('a', 'x', TUNED);
    return String(table);
  })();
  it.each([
    ['nothing', ''],
    ['half of it', text.slice(0, text.length >> 1)],
    ['another file', '{"name": "tuningfork"}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['another version', text.replace('tuning 1', 'tuning 99')],
    ['a choice of text', text.replace('16', '"16"')],
    ['a time of nothing', text.replace('1.25', 'null')],
    ['no hash', text.replace('"ab.cd"', '7')],
    ['an adapter of nothing', '{"format": "tuningfork tuning 1", "adapters": {"a": null}}'],
    ['an entry of nothing', '{"format": "tuningfork tuning 1", "adapters": {"a": {"x": null}}}'],
  ])('refuses %s in a sentence that names the source', (_, damaged) => {
    expect(() => TuningTable.parse(damaged, 'tuning.json')).toThrow(UserError);
    expect(() => TuningTable.parse(damaged, 'tuning.json')).toThrow(/^tuning\.json holds no tuning: /);
  });
});

/** The same product twice, and another. */
const graph = () => {
  const [x, w, v] = [input('x', [40, 24]), input('w', [24, 24]), input('v', [24, 24])];
  return { outputs: [matmul(matmul(x, w), v), matmul(w, mul(v, 2)), matmul(v, w)] };
};

describe('a program', () => {
  const tables = async (device: Device) => {
    using program = await compile(device, graph());
    const [task] = tuningTasks(program);
    const other = task.choices.candidates[1];
    return { name: task.name, kernels: hashOf(task.choices), usual: task.choices.candidates[0], other };
  };
  const taken = async (device: Device, choice: Choice, kernels: string, adapter = device.identity) => {
    const { name } = await tables(device);
    const tuned = Object.create(device, { tuning: { value: new TuningTable() } }) as Device;
    tuned.tuning.set(adapter, name, { choice, kernels, before: 2, after: 1 });
    using program = await compile(tuned, graph());
    return program.choicePoints.filter((point) => taskOf(point.tensor) === name).map((point) => point.choice);
  };

  it("takes what the device's table says of its adapter and kernels, if there is such a candidate, and else the default", async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const { kernels, usual, other } = await tables(device);
    expect(other).not.toEqual(usual);
    expect(await taken(device, other, kernels)).toEqual([other, other]);
    expect(await taken(device, other, 'of older kernels')).toEqual([usual, usual]);
    expect(await taken(device, other, kernels, 'another adapter')).toEqual([usual, usual]);
    expect(await taken(device, { ...other, lanes: 7 }, kernels)).toEqual([usual, usual]);
  });

  it('has equal work as one task', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    using program = await compile(device, graph());
    expect(tuningTasks(program).map(({ count, tensor }) => [count, tensor.shape])).toEqual([
      [2, [40, 24]],
      [2, [24, 24]],
    ]);
  });

  it("is tuned by the hash of its kernels' text", () => {
    const kernel = (hash: string) => ({ hash }) as KernelSource;
    expect(hashOf({ kernels: [kernel('a'), kernel('b')], candidates: [], roundings: 0 })).not.toBe(
      hashOf({ kernels: [kernel('a'), kernel('c')], candidates: [], roundings: 0 }),
    );
  });
});

describeAdapters('tuning', (device) => {
  const collect = async (
    on: Device,
    program: Program,
    table: TuningTable,
    options: Parameters<typeof tune>[3] = {},
  ) => {
    const found = [];
    for await (const result of tune(on, program, table, options)) found.push(result);
    return found;
  };
  // Candidates that differ in a uniform, so that one pipeline does for all.
  const small = () => ({ outputs: [mul(input('x', [128, 128]), input('c', [128]))] });

  it('measures every task once, trusts all candidates, and goes on where it stopped', async () => {
    const table = new TuningTable();
    using program = await compile(device(), small());
    const found = await collect(device(), program, table);
    expect(found.map(({ task, refused }) => [task.count, refused])).toEqual([[1, []]]);
    expect(found[0].task.choices.candidates).toContainEqual(found[0].choice);
    expect(table.get(device().identity, found[0].task.name, found[0].kernels)).toMatchObject({
      choice: found[0].choice,
    });
    expect(await collect(device(), program, table)).toEqual([]);
  });

  it('ends when its budget does, by the clock that it is given', async () => {
    using program = await compile(device(), small());
    let now = 0;
    expect(await collect(device(), program, new TuningTable(), { clock: () => (now += 1000), budget: 3000 })).toEqual(
      [],
    );
  });

  it('takes the wall where there are no timestamps', async () => {
    const without = Object.create(device(), { hasTimestamps: { value: false } }) as Device;
    using program = await compile(without, small());
    let now = 0;
    // Each look at the clock is 6 ms later: every run takes as long.
    const found = await collect(without, program, new TuningTable(), { clock: () => (now += 6) });
    expect(found).toMatchObject([{ refused: [] }]);
    expect(found[0].before).toBe(found[0].after);
  });
});
