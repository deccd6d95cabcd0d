import { add } from './ops/pointwise.ts';
import { ones, stopGradientOp } from './ops/leaves.ts';
import { checkTensors, type Tensor, sameShape, shapeError, showShape, topologicalOrder } from './tensor.ts';
import { show } from './check.ts';
import { UserError } from './user_error.ts';

/**
 * What becomes of the cotangent of a tensor before it goes on to the tensor's inputs: guided backpropagation is such a
 * rule.
 */
export type CotangentRule = (t: Tensor, dy: Tensor) => Tensor;

/**
 * The gradients of a scalar with respect to tensors of its graph, as graph: reverse-mode differentiation
 * (Griewank & Walther 2008, chapter 3). Every op hands back the cotangents of its inputs (`vjp`); where a tensor has
 * several users, their cotangents add up. A tensor that the loss does not depend on is an error: a silent zero hides a
 * wrong graph.
 *
 * @param seed cotangent of `of`; ones for a scalar, required for anything else
 */
export function grad(of: Tensor, wrt: readonly Tensor[], seed?: Tensor, through?: CotangentRule): Tensor[] {
  checkTensors('grad', { 'what is differentiated': of, ...(seed && { 'the seed': seed }) });
  if (!Array.isArray(wrt))
    throw new UserError(`grad: it takes a list of the tensors to differentiate by, not ${show(wrt)}`);
  checkTensors('grad', Object.fromEntries(wrt.map((t, i) => [`tensor ${i} to differentiate by`, t])));
  if (!seed && of.size !== 1)
    shapeError('grad', 'only a scalar has a gradient (give a seed cotangent for anything else)', of);
  if (seed && !sameShape(seed.shape, of.shape))
    shapeError('grad', 'the seed must have the shape of what is differentiated', of, seed);
  for (const t of [of, ...wrt])
    if (t.dtype !== 'f32') throw new UserError(`grad: only f32 has gradients, and ${t} is ${t.dtype}`);
  const order = topologicalOrder([of]);

  // Only what lies between `wrt` and `of` needs a cotangent, and nothing does that is seen through stop_gradient alone,
  // or through whole numbers (an arg max).
  const relevant = new Set<Tensor>(wrt);
  for (const t of order.filter(({ dtype }) => dtype === 'f32'))
    if (t.op !== stopGradientOp && t.inputs.some((input) => relevant.has(input))) relevant.add(t);

  const cotangents = new Map<Tensor, Tensor>([[of, seed ?? ones(of.shape)]]);
  for (const t of order.reverse()) {
    const arriving = cotangents.get(t);
    if (!arriving || !relevant.has(t)) continue;
    const needed = t.inputs.map((input) => relevant.has(input));
    if (!needed.includes(true)) continue;
    const makers = t.op.vjp(t, through ? through(t, arriving) : arriving);
    t.inputs.forEach((input, i) => {
      if (!needed[i]) return;
      const make = makers?.[t.op.inputs[i]];
      if (!make) {
        const why = t.op.gradientOf ? `: ${t.op.gradientOf} has first derivatives only` : '';
        throw new UserError(
          `grad: ${t.op.name} is not differentiable with respect to its input ${t.op.inputs[i]} (${input})${why}`,
        );
      }
      const dx = make();
      if (!sameShape(dx.shape, input.shape)) {
        throw new Error(
          `grad: the vjp of ${t.op.name} gave ${showShape(dx.shape)} for input ${t.op.inputs[i]} of shape ${showShape(input.shape)}`,
        );
      }
      const sum = cotangents.get(input);
      cotangents.set(input, sum ? add(sum, dx) : dx);
    });
  }
  return wrt.map((t) => {
    const dx = cotangents.get(t);
    if (!dx) throw new UserError(`grad: ${of} does not depend on ${t}`);
    return dx;
  });
}
