import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import type { BufferRef, Step } from '../../engine/op.ts';
import { assign, ema } from '../../engine/ops/assign.ts';
import { input, reshape, stopGradient } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, exp, maximum, minimum, mul, relu, sigmoid, square, sub } from '../../engine/ops/pointwise.ts';
import { row } from '../../engine/ops/row.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import type { LoweredStep, VirtualBuffer } from '../../engine/program/lower.ts';
import { planMemory } from '../../engine/program/plan.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray, uniform } from '../random.ts';

describe('the memory plan', () => {
  /** A step of a kernel that reads some buffers and writes the last. */
  const stepOn = (...refs: number[]) =>
    ({
      buffers: Object.fromEntries(refs.map((ref, i) => [`b${i}`, ref as BufferRef])),
      launch: {
        kernel: {
          bindings: refs.map((_, i) => ({
            name: `b${i}`,
            binding: i,
            kind: i === refs.length - 1 ? 'read_write' : 'read',
          })),
        },
      },
    }) as unknown as LoweredStep;
  const buffersOf = (bytes: readonly number[]) =>
    bytes.map((n, i): VirtualBuffer => ({ ref: i as BufferRef, bytes: n, dtype: 'f32', kind: 'temporary' }));

  /** Steps that each touch some of a set of temporaries, drawn at random. */
  function randomProgram(seed: number) {
    const random = uniform(seed);
    const upTo = (n: number) => Math.floor(random() * n);
    const buffers = buffersOf(Array.from({ length: 3 + upTo(30) }, () => 16 * (1 + upTo(50)))).map(
      (b): VirtualBuffer => (random() < 0.9 ? b : { ...b, kind: 'kept' }),
    );
    const steps = Array.from({ length: 1 + upTo(40) }, () =>
      stepOn(...new Set(Array.from({ length: 1 + upTo(4) }, () => upTo(buffers.length)))),
    );
    return { steps, buffers };
  }
  const touches = (step: Step, ref: BufferRef) => Object.values(step.buffers).includes(ref);
  const writes = ({ launch, buffers }: Step, ref: BufferRef) =>
    launch.kernel.bindings.some(({ name, kind }) => kind === 'read_write' && buffers[name] === ref);

  it('never lets two that live at once overlap, nor share a buffer in a step that writes one, and needs no less than the bound', () => {
    let sharing = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { steps, buffers } = randomProgram(seed);
      const align = 32;
      const { placeOf, slotBytes, lowerBound } = planMemory({ steps, buffers }, align);
      const lives = buffers.flatMap(({ ref, bytes, kind }) => {
        const at = steps.flatMap((step, i) => (touches(step, ref) ? [i] : []));
        return at.length > 0 && kind === 'temporary' ? [{ ref, bytes, first: at[0], last: at[at.length - 1] }] : [];
      });
      expect([...placeOf.keys()].sort((a, b) => a - b)).toEqual(lives.map(({ ref }) => ref));
      for (const a of lives) {
        const { slot, offset } = placeOf.get(a.ref)!;
        expect(offset % align).toBe(0);
        expect(slotBytes[slot]).toBeGreaterThanOrEqual(offset + a.bytes);
        for (const b of lives) {
          const other = placeOf.get(b.ref)!;
          if (a.ref >= b.ref || slot !== other.slot || a.first > b.last || b.first > a.last) continue;
          sharing++;
          expect(
            offset + a.bytes <= other.offset || other.offset + b.bytes <= offset,
            `seed ${seed}: ${a.ref} and ${b.ref} overlap`,
          ).toBe(true);
          const clash = steps.find(
            (step) => touches(step, a.ref) && touches(step, b.ref) && (writes(step, a.ref) || writes(step, b.ref)),
          );
          expect(clash, `seed ${seed}: ${a.ref} and ${b.ref} share a buffer`).toBeUndefined();
        }
      }
      const alive = steps.map((_, i) =>
        lives.filter(({ first, last }) => first <= i && i <= last).reduce((n, { bytes }) => n + bytes, 0),
      );
      expect(lowerBound).toBe(Math.max(...alive));
      expect(slotBytes.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(lowerBound);
    }
    expect(sharing).toBeGreaterThan(50);
  });

  it('reuses: a long chain needs two buffers', () => {
    const steps = Array.from({ length: 11 }, (_, i) => stepOn(i, i + 1));
    expect(planMemory({ steps, buffers: buffersOf(Array<number>(12).fill(64)) })).toMatchObject({
      slotBytes: [64, 64],
      lowerBound: 128,
    });
  });

  it('puts two small ones side by side where a large one was', () => {
    // 0 -> 1; then 2 and 3 are made from nothing, and read together for 4.
    const steps = [stepOn(0, 1), stepOn(2), stepOn(3), stepOn(2, 3, 4)];
    const { slotBytes, lowerBound } = planMemory({ steps, buffers: buffersOf([1024, 256, 512, 512, 256]) });
    expect(slotBytes).toEqual([1024, 256]);
    expect(lowerBound).toBe(1280);
  });
});

