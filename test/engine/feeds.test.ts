import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { numbersFor, type Numbers } from '../../engine/device/numbers.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { assign } from '../../engine/ops/assign.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { add, mul, square } from '../../engine/ops/pointwise.ts';
import { randomUniform } from '../../engine/ops/random.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters, evaluate } from '../gpu.ts';

/** The numbers 1, 2, 3, 200 as arrays of every kind. */
const KINDS: Record<string, Numbers> = {
  Float32Array: Float32Array.of(1, 2, 3, 200),
  Float64Array: Float64Array.of(1, 2, 3, 200),
  Uint8Array: Uint8Array.of(1, 2, 3, 200),
  Uint8ClampedArray: Uint8ClampedArray.of(1, 2, 3, 200),
  Uint16Array: Uint16Array.of(1, 2, 3, 200),
  Int16Array: Int16Array.of(1, 2, 3, 200),
  Uint32Array: Uint32Array.of(1, 2, 3, 200),
  Int32Array: Int32Array.of(1, 2, 3, 200),
  Buffer: Buffer.from([1, 2, 3, 200]),
  'a view of a part': new Uint8Array([9, 1, 2, 3, 200, 9]).subarray(1, 5),
  'a plain array': [1, 2, 3, 200],
  'nested arrays': [
    [1, 2],
    [3, 200],
  ],
  'rows of typed arrays': [Uint8Array.of(1, 2), Float64Array.of(3, 200)],
};

