import type { Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { requireFinite } from './require_finite.ts';
import type { Feeds } from '../train/sample_source.ts';

/** Samples for a network: how many, what to feed of those at some positions, and what one is called in a sentence. */
export interface Samples {
  readonly count: number;
  feeds(positions: readonly number[]): Promise<Feeds>;
  nameOf(position: number): string;
}

/**
 * Runs samples through a program of a fixed batch size and yields the rows of `output` [batch, ...], `count` samples
 * from `start` on. Feeds are asked for by positions, those of the next batch while the adapter works on this one; the
 * last batch is filled up with repeats.
 * @throws UserError naming the sample whose row is not finite
 */
export async function* runBatches(
  program: Program,
  output: Tensor,
  samples: Samples,
): AsyncGenerator<{ start: number; count: number; rows: Float32Array }> {
  const batch = output.shape[0];
  const n = samples.count;
  const feedsAt = (start: number) => {
    const feeds = samples.feeds(Array.from({ length: batch }, (_, i) => Math.min(start + i, n - 1)));
    // A failure is thrown where the feeds are awaited, not before.
    feeds.catch(() => undefined);
    return feeds;
  };
  if (n === 0) return;
  let feeds = feedsAt(0);
  for (let start = 0; start < n; start += batch) {
    program.run(await feeds);
    if (start + batch < n) feeds = feedsAt(start + batch);
    const count = Math.min(batch, n - start);
    const width = output.size / batch;
    const rows = (await program.read(output)).subarray(0, count * width);
    requireFinite(rows, width, (row) => samples.nameOf(start + row));
    yield { start, count, rows };
  }
}
