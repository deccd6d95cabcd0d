import { describe, expect, it } from 'vitest';
import { GPU_SHEETS } from '../../engine/device/gpu_sheets.ts';
import { COUNTS } from '../../web/chapters/product_counts.ts';
import { matmul } from '../reference/matmul.ts';
import { matricesOf, numbersAsked, sectionOf, tableRows, textOf } from './chapter_text.ts';

const text = textOf('docs/16-read-the-kernel.md');

/** A product of square matrices, computed as a kernel does, with its loads counted one by one. */
interface Arrangement {
  /** Side of a workgroup's tile; 1: nothing is staged. */
  readonly tile: number;
  /** Side of what a thread owns. */
  readonly own: number;
  /** Numbers that a load fetches: 1 or 4. */
  readonly vector: number;
}

function countedProduct(a: readonly number[], b: readonly number[], n: number, { tile, own, vector }: Arrangement) {
  const loads = { buffer: 0, workgroup: 0 };
  const load = (from: ArrayLike<number>, at: number, kind: keyof typeof loads): number[] => {
    loads[kind]++;
    return Array.from({ length: vector }, (_, i) => from[at + i]);
  };
  const out = new Float64Array(n * n);
  const add = (
    row: number,
    col: number,
    k: number,
    left: ArrayLike<number>,
    right: ArrayLike<number>,
    where: keyof typeof loads,
    rights: number,
  ) => {
    // Of `vector` depths: own rows of the left factor, and of each depth own columns of the right one.
    const rows = Array.from({ length: own }, (_, i) => load(left, i * (where === 'buffer' ? n : 4) + k, where));
    for (let d = 0; d < vector; d++) {
      const columns: number[] = [];
      for (let j = 0; j < own; j += vector) columns.push(...load(right, (k + d) * rights + j, where));
      for (let i = 0; i < own; i++)
        for (let j = 0; j < own; j++) out[(row + i) * n + col + j] += rows[i][d] * columns[j];
    }
  };
  for (let top = 0; top < n; top += tile)
    for (let first = 0; first < n; first += tile) {
      if (tile === 1) {
        for (let k = 0; k < n; k++) add(top, first, k, a.slice(top * n), b.slice(first), 'buffer', n);
        continue;
      }
      for (let round = 0; round < n; round += 4) {
        const staged = { a: [] as number[], b: [] as number[] };
        for (let i = 0; i < tile; i++)
          for (let k = 0; k < 4; k += vector) staged.a.push(...load(a, (top + i) * n + round + k, 'buffer'));
        for (let k = 0; k < 4; k++)
          for (let j = 0; j < tile; j += vector) staged.b.push(...load(b, (round + k) * n + first + j, 'buffer'));
        for (let i = 0; i < tile; i += own)
          for (let j = 0; j < tile; j += own)
            for (let k = 0; k < 4; k += vector)
              add(top + i, first + j, k, staged.a.slice(i * 4), staged.b.slice(j), 'workgroup', tile);
      }
    }
  return { out: [...out], loads };
}

describe('chapter 16, read the kernel', () => {
  const [a, b, out, a0, b0, a1, b1, first, second, sum] = matricesOf(sectionOf(text, 'By hand'));

  it('the product and the rounds of its tile are what follows from the factors', () => {
    expect(out.flat()).toEqual([...matmul(a.flat(), b.flat(), 4, 4, 4)]);
    for (const [round, left, right, result] of [
      [0, a0, b0, first],
      [2, a1, b1, second],
    ] as const) {
      expect(left).toEqual([0, 1].map((i) => a[i].slice(round, round + 2)));
      expect(right).toEqual([0, 1].map((i) => b[round + i].slice(0, 2)));
      expect(result.flat()).toEqual([...matmul(left.flat(), right.flat(), 2, 2, 2)]);
    }
    expect(sum.flat()).toEqual(first.flat().map((v, i) => v + second.flat()[i]));
    expect(sum).toEqual([0, 1].map((i) => out[i].slice(0, 2)));
  });

  it('the loads in the table are those that the product takes when it is so arranged', () => {
    const arrangements: Arrangement[] = [
      { tile: 1, own: 1, vector: 1 },
      { tile: 2, own: 1, vector: 1 },
      { tile: 4, own: 1, vector: 1 },
      { tile: 4, own: 2, vector: 1 },
      { tile: 4, own: 4, vector: 4 },
    ];
    const rows = tableRows(sectionOf(text, 'By hand'));
    expect(rows).toHaveLength(arrangements.length);
    arrangements.forEach((arrangement, i) => {
      const { out: got, loads } = countedProduct(a.flat(), b.flat(), 4, arrangement);
      expect(got).toEqual(out.flat());
      expect(rows[i].slice(1).map(Number), rows[i][0]).toEqual([loads.buffer, loads.workgroup]);
    });
  });

  it('what the figure says it counts is what the product of 64 x 64 takes', () => {
    const numbers = Array.from({ length: 64 * 64 }, (_, i) => ((7 * i) % 5) - 2);
    const of = { naive: [1, 1, 1], tile: [16, 1, 1], several: [64, 4, 1], vectors: [64, 4, 4] } as const;
    for (const name of ['naive', 'tile', 'several', 'vectors'] as const) {
      const [tile, own, vector] = of[name];
      const { out: got, loads } = countedProduct(numbers, numbers, 64, { tile, own, vector });
      expect(got, name).toEqual([...matmul(numbers, numbers, 64, 64, 64)]);
      const { bufferLoads, bufferBytes, workgroupLoads } = COUNTS[name];
      expect(
        [bufferLoads, bufferBytes, workgroupLoads].map((each) => each * 64 ** 3),
        name,
      ).toEqual([loads.buffer, 4 * vector * loads.buffer, loads.workgroup]);
    }
  });

  it('the numbers in words follow', () => {
    const plain = text.replaceAll(/\s+/g, ' ');
    const { flops, bandwidth } = GPU_SHEETS.h200;
    const billions = (n: number) => `${(n / 1e9).toLocaleString('en')} billion`;
    expect(plain).toContain(`An NVIDIA H200 can do ${billions(flops)} operations a second`);
    expect(plain).toContain(`load ${billions(bandwidth)} bytes`);
    expect(plain).toContain(`: ${Math.round(flops / bandwidth)} operations in the time of one byte`);
    const share = (rows: number, columns: number) => (rows + columns) / (rows * columns);
    expect(plain).toContain(
      `This is ${share(1, 1)} for a tile of a single number, ${share(16, 16)} for 16 x 16, and ${share(64, 64)} for 64 x 64.`,
    );
    expect(numbersAsked(text)).toEqual([share(8, 8), share(8, 16), 1024 / 64]);
  });

  it('shows lines that are in the kernels', () => {
    const parts = text.split('```wgsl\n');
    const blocks = parts.slice(1).map((part, i) => {
      const files = [...parts[i].matchAll(/\((\.\.\/kernels\/[\w/]+\.wgsl)\)/g)];
      return [files.at(-1)![1], part.split('```')[0]] as const;
    });
    expect(blocks).toHaveLength(4);
    const squeezed = (lines: string) => lines.replaceAll(/\s+/g, ' ').trim();
    for (const [file, lines] of blocks) expect(squeezed(textOf(`docs/${file}`)), file).toContain(squeezed(lines));
  });
});
