import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addPreprocessingOptions, preprocessingOf } from '../../cli/commands/preprocessing_options.ts';
import { colourMatrix, NO_AUGMENTATION } from '../../vision/view/view.ts';

const said = (...args: string[]) =>
  preprocessingOf(addPreprocessingOptions(new Command('train').exitOverride()).parse(args, { from: 'user' }).opts());

/** What a pixel becomes, of R, G and B from 0 to 255. */
function shown(pixel: readonly number[], args: readonly string[]): number[] {
  const m = colourMatrix(NO_AUGMENTATION, said(...args)!);
  return [0, 4, 8].map((row) => pixel.reduce((sum, v, k) => sum + (m[row + k] * v) / 255, m[row + 3]));
}

describe('how an ONNX file wants its pixels', () => {
  it('is not said where no option is given', () => expect(said()).toBeUndefined());

  it.each([
    // x / 127.5 - 1, as TensorFlow's.
    [
      ['--mean', '127.5', '--std', '127.5', '--scale', '255'],
      [-1, 0, 1],
    ],
    [
      ['--mean', '0.5', '--std', '0.5'],
      [-1, 0, 1],
    ],
    [
      ['--mean', '0.5'],
      [-0.5, 0, 0.5],
    ],
    [
      ['--std', '0.5'],
      [0, 1, 2],
    ],
    [
      ['--scale', '255'],
      [0, 127.5, 255],
    ],
    [
      ['--scale', '1'],
      [0, 0.5, 1],
    ],
    [
      ['--channels', 'bgr', '--scale', '255'],
      [255, 127.5, 0],
    ],
    // Caffe's, in its own order of blue, green and red.
    [
      ['--channels', 'bgr', '--mean', '103.939,116.779,123.68', '--scale', '255'],
      [255 - 103.939, 127.5 - 116.779, -123.68],
    ],
    [
      ['--channels', 'bgr', '--mean', '0,0,0', '--std', '1,0.5,0.25'],
      [1, 1, 0],
    ],
    // ImageNet's, published in the order of red, green and blue.
    [
      ['--channels', 'bgr'],
      [(1 - 0.406) / 0.225, (0.5 - 0.456) / 0.224, (0 - 0.485) / 0.229],
    ],
  ])('is what %j says', (args, wanted) => {
    shown([0, 127.5, 255], args).forEach((value, k) => expect(value).toBeCloseTo(wanted[k], 9));
  });

  it("is ImageNet's of mean and deviation together, or of neither, as the help says", () => {
    const help = addPreprocessingOptions(new Command('train')).helpInformation().replace(/\s+/g, ' ');
    expect(help).toMatch(/ImageNet's where none of --mean, --std and --scale is given, and else 0/);
    expect(help).toMatch(/ImageNet's where none of the three is given, and else 1/);
  });

  it('makes sense of pixels, or is refused', () => {
    expect(() => said('--mean', '127.5')).toThrow(/--mean 127.5,127.5,127.5 makes no sense.*--scale 255/);
    expect(() => said('--std', '58')).toThrow(/--std 58,58,58 makes no sense/);
    expect(() => said('--std', '0')).toThrow(/makes no sense/);
    expect(() => said('--mean', '1,2')).toThrow(/a number, or three/);
    expect(() => said('--mean', 'x')).toThrow(/a number, or three/);
  });
});
