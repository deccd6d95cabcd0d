import { grad } from '../../../engine/autodiff.ts';
import type { Device } from '../../../engine/device/device.ts';
import { input } from '../../../engine/ops/leaves.ts';
import { add, mul, sub } from '../../../engine/ops/pointwise.ts';
import { sum } from '../../../engine/ops/reduce.ts';
import { compile, type Program } from '../../../engine/program/program.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { oneHot } from '../../../models/grad_cam.ts';

/** An image as the network takes it, and what replaces its masked parts: [side, side, 3] each, normalised. */
export interface Replaceable {
  readonly image: Float32Array;
  readonly base: Float32Array;
}

/** Masks [side, side] of numbers in 0..1 by their index: 1 keeps the image, 0 shows the base. */
export interface Masks {
  readonly count: number;
  at(index: number): Float32Array;
}

/** Masks of an image that the network is asked about at a time. */
const BATCH = 8;

/**
 * A network that is asked again and again about one image of which parts are replaced:
 * x' = base + mask · (image − base).
 */
export class MaskedScores implements Disposable {
  private slopeProgram?: Promise<Program>;
  /** Told after each batch how many masks of how many are done; what it throws ends the work. */
  onBatch: (done: number, total: number) => void = () => {};

  private constructor(
    private readonly device: Device,
    private readonly tensors: { readonly scores: Tensor; readonly slopes: Tensor },
    private readonly scoreProgram: Program,
    readonly side: number,
  ) {}

  /** @param forward the network's scores [N, K] of a batch x [N, side, side, 3] */
  static async create(device: Device, forward: (x: Tensor) => Tensor, side: number): Promise<MaskedScores> {
    const [image, base] = ['image', 'base'].map((name) => input(name, [1, side, side, 3]));
    const masked = add(mul(input('mask', [BATCH, side, side, 1]), sub(image, base)), base);
    const scores = forward(masked);
    const picked = sum(mul(scores, input('picked', scores.shape)), [0, 1]);
    const slopes = sum(grad(picked, [masked])[0], [0]);
    return new MaskedScores(device, { scores, slopes }, await compile(device, { outputs: [scores] }), side);
  }

  /** Scores: how many numbers the network answers with. */
  get outputs(): number {
    return this.tensors.scores.shape[1];
  }

  /** Bytes of its programs on the device. */
  get bytes(): number {
    return this.scoreProgram.bytes;
  }

  /** A row of scores [K] for each mask. */
  async scores(pair: Replaceable, masks: Masks): Promise<Float32Array[]> {
    const rows: Float32Array[] = [];
    for (const { count, mask } of this.batches(masks)) {
      this.scoreProgram.run({ ...pair, mask });
      const values = await this.scoreProgram.read(this.tensors.scores);
      for (let i = 0; i < count; i++) rows.push(values.slice(i * this.outputs, (i + 1) * this.outputs));
      this.onBatch(rows.length, masks.count);
    }
    return rows;
  }

  /** The gradient [side, side, 3] of one of the scores at the masked image, summed over the masks. */
  async slopes(pair: Replaceable, masks: Masks, output: number): Promise<Float64Array> {
    this.slopeProgram ??= compile(this.device, { outputs: [this.tensors.slopes] });
    const program = await this.slopeProgram;
    const total = new Float64Array(this.side * this.side * 3);
    let done = 0;
    for (const { count, mask } of this.batches(masks)) {
      // A row of zeros picks nothing: what fills up the last batch adds nothing.
      const picked = new Float32Array(BATCH * this.outputs);
      picked.set(oneHot(Array<number>(count).fill(output), this.outputs));
      program.run({ ...pair, mask, picked });
      (await program.read(this.tensors.slopes)).forEach((slope, i) => (total[i] += slope));
      this.onBatch((done += count), masks.count);
    }
    return total;
  }

  /** Masks in batches; the last is filled up with zeros. */
  private *batches({ count, at }: Masks): Generator<{ count: number; mask: Float32Array }> {
    const size = this.side * this.side;
    for (let start = 0; start < count; start += BATCH) {
      const here = Math.min(BATCH, count - start);
      const mask = new Float32Array(BATCH * size);
      for (let i = 0; i < here; i++) mask.set(at(start + i), i * size);
      yield { count: here, mask };
    }
  }

  [Symbol.dispose](): void {
    this.scoreProgram[Symbol.dispose]();
    void this.slopeProgram?.then((program) => program[Symbol.dispose]());
  }
}
