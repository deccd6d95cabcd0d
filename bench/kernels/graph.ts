import { rooflineCopy, rooflineFma } from '../../kernels/roofline/roofline.ts';
import { grad } from '../../engine/autodiff.ts';
import { defineOp } from '../../engine/op.ts';
import { adam } from '../../engine/ops/adam.ts';
import { batchNorm } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, silu } from '../../engine/ops/pointwise.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { Tensor } from '../../engine/tensor.ts';
import { ADAM, EPSILON, FMA_COUNT, type Case } from './cases.ts';

const copyOp = defineOp<'x'>({
  name: 'roofline_copy',
  inputs: ['x'],
  shape: ([x]) => x.shape,
  lower: ({ inputs: [x], in: from, out }) => [{ launch: rooflineCopy(x.size), buffers: { x: from(0), out: out() } }],
});

const fmaOp = defineOp<'x'>({
  name: 'roofline_fma',
  inputs: ['x'],
  shape: ([x]) => x.shape,
  lower: ({ inputs: [x], in: from, out }) => [
    { launch: rooflineFma(x.size, FMA_COUNT), buffers: { x: from(0), out: out() } },
  ],
});

/** The numbers that Adam reads beside the tensors: those of step 1, and a guard that lets it pass. */
export const ADAM_CONSTANTS = {
  hyper: Float32Array.of(ADAM.rate, 1 - ADAM.beta1, 1 - ADAM.beta2, 1),
  guard: Float32Array.of(0),
};

/**
 * A case as a graph of this engine. `operand` gives the tensors of the case's operands, and Adam's `hyper` and `guard`.
 * @param version the kernels of convolutions, products and pooling: 1 takes the naive ones, 2 not Winograd's
 * @returns the results in the order of `case.results`, or the update that changes them
 */
export function graphOf(
  { layer, direction }: Case,
  operand: (name: string) => Tensor,
  version?: 1 | 2,
): { outputs: Tensor[] } | { update: Tensor } {
  const { kind, stride, groups, activation } = layer;
  /** Outputs of a layer y(x, parameters...): itself, gradients, or both. */
  const directed = (y: Tensor, x: Tensor, ...parameters: Tensor[]): { outputs: Tensor[] } => {
    if (direction === 'forward') return { outputs: [y] };
    const wanted = direction === 'input_grad' ? [x] : direction === 'filter_grad' ? parameters : [x, ...parameters];
    const gradients = grad(y, wanted, operand('dy'));
    return { outputs: direction === 'training' ? [y, ...gradients] : gradients };
  };
  switch (kind) {
    case 'conv2d':
    case 'depthwise_conv2d':
    case 'matmul': {
      const [x, w] = [operand('x'), operand('w')];
      const attrs = { stride, padding: 'same', version } as const;
      const y =
        kind === 'matmul'
          ? matmul(x, w, { version })
          : kind === 'conv2d'
            ? conv2d(x, w, { ...attrs, groups })
            : depthwiseConv2d(x, w, attrs);
      return directed(y, x, w);
    }
    case 'batch_norm': {
      const [x, gamma, beta] = [operand('x'), operand('gamma'), operand('beta')];
      const { y } = batchNorm(x, gamma, beta, { epsilon: EPSILON, activation });
      // In training the backward pass finds the statistics where the forward pass left them.
      const applied =
        direction === 'backward' ? new Tensor(y.op, [x, operand('stats'), gamma, beta], y.attrs, y.shape) : y;
      return directed(applied, x, gamma, beta);
    }
    case 'max_pool2d':
      return directed(
        maxPool2d(operand('x'), { size: [layer.w![0], layer.w![1]], stride, padding: 'same', version }),
        operand('x'),
      );
    case 'silu':
      return directed(silu(operand('x')), operand('x'));
    case 'add':
      return { outputs: [add(operand('x'), operand('b'))] };
    case 'adam':
      return {
        update: adam(
          { w: operand('w'), m: operand('m'), v: operand('v') },
          operand('g'),
          operand('hyper'),
          operand('guard'),
          { beta1: ADAM.beta1, beta2: ADAM.beta2, epsilon: ADAM.epsilon },
        ),
      };
    case 'copy':
      return { outputs: [copyOp([operand('x')], {})] };
    case 'network':
      throw new Error('a whole network is no case of single kernels');
    case 'fma':
      return { outputs: [fmaOp([operand('x')], {})] };
  }
}
