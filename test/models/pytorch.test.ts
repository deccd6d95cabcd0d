import { describe, expect, it } from 'vitest';
import { readWeights } from '../../models/formats/read_weights.ts';
import { toFloat32 } from '../../models/formats/stored_tensor.ts';
import {
  BY_PYTHON_5,
  BY_PYTHON_LEGACY,
  BY_PYTHON_ZIP,
  Built,
  Call,
  Global,
  MAGIC,
  Persistent,
  Raw,
  Tuple,
  floats,
  pickled,
  tensor,
  torchLegacy,
  torchZip,
} from './torch_files.ts';
import { refusalOf } from './refusal.ts';

const read = (bytes: Uint8Array) => readWeights(new Uint8Array(bytes), 'w.pth');
const refusal = (bytes: Uint8Array) => refusalOf(read(bytes));

const SIX = floats(0, 1, 2, 3, 4, 5);
const A = { count: 6, shape: [2, 3], strides: [3, 1] };
const dictionary = (entries: Readonly<Record<string, unknown>>) => new Map<unknown, unknown>(Object.entries(entries));
const values = async (bytes: Uint8Array, key: string) => {
  const { tensors } = await read(bytes);
  const { shape, data } = tensors.get(key)!;
  return { shape, data: [...data] };
};

describe('what Python writes', () => {
  it.each([
    ['a zip of a Lightning checkpoint', BY_PYTHON_ZIP],
    ['protocol 5', BY_PYTHON_5],
    ['the old format', BY_PYTHON_LEGACY],
  ])('%s', async (_what, bytes) => {
    const { tensors, format } = await read(bytes);
    expect(format).toBe('pytorch');
    expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['conv.weight', 'f32', [2, 3]],
      ['conv.t', 'f32', [3, 2]],
      ['conv.row', 'f32', [3]],
      ['half', 'f16', [2]],
    ]);
    const floatsOf = (name: string) => [...toFloat32(tensors.get(name)!)];
    expect(floatsOf('conv.weight')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(floatsOf('conv.t')).toEqual([0, 3, 1, 4, 2, 5]);
    expect(floatsOf('conv.row')).toEqual([3, 4, 5]);
    expect(floatsOf('half')).toEqual([0.5, -2]);
  });
  it('and what lies beside the weights is told', async () => {
    const { notes } = await read(BY_PYTHON_ZIP);
    expect(notes).toEqual([
      "w.pth: the weights are those of 'state_dict'; left out are 'epoch', 'pytorch-lightning_version', 'hyper_parameters', 'optimizer_states'.",
    ]);
  });
});

