import { describe, expect, it } from 'vitest';
import { casesOf, drawOperands, makeCase, nameOf, sampledElements } from '../../bench/kernels/cases.ts';
import type { KernelContender } from '../../bench/kernels/contender.ts';
import { kernelAnswers } from '../../bench/kernels/kernel_answers.ts';
import { wholeNetwork } from '../../bench/kernels/layers.ts';
import { measureCase, type KernelEngine } from '../../bench/kernels/measure_case.ts';
import { reference } from '../../bench/kernels/reference.ts';
import type { CaseResult } from '../../bench/kernels/result.ts';
import { openAdapter } from '../../engine/device/adapters.node.ts';
import type { Device } from '../../engine/device/device.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { measureChoice, type Listener, type Opened, type Resume } from '../../web/measure/benchmark.ts';
import { chosenCases, type Settings } from '../../web/measure/choice.ts';
import { DeviceLost, LocalEngine } from '../../web/measure/local_engine.ts';
import { makeReport } from '../../web/measure/report.ts';
import { ADAPTERS } from '../gpu.ts';

const SETTINGS: Settings = {
  layers: 'galaxy_vgg',
  only: 'classifier',
  directions: ['forward', 'input_grad', 'filter_grad'],
  batch: 1,
  repeats: 2,
  tfjs: true,
};

/** An engine whose results are the references', but for `error`; a run takes so many milliseconds. */
function madeUp(
  name: string,
  { milliseconds = 5, error = 0, description = 'made-up adapter', maxStorageBinding = 2 ** 16 } = {},
): KernelEngine {
  const contender: KernelContender = {
    adapter: { vendor: 'none', architecture: 'none', description, software: true },
    maxStorageBinding,
    close() {},
    async prepare(c) {
      const operands = drawOperands(c);
      return {
        kernels: [{ name: 'naive', overrides: {} }],
        compute: async () =>
          c.results.map((result) => {
            const values = new Float32Array(sizeOf(result.shape));
            for (const i of sampledElements(result))
              values[i] = reference(c, operands, result.name)(i).value + (c.layer.group === 'adapter' ? 0 : error);
            return values;
          }),
        run: (times) => new Promise((resolve) => setTimeout(resolve, milliseconds * times, times)),
        gpuTime: () => Promise.resolve(undefined),
        release() {},
      };
    },
  };
  const { answers } = kernelAnswers(() => Promise.resolve(contender));
  return {
    name,
    open: async () => answers.open({ ask: 'open' }),
    ask: async (question) => answers[question.ask](question),
    drop() {},
  };
}

async function measured(
  engines: readonly [KernelEngine, ...KernelEngine[]],
  settings = SETTINGS,
  resume: Resume = { done: 0 },
) {
  const told = {
    cases: [] as CaseResult[],
    notes: [] as string[],
    progress: [] as string[],
    opened: undefined as Opened | undefined,
  };
  const listener: Listener = {
    progress: (text, done, of) => told.progress.push(`${done} ${of} ${text}`),
    note: (text) => told.notes.push(text),
    opened: (opened) => (told.opened = opened),
    measured: (result) => told.cases.push(result),
  };
  await measureChoice(settings, engines, 2, resume, listener);
  return told;
}

describe('the choice of what is measured', () => {
  it('is by default ten layers of different kinds that are all there, and of a network all of its own', () => {
    const quick = chosenCases({ ...SETTINGS, layers: 'quick', only: '', directions: ['forward'] });
    expect(quick).toHaveLength(10);
    expect(new Set(quick.map(({ layer: { kind } }) => kind))).toEqual(
      new Set(['conv2d', 'depthwise_conv2d', 'matmul', 'batch_norm', 'max_pool2d']),
    );
    expect(
      new Set(
        quick
          .filter(({ layer: { kind } }) => /conv/.test(kind))
          .map(({ layer: { w, stride } }) => `${w![0]} /${stride}`),
      ),
    ).toEqual(new Set(['3 /2', '1 /1', '5 /2', '3 /1', '5 /1']));
    const vgg = chosenCases({ ...SETTINGS, only: '', directions: ['input_grad'] }).map(nameOf);
    expect(vgg).toContain('tail.0 input_grad');
    expect(vgg).toContain('galaxy_vgg block1 input_grad');
    expect(vgg).toContain('galaxy_vgg block1.0.bn backward');
    expect(vgg.filter((name) => /forward|filter_grad|vgg16|b0/.test(name))).toEqual([]);
  });
  it.each([
    [{ only: 'nothing' }, 'no layer of this choice has "nothing" in its name'],
    [{ directions: [] }, 'choose at least one direction'],
    [{ batch: 0 }, 'images at once: a whole number from 1 to 256 is needed'],
    [{ repeats: 2.5 }, 'measurements of each: a whole number from 1 to 100'],
    [{ batch: NaN }, 'images at once'],
  ])('is refused with a sentence: %j', (wrong, message) => {
    expect(() => chosenCases({ ...SETTINGS, ...wrong })).toThrow(UserError);
    expect(() => chosenCases({ ...SETTINGS, ...wrong })).toThrow(message);
  });
});

