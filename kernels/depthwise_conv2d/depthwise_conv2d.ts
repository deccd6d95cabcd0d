import {
  ceilDiv,
  distinct,
  foldWorkgroups,
  roundingsOf,
  type Choices,
  type KernelSource,
  type Launch,
} from '../kernel.ts';
import { gpuOf, type GpuTarget } from '../gpu.ts';
import { BATCH_NORM_ACTIVATIONS, type BatchNormActivation } from '../batch_norm/batch_norm.ts';
import { reduce, type SumPass } from '../reduce/reduce.ts';
import filterGradV1 from './depthwise_conv2d_filter_grad_v1.wgsl';
import filterGradV2 from './depthwise_conv2d_filter_grad_v2.wgsl';
import filterGradV3 from './depthwise_conv2d_filter_grad_v3.wgsl';
import forwardV1 from './depthwise_conv2d_forward_v1.wgsl';
import forwardV2 from './depthwise_conv2d_forward_v2.wgsl';
import forwardV3 from './depthwise_conv2d_forward_v3.wgsl';
import inputGradV1 from './depthwise_conv2d_input_grad_v1.wgsl';
import inputGradV2 from './depthwise_conv2d_input_grad_v2.wgsl';

/** The sizes of a depthwise convolution; see geometry.wgsl. */
export interface DepthwiseSize {
  readonly batch: number;
  readonly inH: number;
  readonly inW: number;
  readonly outH: number;
  readonly outW: number;
  readonly channels: number;
  readonly filterH: number;
  readonly filterW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** What the choice among the kernels' versions depends on besides the sizes. */
export interface DepthwiseOptions extends GpuTarget {
  /** 1 takes the naive kernels, as a second opinion; 2 never does where there are others. */
  readonly version?: 1 | 2;
}

/** How the work is shared out. */
export type Cut = {
  readonly version: number;
  /** Channels in a Value: 4, 2 or 1. */
  readonly width: number;
  /** Outputs in a strip: 4 or 2 (version 2). */
  readonly strip: number;
  /** 1 adds product after product to the sums, for a GPU; 0 what a row gives (version 2). */
  readonly chained: number;
  /** Chunks that a column of strips is cut into (version 2). */
  readonly chunks: number;
  /** Of the filter gradient: partial results, which are added up. */
  readonly parts: number;
};

const WORKGROUP = 64;
/** Threads that keep the adapter busy: they are short. */
const threadsWanted = (options: DepthwiseOptions) => 4 * gpuOf(options).threads;

/** Those of a filter gradient. On a GPU each has many loads under way, and leaves a filter to be added up. */
const filterThreads = (options: DepthwiseOptions) =>
  options.software ? threadsWanted(options) : 2 * gpuOf(options).threads;

/** The most channels that fit a Value. */
const widest = ({ channels }: DepthwiseSize) => (channels % 4 === 0 ? 4 : 1);

const aliasesOf = (width: number) => (width === 4 ? undefined : { Value: width === 2 ? 'vec2<f32>' : 'f32' });

/** What is read as x is normalised and activated first, by coefficients that are bound as `of_channel`. */
export interface Normalised {
  readonly activation: BatchNormActivation;
}

/** A launch of version 2 with its x normalised as it is read, if it is to be. */
export const withNormalised = (launch: Launch, normalised?: Normalised): Launch =>
  normalised
    ? {
        ...launch,
        overrides: {
          ...launch.overrides,
          NORMALISED: 1,
          ACTIVATION: BATCH_NORM_ACTIVATIONS[normalised.activation],
        },
      }
    : launch;

/** v2 is written out for the filters and strides that networks use; v1 does the rest. */
export function fast(
  { filterH, filterW, strideH, strideW, dilationH, dilationW, padTop, padLeft }: DepthwiseSize,
  { version }: Pick<DepthwiseOptions, 'version'>,
): boolean {
  const square = filterH === filterW && strideH === strideW;
  return (
    version !== 1 &&
    square &&
    (filterH === 3 || filterH === 5) &&
    strideH <= 2 &&
    dilationH === 1 &&
    dilationW === 1 &&
    padTop < filterH &&
    padLeft < filterW
  );
}

function naive(kernel: KernelSource, size: DepthwiseSize, { width }: Cut, threads: number, parts = 1): Launch {
  return {
    kernel,
    aliases: aliasesOf(width),
    params: { ...size, channels: size.channels / width, parts },
    workgroups: foldWorkgroups(ceilDiv(threads / width, WORKGROUP)),
  };
}

/** Columns and steps down of the image that the threads walk. */
type Plane = readonly [columns: number, height: number];

const outPlane = ({ outW, outH }: DepthwiseSize): Plane => [outW, outH];

/** Pixels at stride 1, pairs of rows at stride 2. */
const inPlane = ({ inW, inH, padTop, padLeft, strideH }: DepthwiseSize): Plane =>
  strideH === 2 ? [inW + (padLeft % 2), Math.floor((inH + padTop + 1) / 2) - Math.floor(padTop / 2)] : [inW, inH];

/** What a thread of version 2 holds. */
type Form = Pick<Cut, 'width' | 'strip' | 'chained'>;

/*
 * The forms to choose from, the default first. A CPU pays for a load by its instructions, and they are fewest for the
 * channels of a Value at once; but a turn of the loop should fit its cache of instructions, and what is in use its
 * registers.
 */
const whole = (size: DepthwiseSize): Form => ({ width: widest(size), strip: 4, chained: 0 });
const half = (size: DepthwiseSize): Form => ({ width: widest(size), strip: 2, chained: 0 });
const pairs = (size: DepthwiseSize, strip: number): Form => ({ width: Math.min(2, widest(size)), strip, chained: 0 });

/** What a thread holds: of each channel the filter, strips and the columns of a row that it loads. */
interface Held {
  readonly open: number;
  readonly columns: number;
  /** Numbers of each column, whatever the channels. */
  readonly beside: number;
  /** The shortest strip that the kernel has. */
  readonly shortest: number;
}

/**
 * The forms for a GPU: strips of four outputs and as many channels as a thread holds without spilling, or else one
 * channel of the shortest strip.
 */
function chains(size: DepthwiseSize, options: DepthwiseOptions, { open, columns, beside, shortest }: Held): Form[] {
  const held = (width: number) => width * (size.filterH * size.filterW + 4 * open + columns) + beside * columns;
  const widths = [...new Set([4, 2, 1].map((width) => Math.min(width, widest(size))))];
  const usual = widths.find((width) => held(width) <= gpuOf(options).numbers);
  const fours = widths.map((width): Form => ({ width, strip: 4, chained: 1 }));
  const least: Form = { width: 1, strip: shortest, chained: 1 };
  return distinct([fours.find(({ width }) => width === usual) ?? least, ...fours, least]);
}

/** The pixels that the windows of a strip of four see. */
const columnsSeen = ({ strideW, filterW }: DepthwiseSize) => 3 * strideW + filterW;

function imageForms(size: DepthwiseSize, options: DepthwiseOptions, isForward: boolean): Form[] {
  const { filterH, strideH } = size;
  if (!options.software) {
    if (strideH === 2 && !isForward)
      return chains(size, options, { open: filterH, columns: 4, beside: 2, shortest: 4 });
    const open = Math.floor((filterH - 1) / strideH);
    return chains(size, options, { open, columns: columnsSeen(size), beside: 2, shortest: 2 });
  }
  const usual = size.filterH === 5 ? pairs(size, 4) : size.strideH === 2 ? half(size) : whole(size);
  if (size.strideH === 2) return isForward ? distinct([usual, whole(size), half(size)]) : [whole(size)];
  return distinct([usual, whole(size)]);
}

function filterGradForms(size: DepthwiseSize, options: DepthwiseOptions): Form[] {
  if (!options.software) {
    const open = ceilDiv(size.filterH, size.strideH);
    return chains(size, options, { open, columns: columnsSeen(size), beside: 1, shortest: 4 });
  }
  const usual = size.strideH === 1 && size.filterH === 5 ? pairs(size, 2) : half(size);
  return distinct([usual, whole(size), half(size)]);
}

/** The threads that walk whole columns of strips. */
const wholeColumns = (size: DepthwiseSize, [columns]: Plane, { width, strip }: Form) =>
  (size.batch * ceilDiv(columns, strip) * size.channels) / width;

/**
 * Columns of strips are cut into chunks where whole columns would be too few threads. A chunk of fewer than eight steps
 * would spend most of its loads on rows its neighbour also loads. Candidates are half as many chunks and twice and four
 * times as many.
 */
function chunkCounts(size: DepthwiseSize, plane: Plane, form: Form, threads: number): number[] {
  const [, height] = plane;
  const usual = Math.min(ceilDiv(height, 8), Math.max(1, ceilDiv(threads, wholeColumns(size, plane, form))));
  return [usual, ...[1, usual >> 1, usual * 2, usual * 4].filter((n) => n >= 1 && n <= ceilDiv(height, 4))];
}

/** Strips across, and columns cut into `chunks` of `rows` steps. */
function strips([columns, height]: Plane, { strip, chunks }: Pick<Cut, 'strip' | 'chunks'>) {
  const rows = ceilDiv(height, chunks);
  return { rows, strips: ceilDiv(columns, strip), chunks: ceilDiv(height, rows) };
}

/** A v2 kernel that makes an image: one thread for each strip, chunk and Value of channels. */
function image(kernel: KernelSource, size: DepthwiseSize, plane: Plane, by: Cut, flip: boolean): Launch {
  const { inH, inW, outH, outW, padTop, padLeft, filterH, strideH } = size;
  const cut = strips(plane, by);
  const channels = size.channels / by.width;
  const threads = size.batch * cut.chunks * cut.strips * channels;
  return {
    kernel,
    aliases: aliasesOf(by.width),
    overrides: { FILTER: filterH, STRIDE: strideH, STRIP: by.strip, CHAINED: by.chained, FLIP: Number(flip) },
    params: { inH, inW, outH, outW, channels, padTop, padLeft, ...cut, size: threads },
    workgroups: foldWorkgroups(ceilDiv(threads, WORKGROUP)),
  };
}

const naiveCut = (size: DepthwiseSize, parts = 1): Cut => ({
  version: 1,
  width: widest(size),
  strip: 1,
  chained: 0,
  chunks: 1,
  parts,
});

function imageChoices(
  kernels: readonly KernelSource[],
  size: DepthwiseSize,
  plane: Plane,
  options: DepthwiseOptions,
  [usual, ...others]: readonly Form[],
): Choices<Cut> {
  const naive = naiveCut(size);
  if (!fast(size, options)) return { kernels, candidates: [naive], roundings: 0 };
  const cuts = (form: Form) =>
    chunkCounts(size, plane, form, threadsWanted(options)).map(
      (chunks): Cut => ({ version: 2, ...form, chunks, parts: 1 }),
    );
  const candidates = [...cuts(usual), ...others.map((form) => cuts(form)[0])];
  return { kernels, candidates: distinct(options.version === 2 ? candidates : [...candidates, naive]), roundings: 0 };
}

export const depthwiseForwardChoices = (size: DepthwiseSize, options: DepthwiseOptions): Choices<Cut> =>
  imageChoices([forwardV1, forwardV2, forwardV3], size, outPlane(size), options, imageForms(size, options, true));
export const depthwiseInputGradChoices = (size: DepthwiseSize, options: DepthwiseOptions): Choices<Cut> =>
  imageChoices(
    [inputGradV1, inputGradV2, forwardV2, forwardV3],
    size,
    inPlane(size),
    options,
    imageForms(size, options, false),
  );

/**
 * Every part costs a filter of partial sums to write and to add: by default no more of them than keep the adapter busy.
 */
export function depthwiseFilterGradChoices(size: DepthwiseSize, options: DepthwiseOptions): Choices<Cut> {
  const { software, version } = options;
  const filter = size.filterH * size.filterW * size.channels;
  const naive = naiveCut(
    size,
    Math.max(1, Math.min(size.batch * size.outH, Math.floor((software ? 4096 : 262_144) / filter))),
  );
  const candidates: Cut[] = [];
  if (fast(size, options)) {
    const [usual, ...others] = filterGradForms(size, options);
    const cuts = (form: Form) =>
      chunkCounts(size, outPlane(size), form, filterThreads(options)).map((chunks): Cut => {
        const wanted = ceilDiv(filterThreads(options) * form.width, size.channels);
        return { version: 2, ...form, chunks, parts: Math.min(piecesOf(size, { ...form, chunks }), wanted) };
      });
    const [cut, ...chunked] = cuts(usual);
    const parted = [cut.parts >> 2, cut.parts >> 1, cut.parts * 2, cut.parts * 4]
      .filter((n) => n >= 1 && n <= piecesOf(size, cut))
      .map((parts) => ({ ...cut, parts }));
    candidates.push(cut, ...chunked, ...parted, ...others.map((form) => cuts(form)[0]));
  }
  if (version !== 2 || candidates.length === 0) candidates.push(naive);
  return {
    kernels: [filterGradV1, filterGradV2, filterGradV3],
    candidates: distinct(candidates),
    roundings: roundingsOf(size.batch * size.outH * size.outW),
  };
}

/** Strips of one chunk's height in the whole batch. */
function piecesOf(size: DepthwiseSize, by: Pick<Cut, 'strip' | 'chunks'>): number {
  const cut = strips(outPlane(size), by);
  return size.batch * cut.chunks * cut.strips;
}

/** Version 3 is version 2 with chained sums. */
const forwardOf = ({ chained }: Cut): KernelSource => (chained ? forwardV3 : forwardV2);

/** y from x and w. */
export function depthwiseForward(size: DepthwiseSize, by: Cut): Launch {
  if (by.version === 1) return naive(forwardV1, size, by, size.batch * size.outH * size.outW * size.channels);
  return image(forwardOf(by), size, outPlane(size), by, false);
}

/** dx from dy and w. The binding of dy is called `x` where the kernel is the forward one. */
export function depthwiseInputGrad(size: DepthwiseSize, by: Cut): { launch: Launch; dyName: 'dy' | 'x' } {
  if (by.version === 1)
    return { launch: naive(inputGradV1, size, by, size.batch * size.inH * size.inW * size.channels), dyName: 'dy' };
  if (size.strideH === 2) return { launch: image(inputGradV2, size, inPlane(size), by, false), dyName: 'dy' };
  // h = ho + r − pad turned round: ho = h + r' − (filter − 1 − pad) with r' = filter − 1 − r.
  const turned = {
    ...size,
    inH: size.outH,
    inW: size.outW,
    outH: size.inH,
    outW: size.inW,
    padTop: size.filterH - 1 - size.padTop,
    padLeft: size.filterW - 1 - size.padLeft,
  };
  return { launch: image(forwardOf(by), turned, inPlane(size), by, true), dyName: 'x' };
}

/** The passes to dw: the first reads x and dy, the others the one before; `outSize` elements each. */
export function depthwiseFilterGrad(size: DepthwiseSize, by: Cut, target: GpuTarget): SumPass[] {
  const filter = size.filterH * size.filterW * size.channels;
  const first =
    by.version === 1 ? naive(filterGradV1, size, by, by.parts * filter, by.parts) : filterGradStrips(size, by);
  const { parts } = first.params;
  return [{ launch: first, outSize: parts * filter }, ...(parts === 1 ? [] : reduce([1, parts, filter], 1, target))];
}

/** Where a filter gradient's strips may look beyond the image: the last strip ends where the row of outputs ends. */
function edges(size: DepthwiseSize): Readonly<Record<string, number>> {
  const { outW, inW, padLeft, strideW } = size;
  const last = outW - 4;
  const spare = Math.max(0, -last);
  const right = last * strideW - padLeft + columnsSeen(size) - inW;
  return { LEFT: padLeft + spare * strideW, RIGHT: Math.max(0, right), SPARE: spare };
}

function filterGradStrips(size: DepthwiseSize, by: Cut): Launch {
  const { inH, inW, outH, outW, padTop, padLeft, filterH, strideH } = size;
  const cut = strips(outPlane(size), by);
  const channels = size.channels / by.width;
  const pieces = size.batch * cut.chunks * cut.strips;
  const share = ceilDiv(pieces, by.parts);
  const parts = ceilDiv(pieces, share);
  return {
    kernel: by.chained ? filterGradV3 : filterGradV2,
    aliases: aliasesOf(by.width),
    overrides: { FILTER: filterH, STRIDE: strideH, STRIP: by.strip, ...(by.chained === 1 && edges(size)) },
    params: { inH, inW, outH, outW, channels, padTop, padLeft, ...cut, pieces, share, parts },
    workgroups: foldWorkgroups(ceilDiv(parts * channels, WORKGROUP)),
  };
}
