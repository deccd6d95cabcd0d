import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { readWeights } from '../../models/formats/read_weights.ts';
import { parseSafetensors, writeSafetensors } from '../../models/formats/safetensors.ts';
import { makeZip } from '../vision/data/archive_files.ts';

const latin1 = (text: string, length = text.length): Uint8Array =>
  new Uint8Array(Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(length - text.length)]));
const refusal = async (bytes: Uint8Array): Promise<string> => {
  // The name says nothing: it is the same for all.
  const error = await readWeights(bytes, 'w.safetensors').then(
    () => new Error('was accepted'),
    (reason: Error) => reason,
  );
  expect(error, error.stack).toBeInstanceOf(UserError);
  return error.message;
};

/** The first bytes of files, as their specifications and the programs that write them have them. */
const OTHERS: [what: string, bytes: Uint8Array, sentence: RegExp][] = [
  ['HTML', latin1('\n<!DOCTYPE html>\n<html>'), /is an HTML page.* get the file anew/],
  ['HTML without a type', latin1('<html lang="en">'), /is an HTML page/],
  ['XML', latin1('<?xml version="1.0"?><Error><Code>AccessDenied</Code>'), /is an XML page/],
  [
    'Git LFS',
    latin1('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'),
    /pointer of Git LFS.*git lfs pull/,
  ],
  ['an index', latin1('{"metadata": {"total_size": 1}, "weight_map": {}}'), /index of weights that are split/],
  ['tfjs', latin1('{"format": "layers-model", "modelTopology": {}}'), /TensorFlow\.js/],
  ['JSON', latin1('{\n  "a": 1}'), /is JSON/],
  ['GGUF', latin1('GGUF\x03\0\0\0', 64), /is a GGUF file/],
  ['TFLite', latin1('\x1c\0\0\0TFL3', 64), /is a TensorFlow Lite model/],
  [
    'a checkpoint of TensorFlow',
    latin1(`\0\0\x0a${'x'.repeat(60)}\x57\xfb\x80\x8b\x24\x75\x47\xdb`),
    /is a TensorFlow checkpoint.*\.keras/,
  ],
  ['SavedModel', latin1('\x08\x01\x12\xa0\x03\x0a\x05', 64), /is a TensorFlow SavedModel/],
  ['ONNX of PyTorch', latin1('\x08\x07\x12\x07pytorch\x1a\x051.13.', 64), /is an ONNX model.*--model/],
  ['ONNX without a producer', latin1('\x08\x09\x3a\xa0\x03', 64), /is an ONNX model/],
  ['gzip', latin1('\x1f\x8b\x08\0', 64), /is packed by gzip.*unpack it/],
  ['xz', latin1('\xfd7zXZ\0', 64), /is packed by xz/],
  ['zstd', latin1('\x28\xb5\x2f\xfd', 64), /is packed by zstd/],
  ['bzip2', latin1('BZh91AY&SY', 64), /is packed by bzip2/],
  ['7-Zip', latin1('7z\xbc\xaf\x27\x1c', 64), /is a 7-Zip archive/],
  ['tar', latin1(`${'weights.pth'.padEnd(257, '\0')}ustar\x0000`, 512), /is a tar archive/],
  ['npy', latin1('\x93NUMPY\x01\0', 64), /is a NumPy array/],
  ['MATLAB', latin1('MATLAB 5.0 MAT-file, Platform: GLNXA64', 128), /is a MATLAB file/],
  ['PDF', latin1('%PDF-1.7'), /is a PDF/],
  ['PNG', latin1('\x89PNG\r\n\x1a\n', 64), /is an image/],
  ['zip', makeZip([{ path: 'readme.txt', bytes: latin1('hello') }]), /is a zip archive without the data\.pkl/],
  ['nothing', new Uint8Array(0), /is empty/],
  ['a byte', latin1('\x07'), /begins with the bytes 07\. /],
  ['numbers', latin1('\x01\x02\x03\xff\xfe\x00\x10\x20'), /begins with the bytes 01 02 03 ff fe 00 10 20/],
];

describe('a file that is no file of weights', () => {
  it.each(OTHERS)('%s is told by its bytes', async (_what, bytes, sentence) => {
    const said = await refusal(bytes);
    expect(said).toMatch(sentence);
    expect(said).toMatch(/^w\.safetensors is .*\.$/s);
    expect(said).not.toMatch(/claims/);
  });
  it('is told where a safetensors file is needed, too', () => {
    for (const [what, bytes] of OTHERS.filter(([what]) => !['zip', 'nothing', 'a byte', 'numbers'].includes(what)))
      expect(() => parseSafetensors(bytes, 'm'), what).toThrow(/^m is .*, where a safetensors file is needed/s);
    expect(() => parseSafetensors(makeZip([{ path: 'data.pkl', bytes: latin1('x') }]), 'm')).toThrow(
      'm is a zip archive, where a safetensors file is needed.',
    );
  });
});

it('a safetensors file is known by any name, and whatever its length of header looks like', async () => {
  for (let padding = 0; padding < 600; padding++) {
    const bytes = writeSafetensors(new Map([['a', { dtype: 'f32', shape: [1], data: Float32Array.of(7) }]]), {
      k: 'x'.repeat(padding),
    });
    const { tensors, format } = await readWeights(bytes, 'model.pth');
    expect(format).toBe('safetensors');
    expect([...tensors.get('a')!.data]).toEqual([7]);
  }
});
