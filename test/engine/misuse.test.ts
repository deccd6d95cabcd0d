import { afterAll, beforeAll, expect, it } from 'vitest';
import * as library from '../../index.ts';
import * as layers from '../../index.layers.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { describeAdapters } from '../gpu.ts';

// What an outsider does wrong with the library, and the sentence that each gets: what is wrong, where, what to do.
const { compile, grad, input, mean, mul, openDevice, Parameter, square, UserError } = library;

/** The library without its types, as JavaScript sees it. */
// biome-ignore lint/suspicious/noExplicitAny: misuse is what the types forbid
const untyped = library as any;

interface Given {
  readonly device: library.Device;
  /** Another device, one that was disposed, and the promise of one. */
  readonly other: library.Device;
  readonly closed: library.Device;
  readonly promised: Promise<library.Device>;
  readonly x: library.Tensor;
  readonly images: library.Tensor;
  readonly w: library.Parameter;
  readonly foreign: library.Parameter;
  readonly disposed: library.Parameter;
  /** y = mean(x² · w), with input x [2, 3] and n, a u32 [2]. */
  readonly program: library.Program;
  readonly y: library.Tensor;
}

type Misuse = (given: Given) => unknown;
const feeds = { x: new Float32Array(6), n: Uint32Array.of(1, 2) };

