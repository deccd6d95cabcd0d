import { input } from '../engine/ops/leaves.ts';
import type { Tensor } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import { readSafetensorsFile } from '../models/formats/safetensors.node.ts';
import { toFloat32 } from '../models/formats/stored_tensor.ts';
import type { Samples } from '../vision/answer/batches.ts';
import { channelsFirst, type Layout } from '../vision/answer/embed.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import type { Progress } from '../vision/progress.ts';
import { imageInput } from '../vision/view/views.ts';
import { fileChecksums } from './checksum.node.ts';
import { KEPT_CHUNKS } from './good_images.ts';
import type { StampOf } from './image_chain.node.ts';
import type { LoadedModel, OnnxFlags } from './load_model.node.ts';
import { dataSpecOrDrawn, lookedAtBy, openData, tellData, type DataFlags } from './open_data.node.ts';
import { imageOrigin } from './row_origin.node.ts';
import type { Origin } from './row_state.node.ts';

/** Samples at a time through the network. */
export const BATCH = 8;

/** What is embedded: images through the model's own preprocessing, or ready tensors. */
export interface EmbedSource {
  readonly ids: readonly string[];
  /** The network's input [batch, H, W, 3]. */
  readonly x: Tensor;
  /** What rows of it depend on. */
  readonly origin: Origin;
  /** Absent where none can change. */
  readonly stamp?: StampOf;
  fault(example: number): Promise<UserError | undefined>;
  samples(examples: readonly number[]): Samples;
  close(): Promise<void>;
}

/** The central half of Galaxy Zoo's images, in pixels. */
const GALAXY_CROP = 212;

type SourceFlags = DataFlags & OnnxFlags & { readonly skipBad?: boolean };

export async function imageSource(
  path: string,
  model: LoadedModel,
  flags: SourceFlags,
  progress: Progress,
): Promise<EmbedSource> {
  const spec = { ...dataSpecOrDrawn(flags), stretch: model.stretch };
  const opened = await openData(spec, progress, { skipBad: flags.skipBad, asMet: true, ...lookedAtBy(model) });
  tellData(opened, spec, progress);
  const { dataset } = opened;
  // Bare weights were told of no images: galaxies are shown as a network is shown that is trained on them.
  const isBare = model.file === undefined && opened.kind === 'galaxies';
  const seen = isBare ? { ...model, crop: GALAXY_CROP, shortSide: undefined } : model;
  const views = viewsFor(seen, dataset, KEPT_CHUNKS);
  return {
    ids: dataset.examples.map(({ id }) => id),
    x: imageInput(BATCH, views.side, views.geometry),
    origin: await imageOrigin(path, flags, dataset, model.stretch),
    stamp: dataset.stamp && ((image) => dataset.stamp!(image)),
    fault: (example) => views.fault(example),
    samples: (examples) => ({
      count: examples.length,
      nameOf: (position) => views.nameOf(examples[position]),
      feeds: (positions) => views.feeds(positions.map((p) => views.plain(examples[p]))),
    }),
    close: () => dataset.close(),
  };
}

/** The tensor `input` of a safetensors file, already normalised; rows are known by their numbers. */
export async function tensorSource(
  path: string,
  flags: OnnxFlags & { readonly layout: Layout },
  file: string,
): Promise<EmbedSource> {
  const { n, height, width, channels, nhwc } = await readInput(file, flags.layout);
  const length = height * width * channels;
  const ids = Array.from({ length: n }, (_, i) => String(i));
  const dataset = { name: file, examples: ids.map((id) => ({ id })) };
  return {
    ids,
    x: input('x', [Math.min(BATCH, n), height, width, channels]),
    origin: { ...(await imageOrigin(path, flags, dataset, undefined)), input: (await fileChecksums(file)).sha256 },
    fault: async () => undefined,
    samples: (examples) => ({
      count: examples.length,
      nameOf: (position) => `${file}: input row ${examples[position]}`,
      async feeds(positions) {
        const x = new Float32Array(positions.length * length);
        positions.forEach((p, i) => x.set(nhwc.subarray(examples[p] * length, (examples[p] + 1) * length), i * length));
        return { x };
      },
    }),
    close: async () => {},
  };
}

async function readInput(path: string, layout: Layout) {
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
  // From [N, 3, pixels] to [N, pixels, 3]: the same transposition with the two axes' names exchanged.
  const nhwc = layout === 'nchw' ? channelsFirst(values, channels, height * width) : values;
  return { n, height, width, channels, nhwc };
}