describe('numbers for a tensor', () => {
  const f32 = (values: unknown, shape: readonly number[]) => numbersFor('w', values as Numbers, shape, 'f32');
  const u32 = (values: unknown, shape: readonly number[]) => numbersFor('w', values as Numbers, shape, 'u32');

  it('are an array of the own type as it is, and by value what another type holds', () => {
    const [own, seeds] = [Float32Array.of(1, 2), Uint32Array.of(1, 2)];
    expect(f32(own, [2])).toBe(own);
    expect(u32(seeds, [2])).toBe(seeds);
    for (const values of Object.values(KINDS)) {
      expect(f32(values, [2, 2])).toEqual(Float32Array.of(1, 2, 3, 200));
      expect(u32(values, [2, 2])).toEqual(Uint32Array.of(1, 2, 3, 200));
    }
    expect(f32([-1.5, 0.1, 1e300, NaN, -0], [5])).toEqual(Float32Array.of(-1.5, 0.1, Infinity, NaN, -0));
    expect(u32([2 ** 32 - 1, 0], [2])).toEqual(Uint32Array.of(4294967295, 0));
    expect(f32(Int8Array.of(-1), [1])).toEqual(Float32Array.of(-1));
    expect([f32(5, []), f32(5, [1, 1]), f32([], [0, 3]), f32([[], []], [2, 0])].map((a) => [...a])).toEqual([
      [5],
      [5],
      [],
      [],
    ]);
    expect(f32([[[1, 2, 3]], [[4, 5, 6]]], [2, 1, 3])).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it.each<[string, () => unknown, RegExp]>([
    ['too few', () => f32(new Uint8Array(3), [4]), /^w holds 4 numbers and was given 3$/],
    ['too many, before any is looked at', () => f32(['a', 'b'], [1]), /holds 1 numbers and was given 2/],
    ['one number for many', () => f32(5, [2]), /holds 2 numbers and was given 1/],
    ['text', () => f32('1,2', [2]), /takes an array of 2 numbers, not "1,2"/],
    ['nothing', () => f32(null, [2]), /not null/],
    ['bytes without a type', () => f32(new ArrayBuffer(8), [2]), /not an ArrayBuffer/],
    ['a DataView', () => f32(new DataView(new ArrayBuffer(8)), [8]), /not a DataView/],
    ['an object', () => f32({ 0: 1, length: 1 }, [1]), /not \{ 0, length \}/],
    ['text among numbers', () => f32([1, '2'], [2]), /number 1 is "2", which is no number/],
    ['a hole', () => f32(Array(3), [3]), /number 0 is undefined/],
    ['BigInts', () => f32(BigInt64Array.of(1n), [1]), /number 0 is 1n, which is no number/],
    ['truth', () => f32([true], [1]), /number 0 is true/],
    ['ragged rows', () => f32([[1, 2], [3]], [2, 2]), /w: \[1\] must have 2 entries and has 1/],
    ['rows and numbers', () => f32([[1, 2], 3], [2, 2]), /w: \[1\] must be an array \[2\] and is 3/],
    ['another nesting', () => f32([[1, 2, 3, 4]], [2, 2]), /the outermost array must have 2 entries and has 1/],
    ['nested too deeply', () => f32([[1], [2]], [2]), /w: \[0\] must be a number and is an array/],
    ['nested for a scalar', () => f32([[1]], []), /must be a number/],
    ['a deep fault', () => f32([[[1, 2]], [[3]]], [2, 1, 2]), /w: \[1\]\[0\] must have 2 entries and has 1/],
    ['negative u32', () => u32(Int32Array.of(5, -1), [2]), /number 1 is -1, and u32 holds whole numbers from 0 to/],
    ['fractional u32', () => u32([0.5], [1]), /number 0 is 0.5/],
    ['too large for u32', () => u32(2 ** 32, []), /number 0 is 4294967296/],
    ['NaN for u32', () => u32(Float32Array.of(1, NaN), [2]), /number 1 is NaN/],
    [
      'nested, a fraction for u32',
      () =>
        u32(
          [
            [0, 1],
            [2, 3.5],
          ],
          [2, 2],
        ),
      /number 3 is 3.5/,
    ],
  ])('are refused: %s', (_, make, message) => {
    expect(make).toThrow(UserError);
    expect(make).toThrow(message);
  });
});

describeAdapters('feeds and values of parameters', (device) => {
  it.each(Object.entries(KINDS))('are taken by value: %s', async (_, values) => {
    const [x, seed] = [input('x', [2, 2]), input('seed', [2, 2], 'u32')];
    using p = new Parameter(device(), 'p', [2, 2], values);
    using q = new Parameter(device(), 'q', [2, 2]);
    using r = new Parameter(device(), 'r', [2, 2], () => values);
    q.write(values);
    const sums = add(add(add(x, p.tensor), q.tensor), r.tensor);
    const [sum, whole] = await evaluate(device(), [sums, seed], { x: values, seed: values });
    expect([...sum]).toEqual([4, 8, 12, 800]);
    expect(whole).toEqual(Uint32Array.of(1, 2, 3, 200));
    expect([...(await p.read())]).toEqual([1, 2, 3, 200]);
  });

  it('of u32 keep every bit, under every shape', async () => {
    const seed = input('seed', [2, 2], 'u32');
    const seeds = Uint32Array.of(0, 1, 2 ** 31 + 1, 2 ** 32 - 1);
    const read = await evaluate(device(), [reshape(seed, [4]), seed], { seed: seeds });
    expect(read).toEqual([seeds, seeds]);
  });

  it('two scalars at once are both their own', async () => {
    const [a, b] = [input('a', []), input('b', [])];
    expect((await evaluate(device(), [add(mul(a, 10), b)], { a: 1, b: 2 })).map((v) => [...v])).toEqual([[12]]);
  });

  it('that are wrong change nothing, and what follows is computed as if they had not been', async () => {
    const [x, seed] = [input('x', [2]), input('seed', [2], 'u32')];
    const y = add(mul(x, 1), mul(randomUniform([2], seed, { stream: 0 }), 0));
    using p = new Parameter(device(), 'p', [2], [7, 8]);
    using program = await compile(device(), { outputs: [y], updates: [assign(p.tensor, x)] });
    program.run({ x: [1, 2], seed: [3, 4] });
    for (const feeds of [
      { x: [5, 6], seed: [3, -1] },
      { x: [5, 6], seed: [3] },
      { x: [5, 6], seed: Float64Array.of(0.5, 1) },
      { x: [5, 6] },
      { x: [5, 6, 7], seed: [3, 4] },
      { x: [5, 6], seed: [3, 4], z: 1 },
      { x: [5, 6], seed: new ArrayBuffer(8) as unknown as Numbers },
    ])
      expect(() => program.run(feeds as Record<string, Numbers>)).toThrow(UserError);
    expect(() => p.write(new Float64Array(3))).toThrow(/p \[2\] holds 2 numbers and was given 3/);
    expect(() => p.write(['a', 'b'] as unknown as Numbers)).toThrow(/number 0 is "a"/);
    expect([...(await program.read(y))]).toEqual([1, 2]);
    expect([...(await p.read())]).toEqual([1, 2]);
    // Not even a part of the refused feeds was written.
    const outputs = await evaluate(device(), [mul(p.tensor, 2)]);
    expect([...outputs[0]]).toEqual([2, 4]);
    program.run({ x: [9, 10], seed: [3, 4] });
    expect([...(await program.read(y))]).toEqual([9, 10]);
  });
});

describe('what was disposed', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  });
  afterAll(() => device[Symbol.dispose]());
  const gone = (what: string) => new RegExp(`${what} is used after it was disposed`);

  it('a program is not run or read again', async () => {
    const x = input('x', [2]);
    const y = mul(x, 2);
    const program = await compile(device, { outputs: [y] });
    program[Symbol.dispose]();
    program[Symbol.dispose]();
    expect(() => program.run({ x: [1, 2] })).toThrow(UserError);
    expect(() => program.run({ x: [1, 2] })).toThrow(gone('the program'));
    await expect(program.read(y)).rejects.toThrow(gone('the program'));
    await device.idle();
  });

  it('a parameter is not written, read, compiled or run with again, and the device stays sound', async () => {
    const p = new Parameter(device, 'p', [2], [1, 2]);
    const view = reshape(p.tensor, [2, 1]);
    const [y, x] = [mul(p.tensor, 2), input('x', [2])];
    using program = await compile(device, { outputs: [y, view] });
    using other = await compile(device, { outputs: [add(x, 1)] });
    program.run();
    p[Symbol.dispose]();
    p[Symbol.dispose]();
    expect(() => p.write([3, 4])).toThrow(UserError);
    expect(() => p.write([3, 4])).toThrow(gone('parameter p'));
    await expect(p.read()).rejects.toThrow(gone('parameter p'));
    expect(() => program.run()).toThrow(gone('parameter p'));
    await expect(program.read(view)).rejects.toThrow(gone('parameter p'));
    await expect(compile(device, { outputs: [y] })).rejects.toThrow(gone('parameter p'));
    // What was computed before is there still.
    expect((await program.read(y)).length).toBe(2);
    other.run({ x: [1, 2] });
    await device.idle();
  });

  it('a device does nothing more', async () => {
    const closed = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const x = input('x', [2]);
    const [y, p] = [mul(x, 2), new Parameter(closed, 'p', [2])];
    const program = await compile(closed, { outputs: [y] });
    closed[Symbol.dispose]();
    closed[Symbol.dispose]();
    expect(() => program.run({ x: [1, 2] })).toThrow(UserError);
    expect(() => program.run({ x: [1, 2] })).toThrow(gone('run: the device'));
    await expect(program.read(y)).rejects.toThrow(gone('the device'));
    await expect(compile(closed, { outputs: [y] })).rejects.toThrow(gone('compile: the device'));
    expect(() => p.write([1, 2])).toThrow(gone('p: the device'));
    await expect(p.read()).rejects.toThrow(gone('the device'));
    await expect(closed.idle()).rejects.toThrow(gone('the device'));
    program[Symbol.dispose]();
    p[Symbol.dispose]();
  });

  it('parameters of another device are refused', async () => {
    using other = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    using p = new Parameter(other, 'p', [2]);
    await expect(compile(device, { outputs: [mul(p.tensor, 2)] })).rejects.toThrow(/p is on another device/);
    await device.idle();
  });

  it('values that a function makes wrongly are refused each time, not forgotten', () => {
    using p = new Parameter(device, 'p', [2], () => [1]);
    expect(() => p.binding).toThrow(/holds 2 numbers and was given 1/);
    expect(() => p.binding).toThrow(/holds 2 numbers and was given 1/);
    expect(device.memory.buffers).toBe(0);
  });
});

