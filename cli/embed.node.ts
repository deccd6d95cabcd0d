import { csvField } from '../vision/data/csv.ts';
import { jsonText } from '../vision/json_text.ts';
import { extname } from 'node:path';
import type { Device } from '../engine/device/device.ts';
import { input } from '../engine/ops/leaves.ts';
import type { Tensor } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import type { Samples } from '../vision/answer/batches.ts';
import { channelsFirst, embed, layerOf, type Layout } from '../vision/answer/embed.ts';
import type { Progress } from '../vision/progress.ts';
import { imageInput } from '../vision/view/views.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import { npyHeader } from '../models/formats/npy.ts';
import { readSafetensorsFile } from '../models/formats/safetensors.node.ts';
import { toFloat32 } from '../models/formats/stored_tensor.ts';
import { loadModel, type LoadedModel, type OnnxFlags } from './load_model.node.ts';
import { dataSpecOrDrawn, lookedAtBy, openData, tellData, type DataFlags } from './open_data.node.ts';
import type { GlobalOptions } from './options.ts';
import { PartFile } from './part_file.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface EmbedFlags extends GlobalOptions, DataFlags, OnnxFlags {
  readonly input?: string;
  readonly layout: Layout;
  readonly layer?: string;
  readonly out: string;
  readonly skipBad?: boolean;
}

/** Samples at a time through the network. */
const BATCH = 8;

/** What is embedded: images through the model's own preprocessing, or ready tensors. */
interface Embedded extends Samples {
  readonly ids: readonly string[];
  /** The network's input [batch, H, W, 3]. */
  readonly x: Tensor;
  close(): Promise<void>;
}

/** Writes a layer's activations (the features, when not told) as .npy with the ids beside it, or as csv. */
export async function embedToFile(path: string, flags: EmbedFlags): Promise<void> {
  const kind = extname(flags.out);
  if (kind !== '.npy' && kind !== '.csv') throw new UserError(`--out ${flags.out}: it must end with .npy or .csv`);
  if (flags.input !== undefined && (flags.data !== undefined || flags.table !== undefined))
    throw new UserError('images and --input are two sources of what to embed; give one of them');
  using device = await openSession(flags);
  using model = await loadModel(device, path, flags);
  const progress = terminalProgress();
  const samples =
    flags.input === undefined
      ? await imageSamples(model, flags, progress)
      : await tensorSamples(flags.input, flags.layout);
  try {
    const shape = await write(device, model, samples, flags, progress);
    if (flags.json) console.log(jsonText({ file: flags.out, shape }, 0));
    else console.log(`${flags.out}: ${shape[0]} rows of ${shape[1]}`);
  } finally {
    progress.end();
    await samples.close();
  }
}

async function write(
  device: Device,
  model: LoadedModel,
  samples: Embedded,
  { out, layer, layout }: EmbedFlags,
  progress: Progress,
): Promise<[number, number]> {
  const { network } = model.built;
  const { ids, x } = samples;
  const kind = extname(out);
  const activation = layerOf(network, model.parameters, x, layer ?? network.features);
  if (model.classes.length === 0 && layer === 'classifier')
    throw new UserError('these weights are a trunk without a classifier; take another --layer');
  const width = activation.size / activation.shape[0];
  await using file = await PartFile.create(out);
  await using idFile = kind === '.npy' ? await PartFile.create(`${out}.ids.txt`) : undefined;
  await file.write(
    kind === '.npy'
      ? npyHeader([ids.length, width])
      : `id,${Array.from({ length: width }, (_, i) => `f${i}`).join(',')}\n`,
  );
  progress.start('embedding', ids.length);
  for await (const { start, count, rows } of embed(device, activation, samples, layout)) {
    if (kind === '.npy') await file.write(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    else {
      const lines = Array.from(
        { length: count },
        (_, i) =>
          `${csvField(ids[start + i])},${Array.from(rows.subarray(i * width, (i + 1) * width), shortest).join(',')}\n`,
      );
      await file.write(lines.join(''));
    }
    progress.tick(start + count);
  }
  progress.end();
  await idFile?.write(ids.map((id) => `${id}\n`).join(''));
  await idFile?.finish();
  await file.finish();
  return [ids.length, width];
}

/** Nine digits tell every float32 from every other. */
const shortest = (value: number): number => Number(value.toPrecision(9));

async function imageSamples(model: LoadedModel, flags: EmbedFlags, progress: Progress): Promise<Embedded> {
  const spec = { ...dataSpecOrDrawn(flags), stretch: model.stretch };
  const opened = await openData(spec, progress, { skipBad: flags.skipBad, ...lookedAtBy(model) });
  tellData(opened, spec, progress);
  const { dataset } = opened;
  const views = viewsFor(model, dataset);
  return {
    count: dataset.examples.length,
    ids: dataset.examples.map(({ id }) => id),
    nameOf: (position) => views.nameOf(position),
    x: imageInput(BATCH, views.side, views.geometry),
    feeds: (positions) => views.feeds(positions.map((p) => views.plain(p))),
    close: () => dataset.close(),
  };
}

/** The tensor `input` of a safetensors file, already normalised; rows are known by their numbers. */
async function tensorSamples(path: string, layout: Layout): Promise<Embedded> {
  const { tensors } = await readSafetensorsFile(path);
  const stored = tensors.get('input');
  if (!stored) throw new UserError(`${path} has no tensor named input; it has ${[...tensors.keys()].join(', ')}`);
  const { shape } = stored;
  const [n, height, width, channels] = layout === 'nchw' ? [shape[0], shape[2], shape[3], shape[1]] : shape;
  if (shape.length !== 4 || channels !== 3)
    throw new UserError(
      `${path}: the tensor input is [${shape.join(', ')}], and --layout ${layout} wants [N, ${layout === 'nchw' ? '3, H, W' : 'H, W, 3'}]`,
    );
  if (n === 0) throw new UserError(`${path}: the tensor input has no rows, so there is nothing to embed`);
  const values = toFloat32(stored, `${path}: tensor 'input'`);
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0)
    throw new UserError(
      `${path}: tensor 'input' holds ${values[broken]} in row ${Math.floor(broken / (values.length / n))}; the features of it would be none: mend the file`,
    );
  const pixels = height * width;
  const length = pixels * channels;
  // From [N, 3, pixels] to [N, pixels, 3]: the same transposition with the two axes' names exchanged.
  const nhwc = layout === 'nchw' ? channelsFirst(values, channels, pixels) : values;
  return {
    count: n,
    ids: Array.from({ length: n }, (_, i) => String(i)),
    nameOf: (position) => `${path}: input row ${position}`,
    x: input('x', [Math.min(BATCH, n), height, width, channels]),
    async feeds(positions) {
      const x = new Float32Array(positions.length * length);
      positions.forEach((p, i) => x.set(nhwc.subarray(p * length, (p + 1) * length), i * length));
      return { x };
    },
    close: async () => {},
  };
}
