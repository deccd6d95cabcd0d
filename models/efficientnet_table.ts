import { UserError } from '../engine/user_error.ts';

/*
 * EfficientNet (Tan & Le 2019, arXiv:1905.11946, table 1) as data: B0 is the table, B1 to B7 the same table made wider
 * and deeper by two coefficients.
 */

export interface StageSpec {
  readonly expandRatio: number;
  readonly kernelSize: number;
  /** Of the stage's first block; the others have stride 1. */
  readonly stride: 1 | 2;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly repeats: number;
}

// biome-ignore lint/complexity/useMaxParams: the columns of a table
const stage = (
  expandRatio: number,
  kernelSize: number,
  stride: 1 | 2,
  inChannels: number,
  outChannels: number,
  repeats: number,
): StageSpec => ({ expandRatio, kernelSize, stride, inChannels, outChannels, repeats });

/** The seven stages of MBConv blocks between stem and head, at width and depth 1. */
export const EFFICIENTNET_STAGES: readonly StageSpec[] = [
  // expand, kernel, stride, in, out, repeats
  stage(1, 3, 1, 32, 16, 1),
  stage(6, 3, 2, 16, 24, 2),
  stage(6, 5, 2, 24, 40, 2),
  stage(6, 3, 2, 40, 80, 3),
  stage(6, 5, 1, 80, 112, 3),
  stage(6, 5, 2, 112, 192, 4),
  stage(6, 3, 1, 192, 320, 1),
];
const STEM_CHANNELS = 32;
const HEAD_CHANNELS = 1280;
/** Squeeze and excite narrows to this share of the block's input channels, before expansion. */
const SE_RATIO = 0.25;

export interface EfficientNetConfig {
  readonly variant: EfficientNetVariant;
  readonly classes: number;
  readonly width: number;
  readonly depth: number;
  /** Side in pixels of the images the variant was designed for. */
  readonly imageSize: number;
  /** Rate of dropout before the classifier. */
  readonly dropout: number;
}

export type EfficientNetVariant = 'b0' | 'b1' | 'b2' | 'b3' | 'b4' | 'b5' | 'b6' | 'b7';

const VARIANTS: Readonly<Record<EfficientNetVariant, Omit<EfficientNetConfig, 'variant' | 'classes'>>> = {
  b0: { width: 1.0, depth: 1.0, imageSize: 224, dropout: 0.2 },
  b1: { width: 1.0, depth: 1.1, imageSize: 240, dropout: 0.2 },
  b2: { width: 1.1, depth: 1.2, imageSize: 260, dropout: 0.3 },
  b3: { width: 1.2, depth: 1.4, imageSize: 300, dropout: 0.3 },
  b4: { width: 1.4, depth: 1.8, imageSize: 380, dropout: 0.4 },
  b5: { width: 1.6, depth: 2.2, imageSize: 456, dropout: 0.4 },
  b6: { width: 1.8, depth: 2.6, imageSize: 528, dropout: 0.5 },
  b7: { width: 2.0, depth: 3.1, imageSize: 600, dropout: 0.5 },
};

/** The configuration of a variant for `classes` classes. @throws UserError for an unknown variant or no class. */
export function efficientNetConfig(variant: string, classes: number): EfficientNetConfig {
  if (!isVariant(variant))
    throw new UserError(`EfficientNet '${variant}' is unknown; choose one of ${Object.keys(VARIANTS).join(', ')}.`);
  if (!Number.isInteger(classes) || classes < 1)
    throw new UserError(`A classifier needs at least one class, not ${classes}.`);
  return { variant, classes, ...VARIANTS[variant] };
}

/** The names of the variants, by size. */
export const EFFICIENTNET_VARIANTS = Object.keys(VARIANTS) as EfficientNetVariant[];

function isVariant(variant: string): variant is EfficientNetVariant {
  return Object.hasOwn(VARIANTS, variant);
}

/** Channels times width, to the nearest multiple of 8, but never more than a tenth below. */
export function roundChannels(channels: number, width: number): number {
  const scaled = channels * width;
  const rounded = Math.max(8, Math.floor((scaled + 4) / 8) * 8);
  return rounded < 0.9 * scaled ? rounded + 8 : rounded;
}

/** Repeats times depth, rounded up. */
export function roundRepeats(repeats: number, depth: number): number {
  return Math.ceil(repeats * depth);
}

/** One MBConv block: [expand 1x1] -> depthwise -> squeeze and excite -> project 1x1 [-> add the input]. */
export interface BlockSpec {
  /** Counted over the whole network, from 0. */
  readonly index: number;
  /** 0..6, and the block's place within its stage, from 0. */
  readonly stage: number;
  readonly repeat: number;
  readonly kernelSize: number;
  readonly stride: 1 | 2;
  readonly inChannels: number;
  /** Channels of the depthwise filter; equal to inChannels where the block has no expansion. */
  readonly expandedChannels: number;
  readonly squeezeChannels: number;
  readonly outChannels: number;
  /** Whether the block expands: the first stage's does not. */
  readonly expands: boolean;
  /** Whether the input is added to the output: same shape on both sides. */
  readonly residual: boolean;
}

export interface EfficientNetShape {
  readonly stemChannels: number;
  readonly blocks: readonly BlockSpec[];
  readonly headChannels: number;
}

/** The table scaled by the configuration's coefficients: what a model builds, block by block. */
export function efficientNetShape({ width, depth }: Pick<EfficientNetConfig, 'width' | 'depth'>): EfficientNetShape {
  const blocks: BlockSpec[] = [];
  EFFICIENTNET_STAGES.forEach((spec, stageIndex) => {
    const outChannels = roundChannels(spec.outChannels, width);
    for (let repeat = 0; repeat < roundRepeats(spec.repeats, depth); repeat++) {
      const inChannels = repeat ? outChannels : roundChannels(spec.inChannels, width);
      const stride = repeat ? 1 : spec.stride;
      blocks.push({
        index: blocks.length,
        stage: stageIndex,
        repeat,
        kernelSize: spec.kernelSize,
        stride,
        inChannels,
        expandedChannels: inChannels * spec.expandRatio,
        squeezeChannels: Math.max(1, Math.floor(inChannels * SE_RATIO)),
        outChannels,
        expands: spec.expandRatio !== 1,
        residual: stride === 1 && inChannels === outChannels,
      });
    }
  });
  return {
    stemChannels: roundChannels(STEM_CHANNELS, width),
    blocks,
    headChannels: roundChannels(HEAD_CHANNELS, width),
  };
}
