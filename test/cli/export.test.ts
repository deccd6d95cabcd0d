import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildModel } from '../../models/build_network.ts';
import { initialValues } from '../../models/initialise.ts';
import { packModel, unpackModel } from '../../models/formats/model_file.ts';
import { parseSafetensors, writeSafetensors } from '../../models/formats/safetensors.ts';
import { readStored } from '../../cli/load_model.node.ts';
import { IMAGENET } from '../../models/normalisation.ts';
import { decodeModel } from '../../models/onnx/proto.ts';
import { buildModel as buildOnnx } from '../models/onnx/build.ts';
import { floats, tensor, torchZip } from '../models/torch_files.ts';
import { fail, succeed, tuningfork } from './cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-export-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A run's model.safetensors, of weights as they are before training. */
function modelFile(name: string, arithmetic: { padding: 'same' | 'symmetric'; bnEpsilon: number }): string {
  const { network } = buildModel(name, 2);
  const path = join(folder, `${name}-${arithmetic.padding}.safetensors`);
  const bytes = packModel({
    architecture: { name, config: {} },
    task: { name: 'classes', head: 'softmax' },
    classes: ['cat', 'dog'],
    preprocessing: { size: 64, crop: null, mean: [0.5, 0.25, 0.125], std: [0.5, 0.5, 0.5] },
    ...arithmetic,
    config: {},
    weights: new Map(network.specs.map((spec) => [spec.name, { shape: spec.shape, data: initialValues(spec, 3) }])),
  });
  writeFileSync(path, bytes);
  return path;
}
const vgg = modelFile('vgg_small', { padding: 'same', bnEpsilon: 1e-3 });

describe('export', () => {
  it('writes what load_state_dict takes, and says how images are prepared', async () => {
    const to = join(folder, 'vgg.safetensors');
    expect(await succeed('export', vgg, '--to', to)).toBe(
      `${to}: 26 tensors of vgg_small as torchvision names them, for images with the mean 0.5, 0.25, 0.125 and the deviation 0.5, 0.5, 0.5\n`,
    );
    const { tensors, metadata } = parseSafetensors(readFileSync(to), to);
    expect(tensors.size).toBe(26);
    expect(tensors.get('features.0.weight')!.shape).toEqual([16, 3, 3, 3]);
    expect(tensors.get('features.1.num_batches_tracked')).toMatchObject({ dtype: 'i64', shape: [] });
    expect(tensors.get('classifier.0.weight')!.shape).toEqual([2, 64]);
    expect(metadata).toMatchObject({ format: 'pt', architecture: 'vgg_small', classes: '["cat","dog"]' });
    expect(JSON.parse(metadata.preprocessing)).toEqual({
      size: 64,
      crop: null,
      mean: [0.5, 0.25, 0.125],
      std: [0.5, 0.5, 0.5],
    });
    // Filter [r, s, c, k] at [1, 2, 0, 5] is [k, c, r, s] at [5, 0, 1, 2].
    const own = unpackModel(readFileSync(vgg), vgg).weights.get('block1.0.conv.w')!.data;
    expect(tensors.get('features.0.weight')!.data[5 * 27 + 5]).toBe(own[(1 * 3 + 2) * 48 + 5]);
  });
  it('says what differs in arithmetic, and where it does not', async () => {
    const told = async (padding: 'same' | 'symmetric', bnEpsilon: number, names: string) => {
      const model = modelFile('efficientnet_b0', { padding, bnEpsilon });
      const { code, stderr } = await tuningfork([
        'export',
        model,
        '--to',
        join(folder, 'b0.safetensors'),
        '--names',
        names,
      ]);
      expect(code).toBe(0);
      return stderr;
    };
    expect(await told('same', 1e-3, 'timm')).toBe('timm calls this network tf_efficientnet_b0.\n');
    expect(await told('symmetric', 1e-5, 'timm')).toBe('timm calls this network efficientnet_b0.\n');
    expect(await told('same', 1e-3, 'keras')).toBe('');
    expect(await told('symmetric', 1e-5, 'torchvision')).toBe('');
    expect(await told('same', 1e-3, 'torchvision')).toBe(
      "The model pads by SAME, with a batch-norm epsilon of 0.001, which the efficientnet_b0 of torchvision does not; timm's tf_efficientnet_b0 has: --names timm.\n",
    );
  });
  it('refuses what it cannot write, and leaves nothing', async () => {
    const to = join(folder, 'none.safetensors');
    expect(await fail('export', vgg, '--to', join(folder, 'w.bin'))).toMatch(
      /--to .*w\.bin: it must end with \.safetensors/,
    );
    expect(await fail('export', vgg, '--to', to, '--names', 'keras')).toMatch(
      /keras's names for vgg_small are not known/,
    );
    expect(() => readFileSync(to)).toThrow(/ENOENT/);
  });
  it('never takes the place of what it reads, under whatever name', async () => {
    const [before, link, copy] = [readFileSync(vgg), join(folder, 'link'), join(folder, 'copy.onnx')];
    symlinkSync(folder, link);
    for (const to of [vgg, join(link, basename(vgg)), `${link}/./${basename(vgg)}`])
      expect(await fail('export', vgg, '--to', to)).toMatch(/--to .*vgg.* is the file that is read; give another name/);
    expect(readFileSync(vgg).equals(before)).toBe(true);
    await succeed('export', vgg, '--to', copy);
    const onnx = readFileSync(copy);
    expect(await fail('export', join(link, 'copy.onnx'), '--to', copy)).toMatch(/copy\.onnx is the file that is read/);
    expect(readFileSync(copy).equals(onnx)).toBe(true);
    await succeed('export', vgg, '--to', copy, '--probabilities');
  });
});

