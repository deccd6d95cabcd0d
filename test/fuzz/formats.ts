import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import encodeWebp, { init } from '@jsquash/webp/encode.js';
import { parquetWriteBuffer } from 'hyparquet-writer';
import jpeg from 'jpeg-js';
import { readState } from '../../cli/row_state.node.ts';
import { readMetrics } from '../../cli/metrics_file.node.ts';
import { expandGrid } from '../../cli/sweep_grid.ts';
import { TuningTable } from '../../engine/tuning.ts';
import { UserError } from '../../engine/user_error.ts';
import { CHALLENGE_COLUMNS, ID_COLUMN } from '../../galaxies/columns.ts';
import { parseKaggle } from '../../galaxies/catalogue.ts';
import { packModel, unpackModel } from '../../models/formats/model_file.ts';
import { readNpy, writeNpy } from '../../models/formats/npy.ts';
import { readWeightsBytes } from '../../models/formats/read_weights.node.ts';
import { parseSafetensors, writeSafetensors } from '../../models/formats/safetensors.ts';
import { elementCount } from '../../models/formats/stored_tensor.ts';
import { readCsv } from '../../vision/data/csv_file.node.ts';
import { decodeImage } from '../../vision/data/decode.node.ts';
import { openArchive } from '../../vision/data/open_archive.node.ts';
import { MAX_SIDE } from '../../vision/data/raster.ts';
import { openTable } from '../../vision/data/table.node.ts';
import { NEW_STATE, loadCheckpoint } from '../../vision/train/checkpoint.node.ts';
import { readOptions } from '../../vision/train/options_file.node.ts';
import { originText, readOrigin } from '../../vision/train/origin_file.node.ts';
import { parseState } from '../../vision/train/state_file.ts';
import { columnsOf } from '../../vision/votes/schema.ts';
import { readSchemaFile } from '../../vision/votes/schema_file.node.ts';
import { importOnnx } from '../../models/onnx/import_onnx.ts';
import { makeTar, makeZip, noise } from '../vision/data/archive_files.ts';
import { fitsFile } from '../vision/data/fits_files.ts';
import { keras2, keras3, kerasArchive, type Layer } from '../models/keras_files.ts';
import { BY_PYTHON_5, BY_PYTHON_LEGACY, tensor, torchLegacy, torchZip } from '../models/torch_files.ts';
import { makePng } from '../vision/data/png_files.ts';
import { makeTiff } from '../vision/data/tiff_files.ts';
import { adobe, exif, flatJpeg, tiff } from '../vision/flat_jpeg.ts';
import { EPOCH, METRICS } from '../vision/stored_samples.ts';
import { onnxFiles } from './onnx_files.ts';
import { NETWORKS } from './onnx_networks.ts';

/** A format that the program reads: sound files, and what reads one as the program does. */
export interface Format {
  readonly sound: () => Promise<readonly Uint8Array[]>;
  /**
   * Resolves for what is sound; rejects with a UserError for what is not.
   * @param folder for files; the only one in it is `case`
   */
  readonly read: (bytes: Uint8Array, folder: string) => Promise<unknown>;
}

/** Throws where something was accepted that is wrong. */
function requireSound(is: boolean, what: string): void {
  if (!is) throw new Error(`accepted what is wrong: ${what}`);
}

const WIDTH = 9;
const HEIGHT = 7;
const values = (count: number, below: number) => [...noise(count, 3)].map((byte) => byte % below);

async function readImage(bytes: Uint8Array): Promise<void> {
  const { width, height, data } = await decodeImage(bytes, 'case');
  requireSound(width >= 1 && height >= 1 && Math.max(width, height) <= MAX_SIDE, `${width} x ${height} pixels`);
  requireSound(data.length === width * height * 3, `${data.length} bytes of ${width} x ${height} pixels`);
}

async function readArchive(bytes: Uint8Array, folder: string): Promise<void> {
  const path = join(folder, 'case');
  await writeFile(path, bytes);
  const source = await openArchive(path);
  try {
    requireSound(source.images.length > 0, 'no image');
    const ids = source.images.map(({ id }) => id);
    requireSound(new Set(ids).size === ids.length, 'an id twice');
    requireSound(
      ids.every((id) => !id.split(/[\\/]/).includes('..')),
      'a path that leads out',
    );
    for (let i = 0; i < Math.min(4, ids.length); i++) await source.bytes(i);
  } finally {
    await source.close();
  }
}