describeAdapters('feeds on the GPU', (device) => {
  it('are copied from a buffer, such as the output of another program', async () => {
    const [x, z] = [input('x', [2, 3]), input('z', [2, 3])];
    const [y, u] = [square(x), add(z, 1)];
    using first = await compile(device(), { outputs: [y] });
    using second = await compile(device(), { outputs: [u] });
    first.run({ x: [1, 2, 3, 4, 5, 6] });
    second.run({ z: first.buffer(y) });
    // What comes later changes nothing of it.
    first.run({ x: [0, 0, 0, 0, 0, 0] });
    expect(await second.read(u)).toEqual(Float32Array.of(2, 5, 10, 17, 26, 37));
  });

  it('are refused where they are too small, cannot be copied, or are no output', async () => {
    const x = input('x', [2, 3]);
    const y = square(x);
    using program = await compile(device(), { outputs: [y] });
    const make = (size: number, usage: number) => device().gpu.createBuffer({ size, usage });
    const [small, closed] = [make(20, GPUBufferUsage.COPY_SRC), make(24, GPUBufferUsage.COPY_DST)];
    expect(() => program.run({ x: small })).toThrow('run: input x: input[2, 3] needs 24 bytes, and the buffer has 20');
    expect(() => program.run({ x: closed })).toThrow(
      'the buffer cannot be copied; make it with GPUBufferUsage.COPY_SRC',
    );
    expect(() => program.buffer(x)).toThrow("buffer: x: input[2, 3] is not among the program's outputs");
    small.destroy();
    closed.destroy();
  });
});