describe('compiling', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  });
  afterAll(() => device[Symbol.dispose]());
  const steps = async (...outputs: Parameters<typeof compile>[1]['outputs'] & object) => {
    using program = await compile(device, { outputs });
    return program.steps.map(({ tensor }) => tensor.op.name);
  };

  it('computes equal expressions once, and different ones twice', async () => {
    const [x, y] = [input('x', [4, 4]), input('y', [4, 4])];
    expect(await steps(matmul(x, y), matmul(x, y))).toEqual(['matmul']);
    expect(await steps(matmul(exp(x), y), matmul(exp(x), y))).toEqual(['pointwise', 'matmul']);
    expect(await steps(matmul(x, y), matmul(y, x))).toEqual(['matmul', 'matmul']);
    expect(await steps(matmul(x, y), matmul(x, y, { transposeB: true }))).toEqual(['matmul', 'matmul']);
    expect(await steps(mul(x, 2), mul(x, 3))).toHaveLength(2);
    // Numbers that JSON cannot tell apart.
    expect(await steps(maximum(x, Infinity), maximum(x, -Infinity))).toHaveLength(2);
    expect(await steps(mul(x, 0), mul(x, -0))).toHaveLength(2);
  });

  it('fuses chains of pointwise ops, and never what is asked for', async () => {
    const x = input('x', [8, 4]);
    const middle = mul(x, 2);
    expect(await steps(exp(add(middle, 1)))).toEqual(['pointwise']);
    expect(await steps(exp(add(middle, 1)), middle)).toEqual(['pointwise', 'pointwise']);
  });

  it('refuses what is no update, and inputs of one name', async () => {
    const x = input('x', [4]);
    await expect(compile(device, { updates: [exp(x)] })).rejects.toThrow(/is no update/);
    await expect(compile(device, { outputs: [add(x, input('x', [4]))] })).rejects.toThrow(/two inputs are named x/);
    expect(device.memory.buffers).toBe(0);
  });

  it('refuses updates that each read what the other overwrites, and reading a parameter through its update', async () => {
    using a = new Parameter(device, 'a', [4], new Float32Array(4));
    using b = new Parameter(device, 'b', [4], new Float32Array(4));
    const swap = compile(device, { updates: [assign(a.tensor, b.tensor), assign(b.tensor, a.tensor)] });
    await expect(swap).rejects.toThrow(UserError);
    await expect(swap).rejects.toThrow(/a.*b|b.*a/);
    const set = assign(a.tensor, input('x', [4]));
    await expect(compile(device, { outputs: [exp(set)], updates: [set] })).rejects.toThrow(/update/);
  });

  it('refuses feeds that are missing, unknown, of the wrong length or no numbers, naming the input', async () => {
    const y = add(input('x', [2, 3]), row(input('n', [2, 1], 'f32'), 0));
    using program = await compile(device, { outputs: [y] });
    const [x, n] = [new Float32Array(6), new Float32Array(2)];
    expect(() => program.run({ x })).toThrow(/no value for input n/);
    expect(() => program.run({ x, n, z: n })).toThrow(/no input z; it has .*x/);
    expect(() => program.run({ x: n, n })).toThrow(/input x.*holds 6 numbers and was given 2/);
    expect(() => program.run({ x, n: '12' as unknown as number })).toThrow(/input n.*an array of 2 numbers, not "12"/);
    expect(() => program.run({ x, n: 1 })).toThrow(UserError);
    expect(program.hasInput('n') && !program.hasInput('z')).toBe(true);
    await expect(program.read(input('other', [1]))).rejects.toThrow(/not among the program's outputs/);
  });
});

