import * as kernels from '../../kernels/random/random.ts';
import { checkOptions, checkWhole, show, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkTensors, sameShape, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { reshape } from './leaves.ts';
import { greaterEqual, mul } from './pointwise.ts';
import { broadcastTo } from './reduce.ts';

/**
 * Random numbers are a function of (seed, step, stream, element) and the same on every adapter. `seed` is a u32 tensor
 * [2]: the run's seed and the number of the step; `stream` tells one use from another within a step.
 */
interface Stream {
  readonly stream: number;
}

export interface DropAttributes extends Stream {
  /** The probability of being dropped, in [0, 1). */
  readonly rate: number;
}

const STREAM: Known<Stream> = { stream: true };
const DROP: Known<DropAttributes> = { rate: true, stream: true };

function checkStream(op: string, seed: Tensor, { stream }: Stream): void {
  if (!sameShape(seed.shape, [2])) shapeError(op, 'the seed must be u32 [2]: seed and step', seed);
  checkWhole(op, 'the stream', stream, 0, 2 ** 32 - 1);
}

function checkRate(op: string, rate: number): void {
  if (!(typeof rate === 'number' && rate >= 0 && rate < 1))
    throw new UserError(`${op}: the rate must be at least 0 and less than 1, not ${show(rate)}`);
}

const uniformOp = defineOp<'seed', Stream & { shape: Shape }>({
  name: 'random_uniform',
  inputs: ['seed'],
  takes: { seed: 'u32' },
  shape([seed], a): Shape {
    checkStream('random_uniform', seed, a);
    return a.shape;
  },
  lower: ({ output, attrs, in: from, out }) => [
    { launch: kernels.uniform(output.size, attrs.stream), buffers: { seed: from(0), out: out() } },
  ],
});

/** Numbers evenly spread over [0, 1), multiples of 2^-24. */
export function randomUniform(shape: Shape, seed: Tensor, attrs: Stream): Tensor {
  checkOptions('random_uniform', attrs, STREAM);
  return uniformOp([seed], { shape, stream: attrs.stream });
}

// y = x · mask / (1 − rate): linear in x, so its own adjoint
const dropoutOp = defineOp<'x' | 'seed', DropAttributes>({
  name: 'dropout',
  cheap: true,
  inputs: ['x', 'seed'],
  takes: { seed: 'u32' },
  shape([x, seed], a): Shape {
    checkStream('dropout', seed, a);
    checkRate('dropout', a.rate);
    return x.shape;
  },
  vjp: ({ seed }, dy, a) => ({ x: () => dropout(dy, seed, a) }),
  lower: ({ output, attrs, in: from, out }) => [
    {
      launch: kernels.dropout(output.size, attrs.stream, attrs.rate),
      buffers: { x: from(0), seed: from(1), out: out() },
    },
  ],
});

/** Each element dropped with probability `rate`, the others divided by 1 − rate (Srivastava et al. 2014). */
export function dropout(x: Tensor, seed: Tensor, attrs: DropAttributes): Tensor {
  checkOptions('dropout', attrs, DROP);
  return dropoutOp([x, seed], attrs);
}

/**
 * Whole samples (first dimension) dropped with probability `rate`, the others divided by 1 − rate: stochastic depth
 * (Huang et al. 2016).
 */
export function dropPath(x: Tensor, seed: Tensor, attrs: DropAttributes): Tensor {
  checkOptions('drop_path', attrs, DROP);
  checkTensors('drop_path', { x, seed });
  const { rate, stream } = attrs;
  checkRate('drop_path', rate);
  if (x.shape.length < 2)
    shapeError('drop_path', 'the input must have samples as its first and at least one other dimension', x);
  const [samples, ...rest] = x.shape;
  const kept = mul(greaterEqual(randomUniform([samples], seed, { stream }), rate), 1 / (1 - rate));
  // Repeated along the channels, it is an operand that the pointwise kernel reads four at a time.
  const ones = rest.map(() => 1);
  const mask = broadcastTo(reshape(kept, [samples, ...ones]), [samples, ...ones.slice(1), rest[rest.length - 1]]);
  return mul(x, mask);
}
