import type { AdamOptimizer, NamedTensorMap, Tensor, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs';
import { ADAM, EPSILON, drawOperands, type Case } from '../kernels/cases.ts';
import type { KernelContender, Prepared } from '../kernels/contender.ts';
import { jobOf, preparedNetwork } from '../kernels/prepared_network.ts';
import { tfjsContender } from './contender.ts';
import type { Tf } from './network.ts';
import type { OpenTf } from './open.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** Gradients that tfjs has no kernel for: its autodiff puts them together of others, after a forward pass. */
const UNSUPPORTED = new Set(['batch_norm backward', 'silu input_grad']);

/** tfjs, layer by layer: the ops that its layers call, and for gradients the kernels that its autodiff calls. */
export function tfjsKernels(opened: OpenTf): KernelContender {
  const { tf, backend, device } = opened;
  const commands = backend as unknown as { readonly commandEncoder: GPUCommandEncoder | null };
  return {
    adapter: device.adapter,
    maxStorageBinding: device.capabilities.maxStorageBinding,
    close: () => device[Symbol.dispose](),
    async prepare(c: Case): Promise<Prepared | string> {
      if (c.layer.kind === 'network') return preparedNetwork(c, tfjsContender(opened, jobOf(c)));
      if (UNSUPPORTED.has(`${c.layer.kind} ${c.direction}`))
        return 'tfjs computes this gradient only together with the forward pass: compare `training`';
      if ((c.layer.groups ?? 1) > 1) return 'tfjs has no grouped convolutions';
      const values = drawOperands(c);
      const operands: Tensors = Object.fromEntries(
        c.operands.map(({ name, shape }) => {
          // tfjs's depthwise filters have a fourth dimension.
          const own = c.layer.kind === 'depthwise_conv2d' && name === 'w' ? [...shape, 1] : [...shape];
          return [name, tf.tensor(values[name], own, 'float32')];
        }),
      );
      const held: Tensor[] = Object.values(operands);
      if (c.layer.kind === 'max_pool2d' && c.direction === 'input_grad') {
        // The forward pass's output, which its gradient kernel reads as well.
        held.push(((operands as Record<string, Tensor>)['y'] = maxPool(tf, c, operands)));
      }
      const update = c.layer.kind === 'adam' ? adamUpdate(tf, operands) : undefined;
      const compute = update ? undefined : computation(tf, c, operands);
      return {
        kernels: [],
        async compute() {
          if (update) {
            update.run();
            return Promise.all(update.state.map((t) => t.data<'float32'>()));
          }
          const results = tf.tidy(() => compute!());
          const values = await Promise.all(results.map((t) => t.data<'float32'>()));
          tf.dispose(results);
          device.check();
          return values;
        },
        async run(times) {
          for (let i = 0; i < times; i++) {
            if (update) update.run();
            else tf.dispose(tf.tidy(() => compute!()));
          }
          // What it has encoded and not yet submitted: up to fifteen launches.
          if (commands.commandEncoder) {
            backend.endComputePassEncoder();
            backend.submitQueue();
          }
          await device.idle();
          return times;
        },
        gpuTime: () => Promise.resolve(undefined),
        release() {
          update?.dispose();
          tf.dispose(held);
        },
      };
    },
  };
}

const maxPool = (tf: Tf, { layer: { w, stride } }: Case, { x }: Tensors): Tensor4D =>
  tf.maxPool(x as Tensor4D, [w![0], w![1]], stride!, 'same');

/** The results of a case, in its order. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a case for each kernel
function computation(tf: Tf, c: Case, operands: Tensors): () => Tensor[] {
  const {
    layer: { kind, x: xShape, w: wShape, stride = 1, activation },
    direction,
  } = c;
  const { x, w, dy, y } = operands;
  const sliding = { strides: [stride, stride], pad: 'same', dimRoundingMode: undefined };
  const kernel = (name: string, inputs: Tensors, attributes: object) => () => [
    tf.engine().runKernel(name, inputs as NamedTensorMap, attributes as never) as Tensor,
  ];
  const swish = <T extends Tensor>(t: T): T => tf.mul(t, tf.sigmoid(t));
  const activate = <T extends Tensor>(t: T): T =>
    activation === 'silu' ? swish(t) : activation === 'relu' ? tf.relu(t) : t;
  /** Forward pass and all gradients, as `tf.grads` computes them: always both. */
  const training = (f: (...args: Tensor[]) => Tensor, args: Tensor[]) => () => {
    const { value, grads } = tf.valueAndGrads(f)(args, dy);
    return [value, ...grads];
  };

  switch (`${kind} ${direction}`) {
    case 'conv2d forward':
      return () => [tf.conv2d(x as Tensor4D, w as Tensor4D, stride, 'same')];
    case 'conv2d input_grad':
      return kernel('Conv2DBackpropInput', { dy, filter: w }, { ...sliding, dataFormat: 'NHWC', inputShape: xShape });
    case 'conv2d filter_grad':
      return kernel('Conv2DBackpropFilter', { x, dy }, { ...sliding, dataFormat: 'NHWC', filterShape: wShape });
    case 'depthwise_conv2d forward':
      return () => [tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, 'same')];
    case 'depthwise_conv2d input_grad':
      return kernel(
        'DepthwiseConv2dNativeBackpropInput',
        { dy, filter: w },
        { ...sliding, dilations: [1, 1], inputShape: xShape },
      );
    case 'depthwise_conv2d filter_grad':
      return kernel(
        'DepthwiseConv2dNativeBackpropFilter',
        { x, dy },
        { ...sliding, dilations: [1, 1], filterShape: [...wShape!, 1] },
      );
    case 'matmul forward':
      return () => [tf.matMul(x as Tensor2D, w as Tensor2D)];
    case 'matmul input_grad':
      return () => [tf.matMul(dy as Tensor2D, w as Tensor2D, false, true)];
    case 'matmul filter_grad':
      return () => [tf.matMul(x as Tensor2D, dy as Tensor2D, true, false)];
    case 'batch_norm forward':
    case 'batch_norm training': {
      const normalise = (t: Tensor, gamma: Tensor, beta: Tensor): Tensor => {
        const { mean, variance } = tf.moments(t, [0, 1, 2]);
        return activate(
          tf.batchNorm(t as Tensor4D, mean as never, variance as never, beta as never, gamma as never, EPSILON),
        );
      };
      return direction === 'training'
        ? training(normalise, [x, operands['gamma'], operands['beta']])
        : () => [normalise(x, operands['gamma'], operands['beta'])];
    }
    case 'max_pool2d forward':
      return () => [maxPool(tf, c, operands)];
    case 'max_pool2d input_grad':
      return kernel('MaxPoolGrad', { dy, input: x, output: y }, { ...sliding, filterSize: [...wShape!] });
    case 'silu forward':
      return () => [swish(x)];
    case 'silu training':
      return training(swish, [x]);
    case 'add forward':
      return () => [tf.add(x, operands['b'])];
    default:
      throw new Error(`${kind} ${direction} is not written for tfjs`);
  }
}

/** tfjs's optimizer on one variable. Its moments begin at zero; they are set to the case's before the first step. */
function adamUpdate(tf: Tf, { w, m, v, g }: Tensors): { state: Tensor[]; run(): void; dispose(): void } {
  const variable: Variable = tf.variable(w, true, `w${w.id}`);
  const optimizer = tf.train.adam(ADAM.rate, ADAM.beta1, ADAM.beta2, ADAM.epsilon) as AdamOptimizer;
  // Its moments are private fields, made at the first step.
  const fields = optimizer as unknown as Record<
    'accumulatedFirstMoment' | 'accumulatedSecondMoment',
    { originalName: string; variable: Variable }[]
  >;
  const moments = [m, v].map((moment) => tf.variable(moment, false));
  fields.accumulatedFirstMoment[0] = { originalName: `${variable.name}/m`, variable: moments[0] };
  fields.accumulatedSecondMoment[0] = { originalName: `${variable.name}/v`, variable: moments[1] };
  return {
    state: [variable, ...moments],
    run: () => optimizer.applyGradients([{ name: variable.name, tensor: g }]),
    dispose() {
      variable.dispose();
      optimizer.dispose();
    },
  };
}