describe('tensors', () => {
  it('of every type', async () => {
    const types: [storage: string, dtype: string, data: ArrayBufferView][] = [
      ['DoubleStorage', 'f64', Float64Array.of(0.1, -2)],
      ['FloatStorage', 'f32', Float32Array.of(0.5, -2)],
      ['HalfStorage', 'f16', Uint16Array.of(0x3800, 0xc000)],
      ['BFloat16Storage', 'bf16', Uint16Array.of(0x3f00, 0xc000)],
      ['LongStorage', 'i64', BigInt64Array.of(7n, -(2n ** 40n))],
      ['IntStorage', 'i32', Int32Array.of(7, -8)],
      ['ShortStorage', 'i16', Int16Array.of(7, -8)],
      ['CharStorage', 'i8', Int8Array.of(7, -8)],
      ['ByteStorage', 'u8', Uint8Array.of(7, 200)],
      ['BoolStorage', 'bool', Uint8Array.of(1, 0)],
    ];
    for (const method of [0, 8]) {
      const file = torchZip(
        dictionary(
          Object.fromEntries(
            types.map(([storage], i) => [
              storage,
              tensor({ key: `${i}`, storage, count: 2, shape: [2], strides: [1] }),
            ]),
          ),
        ),
        Object.fromEntries(types.map(([, , data], i) => [`${i}`, new Uint8Array(data.buffer as ArrayBuffer)])),
        { method },
      );
      const { tensors } = await read(file);
      for (const [storage, dtype, data] of types) expect(tensors.get(storage)).toEqual({ dtype, shape: [2], data });
    }
  });

  it('that are views: transposed, a row, every second, a scalar, one without elements', async () => {
    const file = torchZip(
      dictionary({
        plain: tensor(A),
        transposed: tensor({ ...A, shape: [3, 2], strides: [1, 3] }),
        row: tensor({ ...A, offset: 3, shape: [3], strides: [1] }),
        second: tensor({ ...A, offset: 1, shape: [3], strides: [2] }),
        scalar: tensor({ ...A, offset: 4, shape: [], strides: [] }),
        none: tensor({ ...A, shape: [0, 5], strides: [5, 1] }),
        repeated: tensor({ ...A, offset: 5, shape: [2, 2], strides: [0, 0] }),
      }),
      { 0: SIX },
    );
    expect(await values(file, 'plain')).toEqual({ shape: [2, 3], data: [0, 1, 2, 3, 4, 5] });
    expect(await values(file, 'transposed')).toEqual({ shape: [3, 2], data: [0, 3, 1, 4, 2, 5] });
    expect(await values(file, 'row')).toEqual({ shape: [3], data: [3, 4, 5] });
    expect(await values(file, 'second')).toEqual({ shape: [3], data: [1, 3, 5] });
    expect(await values(file, 'scalar')).toEqual({ shape: [], data: [4] });
    expect(await values(file, 'none')).toEqual({ shape: [0, 5], data: [] });
    expect(await values(file, 'repeated')).toEqual({ shape: [2, 2], data: [5, 5, 5, 5] });
  });

  it('of a machine with the other order of bytes', async () => {
    const big = Buffer.from(SIX).swap32();
    const object = dictionary({ a: tensor(A), t: tensor({ ...A, shape: [3, 2], strides: [1, 3] }) });
    for (const file of [
      torchZip(object, { 0: big }, { byteorder: 'big' }),
      torchLegacy(object, [['0', 6, big]], { little: false }),
    ]) {
      expect((await values(file, 'a')).data).toEqual([0, 1, 2, 3, 4, 5]);
      expect((await values(file, 't')).data).toEqual([0, 3, 1, 4, 2, 5]);
    }
  });

  it('of the old format, with what belongs to others, and with the views of PyTorch before 0.4', async () => {
    const file = torchLegacy(
      dictionary({
        model: dictionary({
          a: tensor({ ...A, view: null }),
          b: tensor({ ...A, view: new Tuple(['v', 2, 4]), shape: [4], strides: [1] }),
        }),
        optimizer: [tensor({ key: 'm', storage: 'DoubleStorage', count: 1, shape: [1], strides: [1], view: null })],
      }),
      [
        ['m', 1, new Uint8Array(8)],
        ['0', 6, SIX],
      ],
    );
    expect((await values(file, 'a')).data).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await values(file, 'b')).data).toEqual([2, 3, 4, 5]);
    expect((await read(file)).notes!.join()).toMatch(/weights are those of 'model'; left out is 'optimizer'/);
  });

  it('by _rebuild_parameter, _rebuild_tensor_v3 and with a state of their own', async () => {
    const untyped = new Tuple(['storage', new Global('torch.storage', 'UntypedStorage'), '0', 'cpu', 24]);
    const file = torchZip(
      dictionary({
        parameter: new Built(
          new Call(new Global('torch._utils', '_rebuild_parameter'), [tensor(A), true, null]),
          dictionary({ x: 1 }),
        ),
        v3: new Call(new Global('torch._utils', '_rebuild_tensor_v3'), [
          new Persistent(untyped),
          2,
          new Tuple([2]),
          new Tuple([2]),
          false,
          null,
          new Global('torch', 'float32'),
        ]),
      }),
      { 0: SIX },
    );
    // Two persistent ids of one storage: one in elements, one in bytes.
    expect((await values(file, 'parameter')).data).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await values(file, 'v3')).data).toEqual([2, 4]);
  });
});

