import { expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import type { Program } from '../../engine/program/program.ts';
import { runBatches } from '../../vision/answer/batches.ts';
import type { RecordFile } from '../../vision/train/record_file.node.ts';
import { RecordSource } from '../../vision/train/sample_source.ts';

it('takes from the records of a frozen front the views of training images in turn, then the validation images', async () => {
  // Each record is its own number, twice.
  const records = {
    length: 2,
    read: (index: number, into: Float32Array, at: number) => into.fill(index, at, at + 2),
  } as unknown as RecordFile;
  const [trainCount, views] = [5, 3];
  const source = new RecordSource(records, [2], trainCount, views);
  // Records 0, 1, 2 are the views of the first image, 3, 4, 5 those of the second, and so on to 14.
  const seen = async (epoch: number) => [...((await source.train([0, 1, 4], epoch))['x'] as Float32Array)];
  expect(await seen(0)).toEqual([0, 0, 3, 3, 12, 12]);
  expect(await seen(2)).toEqual([2, 2, 5, 5, 14, 14]);
  expect(await seen(3)).toEqual(await seen(0));
  expect(await source.validation([0, 2])).toEqual({ x: Float32Array.of(15, 15, 17, 17) });
});

it('runs samples in batches, fills up the last, and gives a row for each sample and no more', async () => {
  const output = input('y', [4, 2]);
  const asked: (readonly number[])[] = [];
  let fed: readonly number[] = [];
  // A network that gives each position and its square.
  const program = {
    run: ({ positions }: { positions: readonly number[] }) => void (fed = positions),
    read: () => Promise.resolve(Float32Array.from(fed.flatMap((p) => [p, p * p]))),
  } as unknown as Program;
  const samples = {
    count: 6,
    feeds: (positions: readonly number[]) => {
      asked.push(positions);
      return Promise.resolve({ positions });
    },
    nameOf: String,
  };
  const made: unknown[] = [];
  for await (const { start, count, rows } of runBatches(program, output, samples)) made.push([start, count, [...rows]]);
  expect(asked).toEqual([
    [0, 1, 2, 3],
    [4, 5, 5, 5],
  ]);
  expect(made).toEqual([
    [0, 4, [0, 0, 1, 1, 2, 4, 3, 9]],
    [4, 2, [4, 16, 5, 25]],
  ]);
});