describe('what it wrote is read back as it was', () => {
  it.each([
    ['efficientnet_b0', 'timm'],
    ['efficientnet_b0', 'keras'],
    ['vgg_small', 'torchvision'],
  ])('%s as %s names it: arithmetic and normalisation, with nothing assumed', async (name, names) => {
    // No program has these two together.
    const arithmetic = { padding: 'symmetric', bnEpsilon: 1e-4 } as const;
    const to = join(folder, `again-${name}-${names}.safetensors`);
    await succeed('export', modelFile(name, arithmetic), '--to', to, '--names', names);
    const { built } = await readStored(to);
    expect(built.notes).toEqual([]);
    expect(built.preprocessing).toMatchObject({ mean: [0.5, 0.25, 0.125], std: [0.5, 0.5, 0.5] });
    if (name === 'efficientnet_b0') expect(built.arithmetic).toEqual(arithmetic);
  });

  it('what makes no sense there is as if it were not said', async () => {
    const to = join(folder, 'odd.safetensors');
    const { tensors } = parseSafetensors(readFileSync(vgg), vgg);
    const odd = { arithmetic: '{"padding":"round","bnEpsilon":-1}', preprocessing: '{"mean":[1,2],"std":"x"}' };
    for (const metadata of [odd, { arithmetic: 'null', preprocessing: '{' }, {}]) {
      writeFileSync(to, writeSafetensors(tensors, metadata));
      const { built } = await readStored(to);
      expect(built.preprocessing).toMatchObject(IMAGENET);
      expect(built.notes).toContainEqual(expect.stringMatching(/nothing says how its pixels were normalised/));
    }
  });
});

describe('an ONNX file', () => {
  const net = join(folder, 'net.onnx');
  const to = join(folder, 'ready.onnx');
  const means = [
    { op: 'GlobalAveragePool', inputs: ['x'], outputs: ['p'] },
    { op: 'Flatten', inputs: ['p'], outputs: ['y'] },
  ];
  writeFileSync(net, buildOnnx({ nodes: means, inputs: { x: { shape: ['N', 3, 'H', 'W'] } }, outputs: ['y'] }));

  it('is exported with what is said of its pixels and its size', async () => {
    const flags = ['--mean', '0.5', '--std', '0.25', '--size', '32', '--adapter', 'lavapipe'];
    const { code, stderr } = await tuningfork(['export', net, '--to', to, ...flags]);
    expect([code, stderr]).toEqual([0, '']);
    const said = decodeModel(readFileSync(to), to).metadataProps.find(({ key }) => key === 'preprocessing')!.value;
    expect(JSON.parse(said)).toMatchObject({ size: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] });
    expect((await tuningfork(['export', net, '--to', to])).stderr).toMatch(/ImageNet's numbers are assumed/);
    expect(await fail('export', vgg, '--to', to, '--mean', '0.5')).toMatch(/--mean is for ONNX files/);
  });
});

describe('a file of weights that is none', () => {
  const to = join(folder, 'never.safetensors');
  it.each<[string, Uint8Array, RegExp]>([
    [
      'a page',
      Buffer.from('<!doctype html><title>404</title>'),
      /w\.pth is an HTML page, which is not read as weights/,
    ],
    ['gzip', Buffer.from('\x1f\x8b\x08\0\0\0\0\0', 'latin1'), /w\.pth is packed by gzip/],
    [
      'one tensor',
      torchZip(tensor({ count: 1, shape: [1], strides: [1] }), { 0: floats(1) }),
      /w\.pth holds no dictionary of tensors/,
    ],
    [
      'another network',
      torchZip(new Map([['layer.weight', tensor({ count: 1, shape: [1], strides: [1] })]]), { 0: floats(1) }),
      /w\.pth: these are not the weights of an EfficientNet-B0 .* begin with 'layer\.weight'/,
    ],
  ])('%s is told in a sentence', async (_what, bytes, sentence) => {
    const path = join(folder, 'w.pth');
    writeFileSync(path, bytes);
    expect(await fail('export', path, '--to', to)).toMatch(sentence);
  });
});
