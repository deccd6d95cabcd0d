import * as kernels from '../../kernels/kmeans/kmeans.ts';
import { defineOp, type Step } from '../op.ts';
import { sameShape, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { checkUpdate } from './update.ts';

/** Numbers of points and of centres are counted in f32. */
const MOST = 2 ** 24;

function check(op: string, points: Tensor, centres: Tensor): kernels.KMeansSize {
  const [n, d] = points.shape;
  if (points.shape.length !== 2 || centres.shape.length !== 2 || centres.shape[1] !== d)
    shapeError(op, 'it takes points [n, d] and centres [k, d]', points, centres);
  if (n > MOST) throw new UserError(`${op}: ${n} points, and it counts to ${MOST}`);
  return { n, d, k: centres.shape[0] };
}

const nearestOp = defineOp<'points' | 'centres'>({
  name: 'kmeans_nearest',
  inputs: ['points', 'centres'],
  shape([points, centres]): Shape {
    return [check('kmeans_nearest', points, centres).n];
  },
  lower: ({ inputs: [points, centres], in: from, out }) => [
    {
      launch: kernels.nearest(check('kmeans_nearest', points, centres)),
      buffers: { x: from(0), centre: from(1), out: out() },
    },
  ],
});

/**
 * For each of the points [n, d] the row of its nearest centre of [k, d], by Euclidean distance; of equally near ones
 * the first.
 */
export const nearestCentre = (points: Tensor, centres: Tensor): Tensor => nearestOp([points, centres], {});

const moveOp = defineOp<'centres' | 'points' | 'nearest'>({
  name: 'kmeans_move',
  inputs: ['centres', 'points', 'nearest'],
  mutates: [0],
  shape([centres, points, nearest]): Shape {
    checkUpdate('kmeans_move', [centres], []);
    const { n } = check('kmeans_move', points, centres);
    if (!sameShape(nearest.shape, [n]))
      shapeError('kmeans_move', 'it takes the number of the nearest centre of each point', points, nearest);
    return centres.shape;
  },
  lower({ inputs: [centres, points], in: from, temp }): Step[] {
    const { sums, move, scratch } = kernels.move(check('kmeans_move', points, centres));
    const partial = temp(scratch);
    return [
      { launch: sums, buffers: { x: from(1), nearest: from(2), partial } },
      { launch: move, buffers: { centre: from(0), partial } },
    ];
  },
});

/**
 * An update: each centre moves to the mean of the points whose nearest it is (see `nearestCentre`); one without points
 * stays where it is.
 */
export const moveCentres = (centres: Tensor, points: Tensor, nearest: Tensor): Tensor =>
  moveOp([centres, points, nearest], {});

const seedOp = defineOp<'centres' | 'weights' | 'points' | 'seed'>({
  name: 'kmeans_seed',
  inputs: ['centres', 'weights', 'points', 'seed'],
  takes: { seed: 'u32' },
  mutates: [0, 1],
  shape([centres, weights, points, seed]): Shape {
    checkUpdate('kmeans_seed', [centres], []);
    checkUpdate('kmeans_seed', [weights], []);
    const { n } = check('kmeans_seed', points, centres);
    if (!sameShape(weights.shape, [n]))
      shapeError('kmeans_seed', 'it takes one weight for each point', points, weights);
    if (!sameShape(seed.shape, [2])) shapeError('kmeans_seed', 'the seed must be u32 [2]: seed and round', seed);
    return centres.shape;
  },
  lower({ inputs: [, , points], in: from, temp }): Step[] {
    const { weights, choose, scratch } = kernels.seed({ n: points.shape[0], d: points.shape[1] });
    const partial = temp(scratch);
    return [
      { launch: weights, buffers: { x: from(2), centre: from(0), seed: from(3), weight: from(1), partial } },
      { launch: choose, buffers: { centre: from(0), x: from(2), seed: from(3), weight: from(1), partial } },
    ];
  },
});

/**
 * An update: centre number `round` becomes one of the points, drawn as k-means++ does (Arthur & Vassilvitskii 2007), in
 * proportion to the squared distance from the nearest of the centres before it. To be run with rounds 0, 1, ..., k − 1
 * in turn: `weights` [n] remembers those distances. `seed` is a u32 tensor [2]: seed and round.
 */
export const seedCentre = (centres: Tensor, weights: Tensor, points: Tensor, seed: Tensor): Tensor =>
  seedOp([centres, weights, points, seed], {});