describe('a measurement of made-up engines', () => {
  it('compares them, and reports what follows', async () => {
    const { cases, opened, notes, progress } = await measured([
      madeUp('tuningfork', { milliseconds: 10 }),
      madeUp('tfjs', { milliseconds: 50 }),
    ]);
    expect(notes).toEqual([]);
    expect(progress.filter((text) => /classifier/.test(text))).toEqual([
      '0 3 classifier forward',
      '1 3 classifier input_grad',
      '2 3 classifier filter_grad',
    ]);
    const report = makeReport({
      settings: SETTINGS,
      date: new Date(0),
      browser: 'none',
      opened: opened!,
      cases,
      notes,
    });
    expect(report).toMatchObject({ complete: true, date: '1970-01-01T00:00:00.000Z', engines: ['tuningfork', 'tfjs'] });
    const walls = cases.map(({ outcomes: { tuningfork: ours, tfjs: theirs } }) =>
      ours.status === 'measured' && theirs.status === 'measured'
        ? ours.timing.wall.median / theirs.timing.wall.median
        : NaN,
    );
    expect(report.cases.map(({ ratio }) => ratio)).toEqual(walls);
    expect(report.ratio).toBe(walls.sort((a, b) => a - b)[1]);
    const [c] = report.cases;
    const speed = c.speeds['tuningfork']!;
    expect(speed.gflops).toBeCloseTo(c.flops / speed.milliseconds / 1e6, 12);
    expect(speed.share).toBeCloseTo(
      (Math.max(c.flops / report.roofline.flops, c.bytes / report.roofline.bandwidth) * 1000) / speed.milliseconds,
      12,
    );
    expect(c.wallShares['tfjs']).toBeCloseTo(speed.share * c.ratio!, 10); // by wall time both: there is no GPU time
    expect(
      makeReport({
        settings: SETTINGS,
        date: new Date(0),
        browser: 'none',
        opened: opened!,
        cases: cases.slice(1),
        notes,
      }),
    ).toMatchObject({ complete: false });
  });
  it('does not time a wrong result', async () => {
    const { cases, opened, notes } = await measured([madeUp('tuningfork'), madeUp('tfjs', { error: 1 })]);
    for (const { outcomes } of cases) {
      expect(outcomes['tuningfork'].status).toBe('measured');
      expect(outcomes['tfjs']).toEqual({ status: 'failed', reason: expect.stringMatching(/ differs by /) });
    }
    const report = makeReport({ settings: SETTINGS, date: new Date(0), browser: '', opened: opened!, cases, notes });
    expect(report.ratio).toBeNull();
    expect(report.cases[0].speeds['tfjs']).toBeNull();
  });
  it('leaves out an engine that does not open, or on another adapter, and says so', async () => {
    const missing: KernelEngine = {
      ...madeUp('tfjs'),
      open: () => Promise.reject(new UserError('these pages do not have it')),
    };
    const { cases, notes, opened } = await measured([
      madeUp('tuningfork'),
      missing,
      madeUp('other', { description: 'another' }),
    ]);
    expect(notes).toEqual([
      'tfjs is left out: these pages do not have it',
      'other is left out: it runs on another and not on made-up adapter',
    ]);
    expect(opened!.engines).toEqual(['tuningfork']);
    expect(cases).toHaveLength(3);
  });
  it('draws nothing that the adapter cannot bind', async () => {
    // The filter of 1024 by 2 numbers has 8 KiB.
    const { cases } = await measured([madeUp('tuningfork', { maxStorageBinding: 4096 })]);
    expect(cases.map(({ outcomes }) => outcomes['tuningfork'].status)).toEqual(Array(3).fill('impossible'));
  });
  it('goes on where it was stopped', async () => {
    const roofline = { bandwidth: 1e9, flops: 1e9 };
    const { cases, opened } = await measured([madeUp('tuningfork')], SETTINGS, { done: 2, roofline });
    expect(cases.map(({ direction }) => direction)).toEqual(['filter_grad']);
    expect(opened).toMatchObject({ roofline, cases: 3 });
  });
});