/** A file that a function reads by its path. */
const byPath =
  (read: (path: string) => unknown, name = 'case') =>
  async (bytes: Uint8Array, folder: string): Promise<unknown> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return read(path);
  };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const json =
  (...all: object[]) =>
  async () =>
    all.map((value) => new Uint8Array(Buffer.from(JSON.stringify(value))));

function jpegs(): Uint8Array[] {
  const rgba = { width: 24, height: 17, data: Buffer.from(noise(24 * 17 * 4, 5)) };
  const blocks = [
    [90, 100, 110],
    [130, 120, 60],
  ];
  return [
    new Uint8Array(jpeg.encode(rgba, 80).data),
    flatJpeg({ blocks, columns: 2 }),
    flatJpeg({ blocks, columns: 1, segments: [adobe(1), exif(tiff(true, [[0x112, 3, 1, 6]]))] }),
  ];
}

const pngs = (): Uint8Array[] =>
  [
    { depth: 8, colour: 2, samples: values(WIDTH * HEIGHT * 3, 256) },
    { depth: 16, colour: 6, samples: values(WIDTH * HEIGHT * 4, 65536) },
    { depth: 1, colour: 0, samples: values(WIDTH * HEIGHT, 2), interlaced: true },
    { depth: 8, colour: 4, samples: values(WIDTH * HEIGHT * 2, 256), interlaced: true },
  ].map((plan) => makePng({ width: WIDTH, height: HEIGHT, ...plan }));

async function webps(): Promise<Uint8Array[]> {
  const module = createRequire(import.meta.url).resolve('@jsquash/webp/codec/enc/webp_enc.wasm');
  await (init as unknown as (module: WebAssembly.Module) => Promise<void>)(
    await WebAssembly.compile(await readFile(module)),
  );
  const data = Uint8ClampedArray.from(noise(WIDTH * HEIGHT * 4, 6));
  const image = { data, width: WIDTH, height: HEIGHT } as unknown as ImageData;
  return [
    new Uint8Array(await encodeWebp(image, { lossless: 1, exact: 1 })),
    new Uint8Array(await encodeWebp(image, { quality: 70 })),
  ];
}

const tiffs = (): Uint8Array[] =>
  [
    { samples: 3, bits: 8 },
    { samples: 1, bits: 16, compression: 5, predictor: 2, little: false },
    { samples: 3, bits: 8, compression: 8, tile: [16, 16] as const },
    { samples: 1, bits: 32, format: 3, compression: 32773 },
    { samples: 3, bits: 16, planar: true, strip: 2 },
  ].map((plan) =>
    makeTiff({ width: WIDTH, height: HEIGHT, values: values(WIDTH * HEIGHT * plan.samples, 256), ...plan }),
  );

const fits = (): Uint8Array[] =>
  [8, 16, 32, -32, -64].map((bitpix) => fitsFile(bitpix, [WIDTH, HEIGHT], values(WIDTH * HEIGHT, 100)));

const ENTRIES = ['cats/1.png', 'cats/2.png', 'dogs/3.png'].map((path, i) => ({ path, bytes: pngs()[i] }));

const parquets = (): Uint8Array[] => [
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'png', data: ENTRIES.map(({ bytes }) => bytes), type: 'BYTE_ARRAY' },
        { name: 'label', data: [0, 1, 0], type: 'INT32' },
      ],
    }),
  ),
  new Uint8Array(
    parquetWriteBuffer({
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
        { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
      ],
      columnData: [
        { name: 'image', data: ENTRIES.map(({ bytes, path }) => ({ bytes, path })) },
        { name: 'label', data: [0n, 1n, null] },
      ],
      kvMetadata: [
        {
          key: 'huggingface',
          value: JSON.stringify({
            info: { features: { image: { _type: 'Image' }, label: { _type: 'ClassLabel', names: ['cat', 'dog'] } } },
          }),
        },
      ],
      rowGroupSize: 2,
    }),
  ),
];

const VOTES = [
  [ID_COLUMN, ...CHALLENGE_COLUMNS].join(),
  ...[1, 2, 3].map((id) => [100 + id, ...CHALLENGE_COLUMNS.map((_, k) => (k % 4) / 4)].join()),
].join('\n');
const TABLE = 'image,label,part\ncase,cat,train\n"a ""b"", c.png",dog,val\n';
const bytesOf = (...texts: string[]) => texts.map((each) => new Uint8Array(Buffer.from(each)));