describe('where the weights lie', () => {
  const weights = dictionary({ a: tensor(A) });
  const zip = (object: unknown) => torchZip(object, { 0: SIX });
  it.each([
    ['the whole', weights],
    ['state_dict', dictionary({ epoch: 1, state_dict: weights, best_acc1: tensor(A) })],
    ['model within state_dict', dictionary({ state_dict: dictionary({ model: weights }) })],
    ['a name of one', dictionary({ generator: weights, step: 3 })],
    ['an OrderedDict with a state', new Built(weights, dictionary({ _metadata: dictionary({}) }))],
  ])('%s', async (_what, object) => {
    expect([...(await read(zip(object))).tensors.keys()]).toEqual(['a']);
  });
  it('and what is no tensor among them is told', async () => {
    const { tensors, notes } = await read(
      zip(dictionary({ a: tensor(A), epoch: 3, cfg: new Call(new Global('argparse', 'Namespace'), []) })),
    );
    expect([...tensors.keys()]).toEqual(['a']);
    expect(notes).toEqual(["w.pth: left out, since they are no tensors: 'epoch', 'cfg'."]);
  });
  it.each<[string, unknown, RegExp]>([
    ['several', dictionary({ teacher: weights, student: weights }), /several sets of weights: 'teacher', 'student'/],
    ['none', dictionary({ a: 1 }), /holds no dictionary of tensors, but 'a'/],
    ['nothing', dictionary({}), /holds no dictionary of tensors, but nothing/],
    ['a tensor', tensor(A), /holds no dictionary of tensors/],
    ['a list', [tensor(A)], /holds no dictionary of tensors/],
    [
      'a whole network',
      new Built(new Call(new Global('torchvision.models.resnet', 'ResNet'), []), dictionary({})),
      /an object of torchvision\.models\.resnet\.ResNet, and programs in files are never run; save its weights alone/,
    ],
    [
      'a network under a key',
      dictionary({ model: new Call(new Global('models.yolo', 'Model'), []) }),
      /'model' holds an object of models\.yolo\.Model/,
    ],
    [
      'a tensor of another kind',
      dictionary({ a: tensor(A), q: new Call(new Global('torch._utils', '_rebuild_qtensor'), []) }),
      /'q' is made by torch\._utils\._rebuild_qtensor, which is not read/,
    ],
    [
      'a storage of another kind',
      dictionary({ a: tensor({ ...A, storage: 'ComplexFloatStorage' }) }),
      /'a' is made by torch\.ComplexFloatStorage, which is not read/,
    ],
  ])('refuses %s', async (_what, object, sentence) => {
    expect(await refusal(zip(object))).toMatch(sentence);
  });
});