describe('a whole network', () => {
  it('has the multiply-adds of EfficientNet-B0 (Tan & Le 2019: 0.39 billion), and three times as many in training', () => {
    const [forward, training] = casesOf(wholeNetwork(2, 224));
    expect(forward.flops / 2 / 2 / 0.39e9).toBeCloseTo(1, 1);
    expect([training.direction, training.flops]).toEqual(['training', 3 * forward.flops]);
  });
  it('is measured on a real adapter, and others are held against it', async () => {
    const own = new LocalEngine(() => openAdapter(ADAPTERS[0]));
    const losses: number[] = [];
    /** Answers with the losses of this engine, the second off by a factor. */
    const peer = (name: string, factor: number): KernelEngine => ({
      ...madeUp(name),
      ask: (async ({ ask }: { ask: string }) =>
        ask === 'prepare'
          ? { kernels: [], finite: true, samples: [[losses[0]], [losses[1] * factor]] }
          : { wall: 7, cpu: null, gpu: null }) as KernelEngine['ask'],
    });
    const watched: KernelEngine = {
      name: own.name,
      open: () => own.open(),
      drop: () => own.drop(),
      async ask(question) {
        const answer = await own.ask(question);
        if (question.ask === 'prepare') losses.push(...(answer as unknown as { samples: number[][] }).samples.flat());
        return answer;
      },
    };
    const { outcomes } = await measureCase(
      makeCase(wholeNetwork(1, 32), 'training'),
      [watched, peer('same', 1.005), peer('other', 1.02)],
      2,
    );
    own.drop();
    expect(outcomes).toMatchObject({
      tuningfork: { status: 'measured', difference: null },
      same: { status: 'measured', timing: { wall: { median: 7 } } },
      other: { status: 'failed', reason: 'second loss differs by 2.0e-2 relative, 0.01 is allowed' },
    });
    // Of a thousand classes, none known yet: -log(1/1000) and a bit more; Adam makes the second loss another.
    expect(losses[0]).toBeGreaterThan(Math.log(1000) - 1);
    expect(losses[1]).not.toBe(losses[0]);
  });
});

describe('a measurement of this engine', () => {
  it('is right on a real adapter, and a lost device ends it', async () => {
    let device: Device;
    const engine = new LocalEngine(async () => (device = await openAdapter(ADAPTERS[0])));
    const roofline = { bandwidth: 1e10, flops: 1e10 };
    const { cases } = await measured([engine], SETTINGS, { done: 0, roofline });
    for (const {
      outcomes: { tuningfork: outcome },
    } of cases) {
      expect(outcome).toMatchObject({ status: 'measured' });
      if (outcome.status !== 'measured') continue;
      expect(outcome.timing.cpu).toBeNull();
      // Milliseconds both, whatever else the machine does meanwhile.
      expect(outcome.timing.gpu!.min).toBeGreaterThan(0);
      expect(outcome.timing.gpu!.min).toBeLessThan(100 * outcome.timing.wall.max);
    }
    device!.gpu.destroy();
    await expect(measured([engine], SETTINGS, { done: 0, roofline })).rejects.toThrow(DeviceLost);
    engine.drop();
    expect((await measured([engine], SETTINGS, { done: 2, roofline })).cases).toMatchObject([
      { outcomes: { tuningfork: { status: 'measured' } } },
    ]);
    engine.drop();
  });
});
