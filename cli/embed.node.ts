import { join } from 'node:path';
import type { Device } from '../engine/device/device.ts';
import { UserError } from '../engine/user_error.ts';
import { npyHeader } from '../models/formats/npy.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { Embedder, layerOf, type Layout } from '../vision/answer/embed.ts';
import { jsonText } from '../vision/json_text.ts';
import type { Progress } from '../vision/progress.ts';
import { BATCH, imageSource, tensorSource, type EmbedSource } from './embed_source.node.ts';
import { featureForm, featureKind, type FeatureKind } from './feature_form.ts';
import { CHUNK, goodImages, skipped } from './good_images.ts';
import { loadModel, type LoadedModel, type OnnxFlags } from './load_model.node.ts';
import type { DataFlags } from './open_data.node.ts';
import type { GlobalOptions } from './options.ts';
import { parquetOf } from './parquet_rows.node.ts';
import { terminalProgress } from './progress.node.ts';
import { RowFile, type FinishOptions } from './row_file.node.ts';
import { openSession } from './session.node.ts';
import { shardName, shardRange, type Shard } from './shards.ts';

export interface EmbedFlags extends GlobalOptions, DataFlags, OnnxFlags {
  readonly input?: string;
  readonly layout: Layout;
  readonly layer?: string;
  readonly out?: string;
  readonly skipBad?: boolean;
  /** Only this part of the images, into a file of the folder `out`. */
  readonly shard?: Shard;
  /** What a part is. */
  readonly format?: FeatureKind;
}

/** The file that rows go to, what they are while they are written, and what becomes of them then. */
interface Target extends Pick<FinishOptions, 'convert'> {
  readonly file: string;
  readonly kind: FeatureKind;
}

const FEATURES = { type: 'FLOAT', endsWithText: false } as const;

/** Numbers that a batch of rows may have: more are written in smaller batches. */
const MOST_NUMBERS = 2 ** 22;

/** Writes a layer's activations (the features, when not told) as .npy with the ids beside it, csv or parquet. */
export async function embedToFile(path: string, flags: EmbedFlags): Promise<void> {
  const target = targetOf(flags);
  if (flags.input !== undefined && (flags.data !== undefined || flags.table !== undefined))
    throw new UserError('images and --input are two sources of what to embed; give one of them');
  using device = await openSession(flags);
  using model = await loadModel(device, path, flags);
  const progress = terminalProgress();
  const source =
    flags.input === undefined
      ? await imageSource(path, model, flags, progress)
      : await tensorSource(path, flags, flags.input);
  try {
    const shape = await write({ device, model, source }, target, flags, progress);
    if (flags.json) console.log(jsonText({ file: target.file, shape }, 0));
    else console.log(`${target.file}: ${shape[0]} rows of ${shape[1]}`);
  } finally {
    progress.end();
    await source.close();
  }
}

function targetOf({ out, shard, format }: EmbedFlags): Target {
  if (out === undefined) throw new UserError('embed needs a file to write: give --out');
  if (shard) {
    const kind = format ?? 'npy';
    return { file: join(out, shardName(shard, kind)), kind };
  }
  if (format) throw new UserError('--format is for parts, with --shard; the ending of --out says it of a file');
  const kind = featureKind(out);
  return kind === 'parquet' ? { file: out, kind: 'csv', convert: parquetOf(FEATURES) } : { file: out, kind };
}

interface Parts {
  readonly device: Device;
  readonly model: LoadedModel;
  readonly source: EmbedSource;
}

async function write(
  { device, model, source }: Parts,
  { file, kind, convert }: Target,
  { out: folder, layer, layout, shard, skipBad }: EmbedFlags,
  progress: Progress,
): Promise<[number, number]> {
  const { network } = model.built;
  const { ids, stamp } = source;
  const activation = layerOf(network, model.parameters, source.x, layer ?? network.features);
  if (model.classes.length === 0 && layer === 'classifier')
    throw new UserError('these weights are a trunk without a classifier; take another --layer');
  using embedder = await Embedder.create(device, activation, layout);
  const { width } = embedder;
  const form = featureForm(kind, width);
  const range = shardRange(ids.length, shard);
  const total = range[1] - range[0];
  if (shard) makeFolder(folder!);
  await using out = await RowFile.open(file, {
    origin: {
      ...{ rows: 'features', ...source.origin },
      ...{ '--layer': layer ?? network.features, '--layout': layout, '--format': kind, width },
      ...(shard && { shards: shard.of }),
    },
    total,
    header: form.header(total),
    hasIds: kind === 'npy',
    stamp: stamp && ((image) => stamp(range[0] + image)),
  });
  const done = out.rows + out.bad;
  if (done > 0) progress.line(`${done} of ${total} were embedded before`);
  const chunk = Math.min(CHUNK, BATCH * Math.max(1, Math.floor(MOST_NUMBERS / width / BATCH)));
  const asked = { title: 'embedding', range, done, skipBad, chunk };
  for await (const { before, examples, bad } of goodImages(source, asked, progress)) {
    const rows = await embedder.embed(source.samples(examples), (count) => progress.tick(before + count));
    const names = examples.map((example) => ids[example]);
    await out.append(form.rows(names, rows), names.length, bad, form.ids(names));
  }
  // Their number is known only now.
  const header = kind === 'npy' ? npyHeader([out.rows, width]) : undefined;
  await out.finish({ keepState: shard !== undefined, header, convert });
  if (out.bad > 0) progress.line(skipped(out.bad));
  return [out.rows, width];
}
