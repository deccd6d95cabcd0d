import { checkOneOf, checkWhole } from '../check.ts';
import { checkTensors, shapeError, type Tensor } from '../tensor.ts';
import { reshape } from './leaves.ts';
import { transpose } from './transpose.ts';

function checkBlock(op: string, x: Tensor, block: number): void {
  checkTensors(op, { x });
  checkWhole(op, 'block', block, 1);
  if (x.shape.length !== 4) shapeError(op, 'x must be images [N, H, W, C]', x);
}

/**
 * Channels become pixels: x [N, H, W, C] to [N, H·block, W·block, C / block²], as ONNX's DepthToSpace. In `DCR` the
 * channels of one pixel of a block are neighbours, in `CRD` the pixels of one channel are (PyTorch's PixelShuffle).
 */
export function depthToSpace(x: Tensor, block: number, order: 'DCR' | 'CRD' = 'DCR'): Tensor {
  checkBlock('depth_to_space', x, block);
  checkOneOf('depth_to_space', 'order', order, ['DCR', 'CRD']);
  const [n, h, w, c] = x.shape;
  const channels = c / block ** 2;
  if (!Number.isInteger(channels)) shapeError('depth_to_space', `blocks of ${block} do not divide the channels`, x);
  const apart =
    order === 'DCR'
      ? transpose(reshape(x, [n, h, w, block, block, channels]), [0, 1, 3, 2, 4, 5])
      : transpose(reshape(x, [n, h, w, channels, block, block]), [0, 1, 4, 2, 5, 3]);
  return reshape(apart, [n, h * block, w * block, channels]);
}

/** Pixels become channels: x [N, H, W, C] to [N, H / block, W / block, block²·C]; undoes `depthToSpace` in `DCR`. */
export function spaceToDepth(x: Tensor, block: number): Tensor {
  checkBlock('space_to_depth', x, block);
  const [n, h, w, c] = x.shape;
  if (h % block !== 0 || w % block !== 0) shapeError('space_to_depth', `blocks of ${block} do not divide the image`, x);
  const apart = transpose(reshape(x, [n, h / block, block, w / block, block, c]), [0, 1, 3, 2, 4, 5]);
  return reshape(apart, [n, h / block, w / block, block ** 2 * c]);
}
