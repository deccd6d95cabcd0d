import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../engine/program/program.ts';
import type { Device } from '../../engine/device/device.ts';
import { sizeOf, type Tensor } from '../../engine/tensor.ts';
import { fileError } from '../../models/formats/file_error.node.ts';
import { applySegments, segmentsBetween } from '../../models/network.ts';
import { imageInput, type View, type ViewMaker } from '../view/views.ts';
import type { Learner } from './learner.ts';
import type { Progress } from '../progress.ts';
import { RecordFile } from './record_file.node.ts';
import { requireFinite } from '../answer/require_finite.ts';
import { RecordSource, type SampleSource } from './sample_source.ts';

/** Images at a time through the frozen front. */
const FRONT_BATCH = 8;

/** What the frozen network made of every view: at the cut where fine-tuning begins, and as features for the head. */
export interface Front {
  /** Undefined where all is fine-tuned: there the samples are images. */
  readonly cut: SampleSource | undefined;
  readonly features: SampleSource;
  /** What it took, in all runs that it was interrupted in together. */
  readonly seconds: number;
  close(): void;
}

export interface FrontSpec {
  /** The segment after which fine-tuning begins; undefined: with the first. */
  readonly cut: string | undefined;
  /** Where the activations are kept. */
  readonly folder: string;
  /** What the activations depend on beside the network: options, weights, adapter. */
  readonly key: string;
  /** Called before the first of them is kept. */
  readonly begin: () => Promise<void>;
}

/**
 * Runs the frozen network once over all views and keeps its activations on disk; goes on where an interrupted run
 * stopped.
 */
export async function runFront(
  learner: Learner,
  maker: ViewMaker,
  { cut, folder, key, begin }: FrontSpec,
  progress: Progress,
): Promise<Front> {
  const {
    device,
    model: { network },
    parameters,
    prepared,
    options: { views },
  } = learner;
  const context = { parameters, batchNorm: 'running' } as const;
  const images = imageInput(FRONT_BATCH, maker.side, maker.geometry);
  const atCut = cut === undefined ? images : applySegments(segmentsBetween(network, undefined, cut), images, context);
  const atFeatures = applySegments(segmentsBetween(network, cut, network.features), atCut, context);

  const open = async (name: string, output: Tensor) => {
    const shape = output.shape.slice(1);
    return { output, shape, file: await RecordFile.open(join(folder, name), sizeOf(shape), key) };
  };
  const cutRecords = cut === undefined ? undefined : await open('cut.f32', atCut);
  const featureRecords = await open('features.f32', atFeatures);
  const into = [...(cutRecords ? [cutRecords] : []), featureRecords];
  const close = () => into.forEach(({ file }) => file.close());
  const all: (() => View)[] = [
    ...prepared.train.flatMap((g) => Array.from({ length: views }, (_, v) => () => maker.random(g, v))),
    ...prepared.validation.map((g) => () => maker.plain(g)),
  ];
  let seconds: number;
  try {
    seconds = await fill(device, maker, all, into, { progress, begin, clock: join(folder, 'seconds') });
  } catch (error) {
    close();
    throw error;
  }
  const source = ({ file, shape }: typeof featureRecords) =>
    new RecordSource(file, shape, prepared.train.length, views);
  return { cut: cutRecords && source(cutRecords), features: source(featureRecords), seconds, close };
}

/**
 * Appends to each file what the network makes of the views that it does not hold yet.
 * @param clock the file in which the seconds are kept that it took, this time and in interrupted runs before
 * @returns these seconds
 */
async function fill(
  device: Device,
  maker: ViewMaker,
  views: readonly (() => View)[],
  into: readonly { readonly output: Tensor; readonly file: RecordFile }[],
  { progress, begin, clock }: Pick<FrontSpec, 'begin'> & { readonly progress: Progress; readonly clock: string },
): Promise<number> {
  // The files grow a batch at a time; what only some of them got before an interruption is made again.
  let done = Math.min(...into.map(({ file }) => file.count));
  if (done < views.length) done -= done % FRONT_BATCH;
  for (const { file } of into) file.truncate(done);
  // 0 too where a run of an earlier version, which kept no time, is gone on with.
  const before = (done > 0 && existsSync(clock) && Number(readFileSync(clock, 'utf8'))) || 0;
  if (done >= views.length) return before;

  const begun = performance.now();
  const seconds = () => before + (performance.now() - begun) / 1000;
  using program = await compile(device, { outputs: into.map(({ output }) => output) });
  progress.start('frozen front', views.length, done);
  const batchAt = (start: number) => {
    const batch = views.slice(start, start + FRONT_BATCH).map((view) => view());
    // A program has a fixed batch: the last one is filled up with its own first view.
    return [...batch, ...Array<View>(FRONT_BATCH - batch.length).fill(batch[0])];
  };
  let feeds = maker.feeds(batchAt(done));
  while (done < views.length) {
    program.run(await feeds);
    const count = Math.min(FRONT_BATCH, views.length - done);
    // Decoding of the next batch goes on while the adapter works on this one.
    if (done + count < views.length) {
      feeds = maker.feeds(batchAt(done + count));
      feeds.catch(() => undefined);
    }
    for (const { output, file } of into) {
      const records = (await program.read(output)).subarray(0, count * file.length);
      requireFinite(records, file.length, (row) => maker.nameOf(views[done + row]().example));
      await begin();
      file.append(records);
    }
    done += count;
    keepSeconds(clock, seconds());
    progress.tick(done);
  }
  progress.end();
  return seconds();
}

function keepSeconds(path: string, seconds: number): void {
  try {
    writeFileSync(path, String(seconds));
  } catch (error) {
    throw fileError('write', path, error);
  }
}
