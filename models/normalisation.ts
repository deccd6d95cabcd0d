/** How a network wants its pixels: x = (pixel − mean) / std for pixels in 0..1. */
export interface Normalisation {
  /** Of red, green and blue, in this order. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The network wants blue, green and red, in this order; absent: red first. */
  readonly channels?: 'bgr';
}

/** Of networks trained on ImageNet, as torchvision trains them. */
export const IMAGENET: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
