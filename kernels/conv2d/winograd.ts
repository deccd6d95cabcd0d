import { ceilDiv, foldWorkgroups, roundingsOf, type Choices, type KernelSource, type Launch } from '../kernel.ts';
import { tiledChoices, matmulV2, type MatmulSize, type MatmulTiling } from '../matmul/matmul.ts';
import { gpuOf } from '../gpu.ts';
import { mostParts, type TileTarget } from '../matmul/tiling.ts';
import type { ConvNumbers } from './conv2d.ts';
import filterKernel from './winograd_filter.wgsl';
import filterGradKernel from './winograd_filter_grad.wgsl';
import inputKernel from './winograd_input.wgsl';
import outputKernel from './winograd_output.wgsl';
import outputGradKernel from './winograd_output_grad.wgsl';

/*
 * Convolutions of 3x3 taps as Winograd's F(2x2, 3x3): see winograd_input.wgsl. Tiles of 2x2 outputs are transformed to
 * 16 numbers a channel, at each of these 16 places a matrix product runs over the channels, and its results are
 * transformed back.
 */

/** Numbers of a transformed tile, or of a transformed filter, a channel. */
export const PLACES = 16;

/**
 * Rows that follow one another at a power of two share a few sets of a processor's cache: such ones are this much
 * (elements) longer.
 */
const STAGGER = 16;

/**
 * Transformed tiles of inputs and outputs together take so many bytes at most: what does not fit is done in chunks, one
 * after another. Smaller ones leave the processors of a GPU without work, and a software adapter is as fast with them.
 */
export const mostBytes = ({ software }: Pick<TileTarget, 'software'>): number => (software ? 2 ** 24 : 2 ** 27);

/**
 * The input gradient as a forward convolution: of dy with the filter turned by half a turn, its channels transposed.
 */
export const turnedNumbers = (g: ConvNumbers): ConvNumbers => ({
  ...g,
  inH: g.outH,
  inW: g.outW,
  outH: g.inH,
  outW: g.inW,
  inChannels: g.outChannels,
  outChannels: g.inChannels,
  padTop: 2 - g.padTop,
  padLeft: 2 - g.padLeft,
});

const tilesOf = (g: ConvNumbers) => ({ tilesH: ceilDiv(g.outH, 2), tilesW: ceilDiv(g.outW, 2) });

const countTiles = (g: ConvNumbers): number => g.batch * ceilDiv(g.outH, 2) * ceilDiv(g.outW, 2);

/**
 * Whether a convolution, with its channels as they are, can be computed so by an adapter that binds `maxStorageBinding`
 * bytes.
 */
export const canBeWinograd = (g: ConvNumbers, maxStorageBinding: number): boolean =>
  g.filterH === 3 &&
  g.filterW === 3 &&
  g.strideH === 1 &&
  g.strideW === 1 &&
  g.dilationH === 1 &&
  g.dilationW === 1 &&
  g.groups === 1 &&
  4 * PLACES * (g.inChannels + STAGGER) * (g.outChannels + STAGGER) <= maxStorageBinding;

/** A stretch of tiles. */
interface Chunk {
  readonly first: number;
  readonly count: number;
}

/** Chunks are whole workgroups of the product. */
const ROWS = 32;

/**
 * Bytes that transforming a number moves: a quarter of a number, and the transformed one to the product and back. What
 * that costs, in multiplications of the product, a GPU's row says; measured on lavapipe, see bench/ladder_conv2d.md.
 */
const TRANSFORM = { tile: 9, filter: 3.15 };

/** What three launches more cost, in multiplications. */
const startOf = ({ software }: TileTarget): number => (software ? 2 ** 18 : 2 ** 25);

/** It must be expected to take less than this share of the direct kernel's time: less gain is not worth the memory. */
const CLEARLY_LESS = 0.85;

/**
 * Whether Winograd's kernels are taken where nobody measured.
 * @param g what is computed: for an input gradient, `turnedNumbers`
 */
export function winogradWins(g: ConvNumbers, target: TileTarget): boolean {
  const [C, K, tiles] = [g.inChannels, g.outChannels, countTiles(g)];
  const { perByte } = gpuOf(target);
  const transforms = perByte * (tiles * TRANSFORM.tile * (C + K) + TRANSFORM.filter * C * K);
  const cost = PLACES * (tiles * C * K + transforms) + startOf(target);
  return cost < CLEARLY_LESS * 9 * g.batch * g.outH * g.outW * C * K;
}

