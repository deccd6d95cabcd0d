import { pixels } from '../../kernels/pixels/pixels.ts';
import { decidedText } from '../../kernels/decided.ts';
import { packParams } from '../../kernels/kernel.ts';
import type { Device } from '../device/device.ts';
import { showShape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

/**
 * A picture as a page has it: an ImageBitmap, ImageData, a frame of a video or the element that plays it, a canvas, an
 * <img>. An input [height, width, channels] takes it, or a list of them if it is [N, height, width, channels]. With 3
 * channels they are red, green and blue, with 4 alpha too: whole numbers from 0 to 255, as sRGB has them, not
 * multiplied by alpha.
 */
export type Picture = GPUCopyExternalImageSource;

const KINDS = [
  'ImageBitmap',
  'ImageData',
  'VideoFrame',
  'HTMLVideoElement',
  'HTMLCanvasElement',
  'OffscreenCanvas',
  'HTMLImageElement',
] as const;

/** Whether a value is a picture; in Node none is. */
export const isPicture = (value: unknown): value is Picture =>
  KINDS.some((kind) => {
    const known = (globalThis as Record<string, unknown>)[kind];
    return typeof known === 'function' && value instanceof known;
  });

/** Pixels of a picture: height, width. Elements on a page can be drawn in another size than they have. */
function sizeOfPicture(picture: Picture): readonly [number, number] {
  if ('videoWidth' in picture) return [picture.videoHeight, picture.videoWidth];
  if ('naturalWidth' in picture) return [picture.naturalHeight, picture.naturalWidth];
  if ('displayWidth' in picture) return [picture.displayHeight, picture.displayWidth];
  return [picture.height, picture.width];
}

interface Layout {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

function layoutOf(what: string, { shape, dtype }: Tensor): Layout {
  const [count, height, width, channels] = shape.length === 3 ? [1, ...shape] : shape;
  if (dtype !== 'f32' || shape.length < 3 || shape.length > 4 || (channels !== 3 && channels !== 4))
    throw new UserError(
      `${what} takes no pictures: that needs a shape [height, width, channels] or [N, height, width, channels] of 3 or 4 channels, and f32`,
    );
  return { count, height, width, channels };
}

/**
 * Throws a UserError unless the input takes these pictures.
 * @param what begins the message: what is given them
 */
export function checkPictures(what: string, pictures: readonly Picture[], tensor: Tensor): void {
  const { count, height, width } = layoutOf(what, tensor);
  if (pictures.length !== count)
    throw new UserError(`${what} takes a batch of ${count} and was given ${pictures.length}`);
  for (const [i, picture] of pictures.entries()) {
    if (!isPicture(picture)) throw new UserError(`${what}: entry ${i} of the list is no picture as the first is`);
    const [h, w] = sizeOfPicture(picture);
    if (h !== height || w !== width)
      throw new UserError(
        `${what} takes pictures ${height} pixels high and ${width} wide, and picture ${i} is ${h} high and ${w} wide; createImageBitmap resizes one`,
      );
  }
}

/** Copies a picture into a texture of its size. */
export type Put = (device: GPUDevice, picture: Picture, texture: GPUTexture) => void;

const putByBrowser: Put = ({ queue }, picture, texture) => {
  const { width, height } = texture;
  const copy = (source: Picture) => queue.copyExternalImageToTexture({ source }, { texture }, [width, height]);
  try {
    copy(picture);
  } catch (error) {
    // Chromium hands no frame of a video to a GPU that it does not draw with; a canvas takes it.
    if (!('displayWidth' in picture || 'videoWidth' in picture)) throw error;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext('2d')!.drawImage(picture, 0, 0, width, height);
    copy(canvas);
  }
};

/** Writes pictures into the memory of one input, on the GPU. */
export class PictureFeed implements Disposable {
  private readonly layout: Layout;
  private readonly texture: GPUTexture;
  private readonly lines: GPUBuffer;
  private readonly params: GPUBuffer;
  private readonly bytesPerRow: number;
  private readonly encode: (encoder: GPUCommandEncoder) => void;

  constructor(
    private readonly device: Device,
    private readonly tensor: Tensor,
    target: GPUBuffer,
    private readonly put: Put = putByBrowser,
  ) {
    const { gpu } = device;
    this.layout = layoutOf(`input ${tensor}`, tensor);
    const { count, height, width, channels } = this.layout;
    const most = gpu.limits.maxTextureDimension2D;
    if (Math.max(height, width) > most)
      throw new UserError(
        `input ${tensor} ${showShape(tensor.shape)}: this adapter takes pictures of at most ${most} pixels a side`,
      );
    // WebGPU copies lines of a texture to multiples of 256 bytes.
    this.bytesPerRow = Math.ceil((4 * width) / 256) * 256;
    const { STORAGE, COPY_DST, UNIFORM } = GPUBufferUsage;
    this.lines = device.createBuffer(count * height * this.bytesPerRow, STORAGE | COPY_DST, `pixels of ${tensor}`);
    const launch = pixels(count * height, width, channels, this.bytesPerRow / 4);
    this.params = device.createBuffer(launch.kernel.paramsSize, UNIFORM | COPY_DST, `layout of ${tensor}`);
    gpu.queue.writeBuffer(this.params, 0, packParams(launch));
    this.texture = gpu.createTexture({
      label: `picture of ${tensor}`,
      size: [width, height],
      format: 'rgba8unorm',
      usage: GPUTextureUsage.COPY_SRC | GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT,
    });
    // Not the device's pipeline, for which `run` would have to wait.
    const pipeline = gpu.createComputePipeline({
      label: launch.kernel.name,
      layout: 'auto',
      compute: { module: gpu.createShaderModule({ code: decidedText(launch) }), entryPoint: launch.kernel.entryPoint },
    });
    const buffers: Record<string, GPUBuffer> = { pixels: this.lines, out: target, params: this.params };
    const bindGroup = gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: launch.kernel.bindings.map(({ name, binding }) => ({ binding, resource: { buffer: buffers[name] } })),
    });
    this.encode = (encoder) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...launch.workgroups);
      pass.end();
    };
  }

  /** Writes as many as the input takes (see `checkPictures`), before what is submitted from now on. */
  write(pictures: readonly Picture[]): void {
    const { gpu } = this.device;
    const { height, width } = this.layout;
    for (const [i, picture] of pictures.entries()) {
      try {
        this.put(gpu, picture, this.texture);
      } catch (error) {
        throw new UserError(`run: input ${this.tensor}: picture ${i} cannot be read: ${(error as Error).message}`);
      }
      const encoder = gpu.createCommandEncoder();
      encoder.copyTextureToBuffer(
        { texture: this.texture },
        {
          buffer: this.lines,
          offset: i * height * this.bytesPerRow,
          bytesPerRow: this.bytesPerRow,
          rowsPerImage: height,
        },
        [width, height],
      );
      if (i === pictures.length - 1) this.encode(encoder);
      gpu.queue.submit([encoder.finish()]);
    }
  }

  [Symbol.dispose](): void {
    this.texture.destroy();
    this.device.destroyBuffer(this.lines);
    this.device.destroyBuffer(this.params);
  }
}