describe('lies and damage', () => {
  const zip = (object: unknown, storages: Record<string, Uint8Array> = { 0: SIX }) => torchZip(object, storages);
  const one = (plan: object) => zip(dictionary({ a: tensor({ ...A, ...plan }) }));
  const instructions = (...bytes: number[]) => zip(new Raw(bytes));
  it.each<[string, Uint8Array, RegExp]>([
    ['more elements than the storage', one({ count: 7 }), /tensor 'a': its storage should have 28 bytes and has 24/],
    ['fewer elements', one({ count: 5 }), /should have 20 bytes and has 24/],
    ['2^53 elements', one({ count: -1 }), /refers to something that is no storage/],
    [
      'a shape beyond',
      one({ shape: [3, 3] }),
      /shape \[3, 3\] with the strides \[3, 1\] from 0 reaches beyond its storage of 6/,
    ],
    ['strides beyond', one({ strides: [4, 1] }), /reaches beyond its storage/],
    ['an offset beyond', one({ offset: 1 }), /reaches beyond its storage/],
    ['a bomb of strides 0', one({ shape: [2 ** 30, 2 ** 30], strides: [0, 0] }), /reaches beyond its storage/],
    ['a negative shape', one({ shape: [-1] }), /made by torch\._utils\._rebuild_tensor_v2 with a wrong shape/],
    ['fewer strides than axes', one({ strides: [1] }), /made by torch\._utils\._rebuild_tensor_v2 with a wrong shape/],
    ['a storage that is not there', one({ key: '9' }), /its storage 9 is missing/],
    [
      'a persistent id that is none',
      zip(dictionary({ a: new Persistent('x') })),
      /refers to something that is no storage/,
    ],
    ['an empty stack', instructions(0x30, 0x30), /takes from an empty stack/],
    ['no mark', instructions(0x75), /needs a mark/],
    ['a memo that is empty', instructions(0x68, 3), /refers to value 3, which it has not made/],
    ['an unknown instruction', instructions(0xff), /\(0xff\) is no instruction that is read/],
    ['protocol 6', instructions(0x80, 6), /protocol 6/],
    ['a frame that lies', instructions(0x95, 255, 255, 0, 0, 0, 0, 0, 0), /a frame at byte \d+ claims 65535 bytes/],
    ['a frame of 2^64 - 1', instructions(0x95, ...Array<number>(8).fill(255)), /a frame at byte/],
    [
      'an instruction across a frame',
      instructions(0x95, 2, 0, 0, 0, 0, 0, 0, 0, 0x4a, 0, 0, 0, 0),
      /or its frame does, within an instruction/,
    ],
    ['a text of 4 GiB', instructions(0x58, 255, 255, 255, 255), /within an instruction/],
    ['a number of 2 GiB', instructions(0x8b, 255, 255, 255, 127), /a whole number of 2147483647 bytes/],
    ['keys of a list', instructions(0x5d, 0x4e, 0x4e, 0x73), /sets keys of what is no dictionary/],
    ['items of a dictionary', instructions(0x7d, 0x4e, 0x61), /appends to what is no list/],
    ['a global that is no text', instructions(0x4e, 0x4e, 0x93), /the name of a class is no text/],
    [
      'a dictionary of itself',
      instructions(0x7d, 0x71, 0, 0x58, 5, 0, 0, 0, ...Buffer.from('model'), 0x68, 0, 0x73),
      /holds no dictionary of tensors/,
    ],
    ['another pickle', pickled([1, 2]), /is a Python pickle that holds no tensors of PyTorch/],
    [
      'a pickle of numpy',
      pickled(new Call(new Global('numpy.core.multiarray', '_reconstruct'), [])),
      /an object of numpy\.core\.multiarray\._reconstruct/,
    ],
    ['another version', torchLegacy(dictionary({}), [], { version: 1002 }), /version 1002/],
    [
      'a storage cut short',
      torchLegacy(dictionary({ a: tensor(A) }), [['0', 6, SIX]]).subarray(0, -1),
      /storage 0 reaches beyond the file/,
    ],
    [
      'a storage of 2^60 elements',
      torchLegacy(dictionary({ a: tensor(A) }), [['0', 2 ** 60, SIX]]),
      /storage 0 reaches beyond the file/,
    ],
    [
      'a storage of -1 elements',
      torchLegacy(dictionary({ a: tensor(A) }), [['0', -1, SIX]]),
      /storage 0 reaches beyond the file/,
    ],
    [
      'a storage of nobody',
      torchLegacy(dictionary({ a: tensor(A) }), [['7', 0, Buffer.alloc(0)]]),
      /storage 7 belongs to no tensor/,
    ],
    ['the start of the old format alone', pickled(MAGIC), /within an instruction/],
  ])('%s', async (_what, bytes, sentence) => {
    expect(await refusal(bytes)).toMatch(sentence);
    expect(await refusal(bytes)).toMatch(/^w\.pth[: ]/);
  });

  it('a memo that doubles, and nesting without end, cost what the file has bytes', async () => {
    // [[...], [...]] of the same list 60 times: 2^60 lists, were they walked through.
    const doubled = [0x5d, 0x71, 0];
    for (let i = 0; i < 60; i++) doubled.push(0x30, 0x5d, 0x28, 0x68, i, 0x68, i, 0x65, 0x71, i + 1);
    const bomb = dictionary({ state_dict: dictionary({ a: tensor(A) }), bomb: new Raw(doubled) });
    expect((await values(torchZip(bomb, { 0: SIX }), 'a')).data).toHaveLength(6);
    const deep = new Raw([Array<number>(100_000).fill(0x5d), Array<number>(99_999).fill(0x61)].flat());
    const nested = dictionary({ state_dict: dictionary({ a: tensor(A) }), deep });
    expect((await values(torchZip(nested, { 0: SIX }), 'a')).data).toHaveLength(6);
  });

  it('copies of one storage again and again are refused', async () => {
    const large = new Uint8Array(4 * 1000);
    const twisted = { count: 1000, shape: [10, 100], strides: [1, 10] };
    const many = dictionary(Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`t${i}`, tensor(twisted)])));
    expect(await refusal(torchZip(many, { 0: large }))).toMatch(
      /'t4': its tensors would take 4 times what the file holds/,
    );
  });

  it('every cut of a file is refused', async () => {
    for (const file of [BY_PYTHON_ZIP, BY_PYTHON_LEGACY])
      for (let length = 0; length < file.length; length++)
        expect(await refusal(file.slice(0, length))).toMatch(/^w\.pth/);
  });
});