/** The tiles of a batch in chunks of equal size, but for the last. */
function chunksOf(g: ConvNumbers, target: TileTarget): Chunk[] {
  const tiles = countTiles(g);
  const most =
    Math.max(1, Math.floor(mostBytes(target) / (4 * (PLACES * (g.inChannels + g.outChannels) + STAGGER) * ROWS))) *
    ROWS;
  const size = Math.min(tiles, ceilDiv(ceilDiv(tiles, ceilDiv(tiles, most)), ROWS) * ROWS);
  return Array.from({ length: ceilDiv(tiles, size) }, (_, i) => ({
    first: i * size,
    count: Math.min(size, tiles - i * size),
  }));
}

/** Distances in memory, in elements. */
interface Strides {
  /** Between tiles, or between rows of a filter. */
  readonly row: number;
  readonly place: number;
}

/** A tile's places side by side: a product's K runs along a row. */
const sideBySide = (channels: number): Strides => ({ row: PLACES * channels + STAGGER, place: channels });

/** A matrix for every place. */
const byPlace = (channels: number, rows: number): Strides => ({ row: channels, place: rows * channels });

/** Elements of so many rows, 16 places each. */
const sizeOf = ({ row, place }: Strides, rows: number): number => Math.max(rows * row, PLACES * place);

const WORKGROUP = 64;

function tileLaunch(
  kernel: KernelSource,
  g: ConvNumbers,
  channels: number,
  { first, count }: Chunk,
  { row, place }: Strides,
): Launch {
  const { inH, inW, outH, outW, padTop, padLeft } = g;
  return {
    kernel,
    params: {
      inH,
      inW,
      outH,
      outW,
      channels: channels / 4,
      padTop,
      padLeft,
      ...tilesOf(g),
      first,
      count,
      tile: row / 4,
      place: place / 4,
    },
    workgroups: foldWorkgroups(ceilDiv((count * channels) / 4, WORKGROUP)),
  };
}

/** U from w [3, 3, C, K], for the convolution itself or, turned, for its input gradient. Bindings: w, out. */
function filterLaunch(inChannels: number, outChannels: number, { row, place }: Strides, turned: boolean): Launch {
  return {
    kernel: filterKernel,
    overrides: { TURNED: +turned },
    params: { inChannels, outChannels: outChannels / 4, channel: row / 4, place: place / 4 },
    workgroups: foldWorkgroups(ceilDiv((inChannels * outChannels) / 4, WORKGROUP)),
  };
}

/** A chunk's product and where its operands come from. */
interface ChunkLaunches {
  /** Bindings: x, out. */
  readonly input: Launch;
  /** Bindings: left, right, out. */
  readonly product: Launch;
}

/** A convolution, or an input gradient. Sizes are in elements. */
export interface WinogradImage {
  /** Bindings: w, out. */
  readonly filter: Launch;
  readonly filterSize: number;
  readonly inputSize: number;
  readonly outputSize: number;
  /** The filter is the left operand of the products. */
  readonly swapped: boolean;
  /** Of the output, the bindings are m, y, and an epilogue's. */
  readonly chunks: readonly (ChunkLaunches & { readonly output: Launch })[];
}

/** A filter gradient. Sizes are in elements. */
export interface WinogradFilterGrad {
  readonly inputSize: number;
  readonly outputSize: number;
  readonly filterSize: number;
  /** The output's cotangents are the left operand of the products. */
  readonly swapped: boolean;
  /**
   * Of the output, the bindings are dy, out; of the filter du, dw. The product leaves [16, parts, filterSize / 16], of
   * which du is the sum over the parts.
   */
  readonly chunks: readonly (ChunkLaunches & {
    readonly output: Launch;
    readonly parts: number;
    readonly filter: Launch;
  })[];
}

/** The product of a chunk. The filter of an input gradient lies transposed. */
function imageProduct(g: ConvNumbers, turned: boolean, M: number): MatmulSize {
  const [N, K] = [g.outChannels, g.inChannels];
  const { row } = sideBySide(K);
  return { M, N, K, transposeA: false, transposeB: turned, batch: PLACES, aLd: row, bLd: turned ? row : N };
}