const MISUSES: readonly (readonly [string, Misuse, RegExp])[] = [
  // Tensors
  ['an axis that is no list', ({ x }) => untyped.mean(x, 1), /^mean: the axes must be a list such as \[0\], not 1$/],
  ['an axis out of range', ({ x }) => mean(x, [-3]), /^mean: there is no axis -3; given x \[2, 3\]$/],
  ['an operand left out', ({ x }) => untyped.add(x), /^add: y must be a tensor, and is undefined$/],
  ['text for a number', ({ x }) => untyped.mul(x, '2'), /^mul: y must be a tensor, and is "2"$/],
  ['numbers for a tensor', ({ x }) => untyped.add(x, [1, 2, 3]), /^add: y must be .*; make a constant of it, or/],
  ['a parameter for its tensor', ({ w }) => untyped.relu(w), /^relu: x must be a tensor.*; give its tensor$/],
  ['a promise for a tensor', ({ x }) => untyped.relu(Promise.resolve(x)), /^relu: x .* a Promise; await it$/],
  [
    'NaN in a shape',
    () => input('x', [2, NaN]),
    /^input x: a shape is a list of whole numbers from 1 on, not \[2, NaN\]$/,
  ],
  ['an empty shape', () => input('x', [0, 3]), /^input x: a shape is .*, not \[0, 3\]$/],
  ['a shape that is a number', () => untyped.input('x', 4), /^input x: a shape is .*, not 4$/],
  ['name and shape exchanged', () => untyped.input([2, 3], 'x'), /^input: the name must be text, not \[2, 3\]$/],
  [
    'a dtype that there is not',
    () => untyped.input('x', [2], 'float32'),
    /dtype must be "f32" or "u32", not "float32"/,
  ],
  [
    'shapes that do not broadcast',
    ({ x, images }) => mul(x, images),
    /^mul: the shapes do not broadcast; given x \[2, 3\]/,
  ],
  ['factors that do not fit', ({ x }) => library.matmul(x, x), /^matmul: .*the inner dimensions differ/],
  [
    'an option misspelt',
    ({ images }) => untyped.maxPool2d(images, { sise: 2 }),
    /^max_pool2d: there is no option sise; it/,
  ],
  [
    'an option left out',
    ({ images }) => untyped.maxPool2d(images),
    /^max_pool2d: the options must be an object of size/,
  ],
  [
    'a reshape that does not fill',
    ({ x }) => library.reshape(x, [7]),
    /^reshape: 6 elements do not fill \[7\]; given x/,
  ],
  [
    'text for a constant',
    () => untyped.constant('1'),
    /^constant: it takes a number, a Float32Array or a Uint32Array, not "1"$/,
  ],
  ['a name that is no text', ({ x }) => untyped.relu(x).named(3), /^named: a name must be text, not 3$/],
  // Gradients
  ['the gradient of no scalar', ({ x }) => grad(x, [x]), /^grad: only a scalar has a gradient \(give a seed/],
  [
    'by a tensor in no list',
    ({ x }) => untyped.grad(mean(x), x),
    /^grad: it takes a list of the tensors to differenti/,
  ],
  ['by what it does not depend on', ({ x, images }) => grad(mean(x), [images]), /^grad: .* does not depend on images/],
  [
    'by a parameter',
    ({ x, w }) => untyped.grad(mean(x), [w]),
    /^grad: tensor 0 to differentiate by .*; give its tensor$/,
  ],
  // Devices
  [
    'openGpu that was not called',
    () => untyped.openDevice({ gpu: openGpu }),
    /^openDevice: gpu must be .* openGpu\(\)/,
  ],
  [
    'a gpu that is no option',
    () => openDevice(openGpu() as never),
    /^openDevice: give the entry point as \{ gpu: openGpu\(\) \}$/,
  ],
  [
    'a device that was not awaited',
    ({ promised, y }) => untyped.compile(promised, { outputs: [y] }),
    /^compile: the device must be what `await openDevice\(\)` gives, not a Promise; await it$/,
  ],
  [
    'a parameter on such a device',
    ({ promised }) => new untyped.Parameter(promised, 'w', [2]),
    /^parameter w: .*; await it$/,
  ],
  [
    'a device that was disposed',
    ({ closed, x }) => compile(closed, { outputs: [mean(x)] }),
    /^compile: the device is used after it was disposed$/,
  ],
  [
    'a parameter of another device',
    ({ device, foreign }) => compile(device, { outputs: [square(foreign.tensor)] }),
    /^compile: parameter foreign is on another device than the program$/,
  ],
  // Parameters
  [
    'too many values',
    ({ device }) => new Parameter(device, 'w', [2], [1, 2, 3]),
    /^parameter w \[2\] holds 2 numbers and was given 3$/,
  ],
  [
    'values that are text',
    ({ device }) => new untyped.Parameter(device, 'w', [2], ['1', '2']),
    /^parameter w \[2\]: number 0 is "1", which is no number$/,
  ],
  [
    'a parameter without a name',
    ({ device }) => new untyped.Parameter(device, [2], [1, 2]),
    /^parameter: the name must be text/,
  ],
  [
    'a parameter that was disposed',
    ({ disposed }) => disposed.write([1, 2, 3]),
    /^parameter disposed is used after it was/,
  ],
  [
    'such a parameter in a program',
    ({ device, disposed }) => compile(device, { outputs: [square(disposed.tensor)] }),
    /^parameter disposed is used after it was disposed$/,
  ],
  // Programs
  [
    'outputs that are no list',
    ({ device, y }) => untyped.compile(device, { outputs: y }),
    /^compile: outputs must be a list of tensors, not a Tensor$/,
  ],
  [
    'a list for the spec',
    ({ device, y }) => untyped.compile(device, [y]),
    /^compile: the options must be an object of outputs, updates/,
  ],
  [
    'nothing to compute',
    ({ device }) => compile(device, {}),
    /^compile: there is nothing to compute; give outputs, or updates$/,
  ],
  [
    'updates that are none',
    ({ device, y }) => compile(device, { updates: [y] }),
    /^compile: .* is no update: it changes no parameter/,
  ],
  [
    'an update of an input',
    ({ x }) => library.assign(x, x),
    /^assign: x: input\[2, 3\] is no parameter: only parameters can/,
  ],
  [
    'two inputs of one name',
    ({ device }) => compile(device, { outputs: [mul(input('a', [2]), input('a', [2]))] }),
    /^compile: two inputs are named a; give one of them another name$/,
  ],
  [
    'a feed misspelt',
    ({ program }) => program.run({ ...feeds, X: feeds.x } as never),
    /^run: the program has no input X; it has x, n$/,
  ],
  [
    'a feed left out',
    ({ program }) => program.run({ n: feeds.n }),
    /^run: no value for input x: input\[2, 3\]; feed it as x$/,
  ],
  ['feeds that are a list', ({ program }) => program.run([feeds.x] as never), /^run: /],
  [
    'a feed of another length',
    ({ program }) => program.run({ ...feeds, x: new Float32Array(5) }),
    /^run: input x: input\[2, 3\] holds 6 numbers and was given 5$/,
  ],
  [
    'a feed of another nesting',
    ({ program }) =>
      program.run({
        ...feeds,
        x: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      }),
    /^run: input x: input\[2, 3\]: the outermost array must have 2 entries and has 3$/,
  ],
  [
    'a feed that is no whole number',
    ({ program }) => program.run({ ...feeds, n: [0.5, 1] }),
    /^run: input n: .*number 0 is 0\.5, and u32 holds whole numbers/,
  ],
  [
    'a feed that is a tensor',
    ({ program, x }) => program.run({ ...feeds, x } as never),
    /^run: input x.* takes an array of 6 numbers, not a Tensor$/,
  ],
  [
    'a feed that was not awaited',
    ({ program }) => program.run({ ...feeds, x: Promise.resolve(feeds.x) } as never),
    /^run: input x.* not a Promise; await it$/,
  ],
  [
    'reading what is no output',
    ({ program, x }) => program.read(x),
    /^read: x: input\[2, 3\] is not among the program's outputs$/,
  ],
  [
    'reading no tensor',
    ({ program }) => program.read('y' as never),
    /^read: what is read must be a tensor, and is "y"$/,
  ],
  [
    'running after dispose',
    async ({ device, y }) => {
      const program = await compile(device, { outputs: [y] });
      program[Symbol.dispose]();
      program.run(feeds);
    },
    /^run: the program is used after it was disposed$/,
  ],
  // Training
  [
    'no optimizer',
    ({ device, y, w }) => library.TrainStep.create(device, { loss: y, trainable: [w] }),
    /^TrainStep: give the constants of one optimizer, either adam or sgd$/,
  ],
  [
    'tensors for parameters',
    ({ device, y, w }) =>
      untyped.TrainStep.create(device, { loss: y, trainable: [w.tensor], adam: library.DEFAULT_ADAM }),
    /^TrainStep: trainable must be a list of parameters, not \[a Tensor\]$/,
  ],
  [
    'a loss that is no scalar',
    ({ device, x, w }) =>
      library.TrainStep.create(device, { loss: mul(x, w.tensor), trainable: [w], adam: library.DEFAULT_ADAM }),
    /^grad: only a scalar has a gradient/,
  ],
  [
    'layers for a model',
    ({ device }) => untyped.fit(layers.sequential(layers.relu), { device }),
    /^fit: the model must be a Model, not a function$/,
  ],
  [
    'a model of a list of layers',
    ({ device }) => new untyped.Model(device, [layers.relu], [3]),
    /^layer body must be a function such as relu or conv\(16\)/,
  ],
  [
    'a model without a shape',
    ({ device }) => new untyped.Model(device, layers.relu),
    /^Model: the shape of an input: a shape is a list/,
  ],
  // Networks and files
  [
    'a network that there is not',
    () => library.buildModel('vgg17', 2),
    /^there is no model vgg17; choose one of efficientnet_b0/,
  ],
  [
    'classes by name',
    () => untyped.buildModel('vgg_small', ['cat', 'dog']),
    /^buildModel: the number of classes must be a whole/,
  ],
  [
    'a width of 0',
    () => library.buildModel('vgg_small', 2, undefined, { width: 0 }),
    /^buildModel: width must be more than 0/,
  ],
  [
    'text for bytes',
    () => untyped.parseSafetensors('w.safetensors', 'w'),
    /^w must be the bytes of a file, as a Uint8Array, not "w/,
  ],
  [
    'an object for a map',
    () => untyped.writeSafetensors({ w: [1] }),
    /^writeSafetensors: the tensors must be a Map by name, not/,
  ],
  [
    'a layer that there is not',
    ({ x }) => library.findTensor(library.relu(x).named('a'), 'b'),
    /^there is no layer b; the layers are a$/,
  ],
  [
    'a schedule without numbers',
    () => untyped.learningRateAt({ kind: 'cosine' }, 1),
    /^learningRateAt: learningRate must be a number/,
  ],
  [
    'clusters of more than there is',
    ({ device }) => library.kMeans(device, new Float32Array(4), 2, { k: 3, seed: 1 }),
    /^k-means: 3 clusters of 2 points/,
  ],
];

describeAdapters('misuse', (device) => {
  let given: Given;
  beforeAll(async () => {
    const gpu = openGpu({ adapter: /llvmpipe/.test(device().adapter.description) ? 'lavapipe' : 'swiftshader' });
    const [other, closed] = [await openDevice({ gpu }), await openDevice({ gpu })];
    closed[Symbol.dispose]();
    const [x, images, n] = [input('x', [2, 3]), input('images', [1, 4, 4, 3]), input('n', [2], 'u32')];
    const w = new Parameter(device(), 'w', [3], [1, 2, 3]);
    const disposed = new Parameter(device(), 'disposed', [3], [1, 2, 3]);
    disposed[Symbol.dispose]();
    const y = mean(mul(square(x), w.tensor)).named('y');
    const noise = library.dropout(y, n, { rate: 0.5, stream: 0 });
    given = {
      device: device(),
      other,
      closed,
      promised: Promise.resolve(device()),
      x,
      images,
      w,
      foreign: new Parameter(other, 'foreign', [3]),
      disposed,
      program: await compile(device(), { outputs: [y, noise] }),
      y,
    };
  });
  afterAll(() => {
    given.program[Symbol.dispose]();
    given.w[Symbol.dispose]();
    given.other[Symbol.dispose]();
  });

  it.each(MISUSES)('gets a sentence: %s', async (_, misuse, sentence) => {
    const { buffers } = given.device.memory;
    const thrown = await Promise.resolve()
      .then(() => misuse(given))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(thrown, 'it was let pass, or threw something else').toBeInstanceOf(UserError);
    expect((thrown as Error).message).toMatch(sentence);
    expect((thrown as Error).message).not.toContain('\n');
    // Nothing is left behind, and what was there goes on working.
    expect(given.device.memory.buffers).toBe(buffers);
    given.program.run({ x: [1, 1, 1, 2, 2, 2], n: [1, 2] });
    expect(await given.program.read(given.y)).toEqual(Float32Array.of(5));
  });

  it('is no misuse: two programs at once, plain arrays, runs that nobody waits for', async () => {
    const { device, x, w, y } = given;
    using first = await compile(device, { outputs: [y] });
    using second = await compile(device, { outputs: [mean(mul(x, w.tensor))] });
    const values = [1, 2, 3].map((v) => {
      first.run({ x: new Array(6).fill(v) });
      return first.read(y);
    });
    second.run({
      x: [
        [1, 1, 1],
        [1, 1, 1],
      ],
    });
    // The mean of v² · (1, 2, 3) is 2 v².
    expect((await Promise.all(values)).map(([v]) => v)).toEqual([2, 8, 18]);
    await device.idle();
  });
});

it('has 29 misuses at least', () => expect(MISUSES.length).toBeGreaterThanOrEqual(29));