const f32 = (shape: number[], seed = 1) => ({
  dtype: 'f32' as const,
  shape,
  data: Float32Array.from(noise(elementCount(shape) * 4, seed).subarray(0, elementCount(shape)), (byte) => byte / 255),
});
const TENSORS = new Map([
  ['classifier.w', f32([4, 2])],
  ['bn.stats', f32([2, 4])],
  ['classifier.w/v', f32([4, 2])],
]);
const MODEL = {
  architecture: { name: 'vgg_small', config: { width: 1 } },
  task: { name: 'classes', head: 'softmax' },
  classes: ['cat', 'dog'],
  preprocessing: { size: 32, crop: 40, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
  padding: 'same' as const,
  bnEpsilon: 1e-3,
  config: { data: 'x' },
  weights: TENSORS,
};
const TORCH = new Map<unknown, unknown>([
  ['a', tensor({ count: 6, shape: [2, 3], strides: [3, 1] })],
  ['b', tensor({ key: '1', storage: 'HalfStorage', count: 8, offset: 2, shape: [3, 2], strides: [1, 3] })],
]);
const torchFiles = (): Uint8Array[] => {
  const storages = { 0: noise(24, 4), 1: noise(16, 5) };
  const files = [0, 8].map((method) => torchZip(TORCH, storages, { method }));
  return [
    ...files,
    torchLegacy(TORCH, [
      ['0', 6, storages[0]],
      ['1', 8, storages[1]],
    ]),
    BY_PYTHON_5,
    BY_PYTHON_LEGACY,
  ];
};
const KERAS: Layer[] = ['a', 'b'].map((name, i) => ({
  name,
  kind: ['Conv2D', 'BatchNormalization'][i],
  variables: [{ name: ['kernel', 'gamma'][i], shape: [2, 3], data: Float32Array.from(noise(6, i)) }],
}));
const kerasFiles = (): Promise<Uint8Array[]> =>
  Promise.all([keras2(KERAS), keras3(KERAS), kerasArchive(KERAS), kerasArchive(KERAS, { method: 0 })]);
async function readAnyWeights(bytes: Uint8Array): Promise<void> {
  for (const { shape, data } of (await readWeightsBytes(bytes, 'case')).tensors.values())
    requireSound(data.length === elementCount(shape), 'a tensor that is not of its shape');
}

/** Without checksums, as others write it: else nothing behind them would be reached. */
const withoutSums = (file: Uint8Array): Uint8Array => {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = text(file.subarray(8, 8 + length))
    .replace(/,?"tuningfork_crc32":"[^"]*"/, '')
    .replace('{,', '{');
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return new Uint8Array(Buffer.concat([head, Buffer.from(header), file.subarray(8 + length)]));
};
const both = (file: Uint8Array) => [file, withoutSums(file)];

const STATE = { ...NEW_STATE, step: 3, history: [EPOCH], best: { epoch: 1, loss: 0.4 } };
const CONFIG = {
  task: { name: 'challenge' },
  weights: null,
  tune: { epochs: 2 },
  fold: { index: 1, of: 5, seed: 0 },
  data: 'x',
};
const TUNED = { choice: { lanes: 8 }, kernels: 'ab.cd', before: 2, after: 1 };

export const FORMATS: Readonly<Record<string, Format>> = {
  jpeg: { sound: async () => jpegs(), read: readImage },
  png: { sound: async () => pngs(), read: readImage },
  webp: { sound: webps, read: readImage },
  tiff: { sound: async () => tiffs(), read: readImage },
  fits: { sound: async () => fits(), read: readImage },
  zip: {
    sound: async () => [makeZip(ENTRIES), makeZip(ENTRIES.map((entry) => ({ ...entry, method: 0 })))],
    read: readArchive,
  },
  tar: { sound: async () => [makeTar(ENTRIES)], read: readArchive },
  parquet: { sound: async () => parquets(), read: readArchive },
  csv: {
    sound: async () => bytesOf(VOTES, VOTES.replaceAll('\n', '\r\n')),
    read: async (bytes) => {
      for (const votes of parseKaggle(text(bytes), 'case').values())
        requireSound(
          [...votes.all!].every((share) => share >= 0 && share <= 1),
          'a share that is not within 0..1',
        );
    },
  },
  table: {
    sound: async () => bytesOf(TABLE, TABLE.replaceAll(',', ', ')),
    read: byPath(async (path) => {
      const columns = { image: 'image', label: 'label', split: 'part' };
      const { images } = await openTable(path, { columns, skipBad: true });
      requireSound(images.length > 0, 'no image');
    }),
  },
  'csv.gz': {
    sound: async () => bytesOf(TABLE).map((bytes) => new Uint8Array(gzipSync(bytes))),
    read: byPath((path) => readCsv(path, () => undefined), 'case.csv.gz'),
  },
  safetensors: {
    sound: async () => both(writeSafetensors(TENSORS, { format: 'pt' })),
    read: async (bytes) => {
      for (const { shape, data } of parseSafetensors(bytes, 'case').tensors.values())
        requireSound(data.length === elementCount(shape), 'a tensor that is not of its shape');
    },
  },
  'weights of PyTorch': { sound: async () => torchFiles(), read: readAnyWeights },
  'weights of Keras': { sound: kerasFiles, read: readAnyWeights },
  onnx: {
    sound: async () => onnxFiles(),
    read: async (bytes) => {
      const { specs, weights } = importOnnx(bytes, { size: 8 });
      for (const { name, shape } of specs)
        requireSound(weights.get(name)?.length === elementCount(shape), 'a weight that is not of its shape');
    },
  },
  ...NETWORKS,
  'model.safetensors': {
    sound: async () => both(packModel(MODEL)),
    read: async (bytes) => {
      for (const { data } of unpackModel(bytes, 'case').weights.values())
        requireSound(data.every(Number.isFinite), 'a weight that is not finite');
    },
  },
  'checkpoint.safetensors': {
    sound: async () => both(writeSafetensors(TENSORS, { tuningfork_state: JSON.stringify(STATE) })),
    read: byPath(async (path) => {
      const checkpoint = await loadCheckpoint(path);
      requireSound(
        [...checkpoint!.arrays.values()].every((data) => data.every(Number.isFinite)),
        'a number not finite',
      );
    }),
  },
  npy: {
    sound: async () => [writeNpy([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6))],
    read: async (b) => readNpy(b, 'case'),
  },
  'config.json': { sound: json(CONFIG), read: byPath(readOptions) },
  'state of a checkpoint': { sound: json(STATE), read: async (bytes) => parseState(text(bytes), 'case') },
  'metrics.json': { sound: json(METRICS), read: byPath((path) => readMetrics(path, 'classes')) },
  'origin.json': {
    sound: async () =>
      bytesOf(originText({ adapter: 'a', weights: null, images: [['a', 'train', 'b', '1', 'c']], accepted: [] })),
    read: byPath(readOrigin),
  },
  'state of rows': {
    sound: json({
      origin: { model: 'm', images: 6 },
      ...{ total: 6, rows: 2, bad: 1, bytes: 20, header: 5 },
      images: { dated: 'a', bytes: 'b' },
      ids: { bytes: 8 },
    }),
    read: byPath((path) => readState(path.replace(/\.state\.json$/, '')), 'case.state.json'),
  },
  'tuning.json': {
    sound: json({ format: 'tuningfork tuning 1', adapters: { a: { '["conv2d",["f32 1x2"],"f32 1",{}]': TUNED } } }),
    read: async (bytes) => TuningTable.parse(text(bytes), 'case'),
  },
  'a schema of votes': {
    sound: json({ questions: [{ name: 'bar', answers: ['yes', { name: 'no', column: 'no_bar' }] }] }),
    read: byPath((path) => {
      const columns = columnsOf(readSchemaFile(path));
      requireSound(columns.length >= 2 && new Set(columns).size === columns.length, 'a column twice');
    }),
  },
  'a grid': {
    sound: json({ lr: [0.1, 0.2], size: 32 }, { random: 5, seed: 1, lr: { log: [1e-5, 1e-2] }, flip: [true, false] }),
    read: async (bytes) => {
      let grid: unknown;
      try {
        grid = JSON.parse(text(bytes));
      } catch (error) {
        throw new UserError(`case is not JSON: ${(error as Error).message.split('\n')[0]}`);
      }
      return expandGrid(grid, 'case');
    },
  },
};
