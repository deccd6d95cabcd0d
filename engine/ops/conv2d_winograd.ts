import {
  PLACES,
  canBeWinograd,
  turnedNumbers,
  winogradFilterGrad,
  winogradFilterGradChoices,
  winogradImage,
  winogradImageChoices,
  winogradWins,
} from '../../kernels/conv2d/winograd.ts';
import type { ConvNumbers } from '../../kernels/conv2d/conv2d.ts';
import type { Choices } from '../../kernels/kernel.ts';
import type { MatmulTiling } from '../../kernels/matmul/matmul.ts';
import type { Tiling } from '../../kernels/matmul/tiling.ts';
import { reduce } from '../../kernels/reduce/reduce.ts';
import type { BufferRef, Capabilities, LowerContext, Step } from '../op.ts';
import { chain } from './chain.ts';
import { lastStep, plainly, type Epilogue } from './epilogue.ts';

/**
 * How a convolution or one of its gradients is tiled, and by which kernels: Winograd's where `winograd` is 1, or direct
 * ones.
 */
export type ConvTiling = MatmulTiling & { readonly winograd: number };

type Context = LowerContext<Epilogue>;

type Buffers<Names extends string> = Readonly<Record<Names, BufferRef>>;

/** Directions that Winograd's kernels compute. */
export type Direction = 'forward' | 'input_grad' | 'filter_grad';

/** The numbers of the convolution that is computed: an input gradient is one of dy. */
const computed = (g: ConvNumbers, direction: Direction): ConvNumbers =>
  direction === 'input_grad' ? turnedNumbers(g) : g;

/**
 * The direct tilings and Winograd's, by default those that are expected to win.
 * @param g channels are multiples of 4; version 2 has direct ones only, 3 Winograd's where they can be
 */
export function withWinograd(
  direct: Choices<Tiling>,
  { version, ...g }: ConvNumbers & { readonly version?: number },
  direction: Direction,
  capabilities: Capabilities,
): Choices<ConvTiling> {
  const tiled = direct.candidates.map((tiling) => ({ ...tiling, swapped: 0, winograd: 0 }));
  if (version === 2 || !canBeWinograd(g, capabilities.maxStorageBinding)) return { ...direct, candidates: tiled };
  const own = computed(g, direction);
  const found =
    direction === 'filter_grad'
      ? winogradFilterGradChoices(g, capabilities)
      : winogradImageChoices(own, direction === 'input_grad', capabilities);
  const winograd = found.candidates.map((tiling) => ({ ...tiling, winograd: 1 }));
  const kernels = [...direct.kernels, ...found.kernels];
  const roundings = Math.max(direct.roundings, found.roundings);
  if (version === 3) return { kernels, roundings, candidates: winograd };
  return {
    kernels,
    roundings,
    candidates: winogradWins(own, capabilities) ? [...winograd, tiled[0]] : [...tiled, winograd[0]],
  };
}

/** y from x and w, or as an input gradient dx from dy and w; with the op's epilogue where y is the op's output. */
export function winogradSteps(
  ctx: Context,
  g: ConvNumbers,
  direction: 'forward' | 'input_grad',
  { x, w, y }: Buffers<'x' | 'w' | 'y'>,
  tiling: ConvTiling,
): Step[] {
  const image = winogradImage(computed(g, direction), direction === 'input_grad', tiling, ctx.capabilities);
  const filter = ctx.temp(image.filterSize);
  const input = ctx.temp(image.inputSize);
  const m = ctx.temp(image.outputSize);
  const [left, right] = image.swapped ? [filter, input] : [input, filter];
  return [
    { launch: image.filter, buffers: { w, out: filter } },
    ...image.chunks.flatMap((chunk) => [
      { launch: chunk.input, buffers: { x, out: input } },
      plainly({ launch: chunk.product, buffers: { left, right, out: m } }, right),
      ...(y === ctx.out()
        ? lastStep(ctx, chunk.output, (to) => ({ m, y: to }), m)
        : [plainly({ launch: chunk.output, buffers: { m, y } }, m)]),
    ]),
  ];
}

/** dw from x and dy. */
export function winogradFilterGradSteps(
  ctx: Context,
  g: ConvNumbers,
  { x, dy, dw }: Buffers<'x' | 'dy' | 'dw'>,
  tiling: ConvTiling,
): Step[] {
  const gradient = winogradFilterGrad(g, tiling, ctx.capabilities);
  const input = ctx.temp(gradient.inputSize);
  const output = ctx.temp(gradient.outputSize);
  const du = ctx.temp(gradient.filterSize);
  const [left, right] = gradient.swapped ? [output, input] : [input, output];
  const mostParts = Math.max(...gradient.chunks.map(({ parts }) => parts));
  const partial = mostParts === 1 ? du : ctx.temp(mostParts * gradient.filterSize);
  return gradient.chunks.flatMap(({ parts, ...chunk }) => {
    const product = parts === 1 ? du : partial;
    const sums = parts === 1 ? [] : reduce([PLACES, parts, gradient.filterSize / PLACES], 1, ctx.capabilities);
    return [
      { launch: chunk.input, buffers: { x, out: input } },
      { launch: chunk.output, buffers: { dy, out: output } },
      plainly({ launch: chunk.product, buffers: { left, right, out: product } }, right),
      ...chain({ out: () => du, temp: (size) => ctx.temp(size) }, { x: product }, sums),
      { launch: chunk.filter, buffers: { du, dw } },
    ];
  });
}