/** The product of a chunk of `tiles`, each place's in so many parts. */
const filterGradProduct = (g: ConvNumbers, tiles: number, parts = 1): MatmulSize => ({
  M: g.inChannels,
  N: g.outChannels,
  K: tiles / parts,
  transposeA: true,
  transposeB: false,
  batch: PLACES * parts,
});

/** A chunk's products are cut into equal parts: as many as divide its tiles, up to `most`. */
function evenParts(tiles: number, most: number): number {
  let parts = most;
  while (tiles % parts !== 0) parts--;
  return parts;
}

/**
 * The transforms multiply small whole numbers by 24 at most, in quarters: sums of such numbers are exact as long as
 * these are.
 */
const GROWTH = 24;

function choicesOf(size: MatmulSize, target: TileTarget): Choices<MatmulTiling> {
  const { kernels, candidates } = tiledChoices(size, target);
  return {
    kernels: [...kernels, inputKernel, filterKernel, outputKernel, outputGradKernel, filterGradKernel],
    candidates,
    roundings: roundingsOf(9 * GROWTH * size.K),
  };
}

/**
 * The tilings of the products. `g` is what is computed: for an input gradient, `turnedNumbers`. Channels are multiples
 * of 4, here and below.
 */
export const winogradImageChoices = (g: ConvNumbers, turned: boolean, target: TileTarget): Choices<MatmulTiling> =>
  choicesOf(imageProduct(g, turned, chunksOf(g, target)[0].count), target);
export function winogradFilterGradChoices(g: ConvNumbers, target: TileTarget): Choices<MatmulTiling> {
  const size = filterGradProduct(g, chunksOf(g, target)[0].count);
  // A software adapter has processors enough for whole ones only.
  const batchParts = target.software ? 1 : mostParts(size.K, PLACES * size.M * size.N);
  return choicesOf({ ...size, batchParts }, target);
}

export function winogradImage(
  g: ConvNumbers,
  turned: boolean,
  tiling: MatmulTiling,
  target: TileTarget,
): WinogradImage {
  const [C, K] = [g.inChannels, g.outChannels];
  const chunks = chunksOf(g, target);
  const most = chunks[0].count;
  const input = sideBySide(C);
  const [rows, filter] = turned ? [K, sideBySide(C)] : [C, byPlace(K, C)];
  return {
    filter: filterLaunch(turned ? K : C, turned ? C : K, filter, turned),
    filterSize: sizeOf(filter, rows),
    inputSize: most * input.row,
    outputSize: PLACES * most * K,
    swapped: tiling.swapped === 1,
    chunks: chunks.map((chunk) => ({
      input: tileLaunch(inputKernel, g, C, chunk, input),
      product: matmulV2(imageProduct(g, turned, chunk.count), tiling).launch,
      output: tileLaunch(outputKernel, g, K, chunk, byPlace(K, chunk.count)),
    })),
  };
}

export function winogradFilterGrad(g: ConvNumbers, tiling: MatmulTiling, target: TileTarget): WinogradFilterGrad {
  const [C, K] = [g.inChannels, g.outChannels];
  const chunks = chunksOf(g, target);
  const most = chunks[0].count;
  const size = (C * K) / 4;
  return {
    inputSize: PLACES * most * C,
    outputSize: PLACES * most * K,
    filterSize: PLACES * C * K,
    swapped: tiling.swapped === 1,
    chunks: chunks.map((chunk, i) => {
      const parts = evenParts(chunk.count, tiling.parts);
      return {
        input: tileLaunch(inputKernel, g, C, chunk, byPlace(C, chunk.count)),
        output: tileLaunch(outputGradKernel, g, K, chunk, byPlace(K, chunk.count)),
        product: matmulV2(filterGradProduct(g, chunk.count, parts), { ...tiling, parts: 1 }).launch,
        parts,
        filter: {
          kernel: filterGradKernel,
          params: { size, adds: +(i > 0) },
          workgroups: foldWorkgroups(ceilDiv(size, WORKGROUP)),
        },
      };
    }),
  };
}
