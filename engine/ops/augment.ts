import { augment } from '../../kernels/augment/augment.ts';
import { checkOptions, checkWhole, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import { sameShape, shapeError, type Tensor } from '../tensor.ts';

interface AugmentAttributes {
  /** Side of the output in pixels. */
  readonly size: number;
  /** Samples per output pixel in each direction: 1 where the view does not shrink the image. */
  readonly taps?: number;
}

const OPTIONS: Known<AugmentAttributes> = { size: true, taps: true };

// y[n, i, j, :] = colour_n · x_n(view_n · (j, i, 1)) + offset_n
const augmentOp = defineOp<'x' | 'view' | 'colour', AugmentAttributes>({
  name: 'augment',
  inputs: ['x', 'view', 'colour'],
  takes: { x: 'u32' },
  shape([x, view, colour], { size, taps = 1 }) {
    checkWhole('augment', 'size', size, 1);
    checkWhole('augment', 'taps', taps, 1);
    if (x.shape.length !== 3) shapeError('augment', 'the images must be u32 [N, H, W], R, G, B, A bytes in each', x);
    const [n] = x.shape;
    if (!sameShape(view.shape, [n, 6]) || !sameShape(colour.shape, [n, 12]))
      shapeError('augment', `${n} images need views [${n}, 6] and colours [${n}, 12]`, x, view, colour);
    return [n, size, size, 3];
  },
  lower({ inputs: [x], attrs, in: from, out }) {
    const [n, h, w] = x.shape;
    return [
      {
        launch: augment(n, h, w, attrs.size, attrs.taps ?? 1),
        buffers: { x: from(0), view: from(1), colour: from(2), out: out() },
      },
    ];
  },
});

/**
 * Images as the network sees them: each through its own affine view (output pixel (column j, row i) to source pixel)
 * and its own affine map of the colour, sampled bilinearly.
 *
 * @param x u32 [N, H, W]: R, G, B, A bytes, R lowest
 * @param view [N, 6]: source column = v0·j + v1·i + v2, source row = v3·j + v4·i + v5, in pixels between centres
 * @param colour [N, 12]: three rows (r, g, b, offset) for colours in 0..1
 */
export function augmentImages(x: Tensor, view: Tensor, colour: Tensor, attrs: AugmentAttributes): Tensor {
  checkOptions('augment', attrs, OPTIONS);
  return augmentOp([x, view, colour], attrs);
}
