import type { Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { requireFinite } from './require_finite.ts';
import type { Feeds } from './sample_source.ts';

/**
 * Runs n samples through a program of a fixed batch size and yields the rows of `output` [batch, ...], `count` samples
 * from `start` on. Feeds are asked for by positions, those of the next batch while the adapter works on this one; the
 * last batch is filled up with repeats.
 * @param nameOf what the sample at a position is called
 * @throws UserError naming the sample whose row is not finite
 */
export async function* runBatches(
  program: Program,
  output: Tensor,
  n: number,
  feedsOf: (positions: readonly number[]) => Promise<Feeds>,
  nameOf: (position: number) => string,
): AsyncGenerator<{ start: number; count: number; rows: Float32Array }> {
  const batch = output.shape[0];
  const feedsAt = (start: number) => {
    const feeds = feedsOf(Array.from({ length: batch }, (_, i) => Math.min(start + i, n - 1)));
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
    requireFinite(rows, width, (row) => nameOf(start + row));
    yield { start, count, rows };
  }
}
