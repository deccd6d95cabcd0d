import { checkOneOf, checkOptions, checkWhole, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import {
  filterGradNormalises,
  forwardNormalises,
  inputGradTakesEpilogue,
  lowerConv2d,
  lowerConv2dFilterGrad,
  lowerConv2dInputGrad,
  VERSION_OPTIONS,
  type Conv2dGeometry,
  type Version,
} from './conv2d_lower.ts';
import {
  convGeometry,
  expectShape,
  filterShape,
  LEAST_OF_GEOMETRY,
  inputShape,
  outputShape,
  WINDOW_OPTIONS,
  type ConvAttributes,
  type ConvGeometry,
} from './conv_geometry.ts';

export type { Conv2dGeometry };

/*
 * A convolution is linear in x and in w: with the trilinear form T(x, w, dy) = <dy, conv(x, w)>, the three ops below
 * are T with one argument left open. So each op's gradients are the other two, and differentiating twice needs nothing
 * new.
 */

// y[n,ho,wo,k] = Σ_{r,s,c} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · w[r,s,c,k]
const conv2dOp = defineOp<'x' | 'w', Conv2dGeometry>({
  name: 'conv2d',
  inputs: ['x', 'w'],
  shape: (_, g) => outputShape(g),
  vjp: ({ x, w }, dy, g) => ({ x: () => conv2dInputGrad(dy, w, g), w: () => conv2dFilterGrad(x, dy, g) }),
  normalises: forwardNormalises,
  takesEpilogue: true,
  lower: lowerConv2d,
});

const inputGradOp = defineOp<'dy' | 'w', Conv2dGeometry>({
  name: 'conv2d_input_grad',
  inputs: ['dy', 'w'],
  shape([dy, w], g) {
    expectShape('conv2d_input_grad', 'dy', dy, outputShape(g));
    expectShape('conv2d_input_grad', 'w', w, filterShape(g));
    return inputShape(g);
  },
  vjp: ({ dy, w }, ddx, g) => ({ dy: () => conv2dOp([ddx, w], g), w: () => conv2dFilterGrad(ddx, dy, g) }),
  takesEpilogue: inputGradTakesEpilogue,
  lower: lowerConv2dInputGrad,
});

const filterGradOp = defineOp<'x' | 'dy', Conv2dGeometry>({
  name: 'conv2d_filter_grad',
  inputs: ['x', 'dy'],
  shape([x, dy], g) {
    expectShape('conv2d_filter_grad', 'x', x, inputShape(g));
    expectShape('conv2d_filter_grad', 'dy', dy, outputShape(g));
    return filterShape(g);
  },
  isWeightGradient: true,
  normalises: filterGradNormalises,
  vjp: ({ x, dy }, ddw, g) => ({ x: () => conv2dInputGrad(dy, ddw, g), dy: () => conv2dOp([x, ddw], g) }),
  lower: lowerConv2dFilterGrad,
});

const VERSIONS = [1, 2, 3];
const OPTIONS: Known<ConvAttributes & Version> = { ...WINDOW_OPTIONS, ...VERSION_OPTIONS, groups: true };

/** Throws a UserError unless it is a geometry: of whole numbers, without a name that it does not know. */
function checkGeometry(op: string, geometry: Conv2dGeometry): void {
  const known: Known<Conv2dGeometry> = {
    ...LEAST_OF_GEOMETRY,
    ...VERSION_OPTIONS,
    epilogue: true,
    summed: true,
    normalised: true,
  };
  checkOptions(op, geometry, known);
  for (const [name, value] of Object.entries(LEAST_OF_GEOMETRY))
    checkWhole(op, name, geometry[name as keyof ConvGeometry], value);
  checkOneOf(op, 'version', geometry.version, VERSIONS);
}

/**
 * The convolution (cross-correlation, as in every deep learning library) of x [N, H, W, C] with w [r, s, C/groups, K].
 * Stride 1, no padding, dilation 1 and one group where not said otherwise; see Padding for 'same' and margins.
 * @throws UserError where the shapes or attributes do not fit
 */
export function conv2d(x: Tensor, w: Tensor, options: ConvAttributes & Version = {}): Tensor {
  checkOptions('conv2d', options, OPTIONS);
  const { version, ...attrs } = options;
  checkOneOf('conv2d', 'version', version, VERSIONS);
  return conv2dOp([x, w], { ...convGeometry('conv2d', x, w, attrs), version });
}

/** The cotangent of x [N, H, W, C] from dy [N, Ho, Wo, K] and w: the transposed convolution. */
export function conv2dInputGrad(dy: Tensor, w: Tensor, geometry: Conv2dGeometry): Tensor {
  checkGeometry('conv2d_input_grad', geometry);
  return inputGradOp([dy, w], geometry);
}

/** The cotangent of w [r, s, C/groups, K] from x and dy. */
export function conv2dFilterGrad(x: Tensor, dy: Tensor, geometry: Conv2dGeometry): Tensor {
  checkGeometry('conv2d_filter_grad', geometry);
  return filterGradOp([x, dy], geometry);
}