describeAdapters('a program', (device) => {
  it('updates after every reader of the old value, whatever the order of making', async () => {
    using p = new Parameter(device(), 'p', [4], Float32Array.of(1, 2, 3, 4));
    using q = new Parameter(device(), 'q', [4], new Float32Array(4));
    using r = new Parameter(device(), 'r', [2, 2], new Float32Array(4));
    const x = input('x', [4]);
    // p is overwritten by the first update made, read by the second and the third (through a view), and by an op made
    // last.
    const updates = [
      assign(p.tensor, mul(x, 2)),
      ema(q.tensor, p.tensor, 0.5),
      assign(r.tensor, reshape(p.tensor, [2, 2])),
    ];
    const late = square(p.tensor);
    using program = await compile(device(), { outputs: [late], updates });
    program.run({ x: Float32Array.of(10, 20, 30, 40) });
    expect([...(await program.read(late))]).toEqual([1, 4, 9, 16]);
    expect([...(await p.read())]).toEqual([20, 40, 60, 80]);
    expect([...(await q.read())]).toEqual([0.5, 1, 1.5, 2]);
    expect([...(await r.read())]).toEqual([1, 2, 3, 4]);
    program.run({ x: new Float32Array(4) });
    expect([...(await q.read())]).toEqual([10.25, 20.5, 30.75, 41]);
    expect([...(await r.read())]).toEqual([20, 40, 60, 80]);
  });

  it('makes two updates that are alike both', async () => {
    using p = new Parameter(device(), 'p', [3], Float32Array.of(0, 8, -8));
    const x = input('x', [3]);
    const half = () => ema(p.tensor, x, 0.5);
    using program = await compile(device(), { updates: [half(), half()] });
    program.run({ x: Float32Array.of(16, 16, 16) });
    // Half of the way, and half of what is left.
    expect([...(await p.read())]).toEqual([12, 14, 10]);
  });

  it('shares parameters with other programs', async () => {
    using p = new Parameter(device(), 'p', [3], Float32Array.of(1, 2, 3));
    const [x, y] = [input('x', [3]), mul(p.tensor, 10)];
    using writer = await compile(device(), { updates: [assign(p.tensor, add(p.tensor, x))] });
    using reader = await compile(device(), { outputs: [y] });
    for (let i = 0; i < 3; i++) writer.run({ x: Float32Array.of(1, 1, 1) });
    reader.run();
    expect([...(await reader.read(y))]).toEqual([40, 50, 60]);
  });

  it('gives views as outputs, of inputs, parameters and values, and keeps what they look at', async () => {
    using p = new Parameter(device(), 'p', [2, 2], Float32Array.of(1, 2, 3, 4));
    const x = input('x', [4]);
    const doubled = mul(x, 2);
    const outputs = [
      reshape(x, [2, 2]),
      reshape(p.tensor, [4]),
      stopGradient(reshape(doubled, [4, 1])),
      sum(exp(doubled)),
      x,
    ];
    const got = await evaluate(device(), outputs, { x: Float32Array.of(0, 1, 0, 1) });
    expect([...got[0]]).toEqual([0, 1, 0, 1]);
    expect([...got[1]]).toEqual([1, 2, 3, 4]);
    expect([...got[2]]).toEqual([0, 2, 0, 2]);
    expect(got[3][0]).toBeCloseTo(2 + 2 * Math.exp(2), 4);
    expect([...got[4]]).toEqual([0, 1, 0, 1]);
  });

  it('keeps every value readable when asked to, with the results of the fused one', async () => {
    const [x, w] = [input('x', [8, 16]), input('w', [16, 4])];
    const feeds = { x: randomArray(x.size, 1), w: randomArray(w.size, 2) };
    const product = matmul(x, w);
    const centred = sub(product, mean(product, [0]));
    const gate = sigmoid(add(centred, 1));
    const y = relu(minimum(mul(centred, gate), 0.5));
    using all = await compile(device(), { outputs: [y], keep: 'all' });
    all.run(feeds);
    const got = Object.fromEntries(
      await Promise.all(
        Object.entries({ product, centred, gate, y }).map(async ([name, t]) => [name, await all.read(t)] as const),
      ),
    );
    const want = await evaluate(device(), [product], feeds);
    expect(got.product).toEqual(want[0]);
    got.centred.forEach((c, i) => expect(got.gate[i]).toBeCloseTo(1 / (1 + Math.exp(-(c + 1))), 6));
    got.y.forEach((v, i) => expect(v).toBeCloseTo(Math.max(0, Math.min(0.5, got.centred[i] * got.gate[i])), 6));
    const [fused] = await evaluate(device(), [y], feeds);
    fused.forEach((v, i) => expect(v).toBeCloseTo(got.y[i], 6));
  });

  it('broadcasts repeated operands in a fused chain as NumPy does', async () => {
    const shapes = {
      full: [2, 3, 2, 4],
      channel: [4],
      sample: [2, 1, 1, 1],
      sampleChannel: [2, 1, 1, 4],
      row: [1, 3, 1, 1],
    };
    const t = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]));
    const feeds = Object.fromEntries(Object.values(t).map((x, i) => [x.name!, randomArray(x.size, i)]));
    const y = add(mul(sub(t.channel, mul(t.full, t.sampleChannel)), t.sample), t.row);
    const [got] = await evaluate(device(), [y], feeds);
    got.forEach((v, i) => {
      const [n, h, c] = [Math.floor(i / 24), Math.floor(i / 8) % 3, i % 4];
      expect(v).toBeCloseTo(
        (feeds.channel[c] - feeds.full[i] * feeds.sampleChannel[n * 4 + c]) * feeds.sample[n] + feeds.row[h],
        5,
      );
    });
  });
});
