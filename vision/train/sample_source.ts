import type { Feed } from '../../engine/program/program.ts';
import { input } from '../../engine/ops/leaves.ts';
import type { Shape, Tensor } from '../../engine/tensor.ts';
import { imageInput, type View, type ViewMaker } from '../view/views.ts';
import type { RecordFile } from './record_file.node.ts';
import type { Prepared } from './task.ts';

export type Feeds = Record<string, Feed>;

/**
 * Where a phase's samples come from: images drawn anew each epoch, or what the frozen front made of fixed views.
 * Positions index the train or validation list.
 */
export interface SampleSource {
  /** The tensor that the feeds fill: a batch of samples. */
  input(batch: number): Tensor;
  train(positions: readonly number[], epoch: number): Promise<Feeds>;
  /** Validation images as they are. */
  validation(positions: readonly number[]): Promise<Feeds>;
  /** Says what will be asked for next. */
  prefetch(positions: readonly number[], epoch: number): void;
}

/** Images through the augment kernel: every epoch sees every image under a new view. */
export class ImageSource implements SampleSource {
  constructor(
    private readonly prepared: Prepared,
    private readonly views: ViewMaker,
  ) {}

  input(batch: number): Tensor {
    return imageInput(batch, this.views.side, this.views.geometry);
  }

  train(positions: readonly number[], epoch: number): Promise<Feeds> {
    return this.views.feeds(this.trainViews(positions, epoch));
  }

  validation(positions: readonly number[]): Promise<Feeds> {
    return this.views.feeds(positions.map((p) => this.views.plain(this.prepared.validation[p])));
  }

  prefetch(positions: readonly number[], epoch: number): void {
    this.views.prefetch(this.trainViews(positions, epoch));
  }

  private trainViews(positions: readonly number[], epoch: number): View[] {
    return positions.map((p) => this.views.random(this.prepared.train[p], epoch));
  }
}

/**
 * Records of the frozen front: `views` of each training image, then one of each validation image. An epoch takes the
 * next view.
 */
export class RecordSource implements SampleSource {
  constructor(
    private readonly records: RecordFile,
    private readonly shape: Shape,
    private readonly trainCount: number,
    private readonly views: number,
  ) {}

  input(batch: number): Tensor {
    return input('x', [batch, ...this.shape]);
  }

  async train(positions: readonly number[], epoch: number): Promise<Feeds> {
    return this.gather(positions.map((p) => p * this.views + (epoch % this.views)));
  }

  async validation(positions: readonly number[]): Promise<Feeds> {
    return this.gather(positions.map((p) => this.trainCount * this.views + p));
  }

  prefetch(): void {
    // The operating system's cache has what was written lately.
  }

  private gather(indices: readonly number[]): Feeds {
    const x = new Float32Array(indices.length * this.records.length);
    indices.forEach((index, i) => this.records.read(index, x, i * this.records.length));
    return { x };
  }
}
