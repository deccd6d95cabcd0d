import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { parseSafetensors, writeSafetensors } from '../../models/formats/safetensors.ts';
import { readSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import { toFloat32 } from '../../models/formats/stored_tensor.ts';
import type { StoredTensor } from '../../models/formats/stored_tensor.ts';
import { testData } from '../data.ts';

/** A file with this header text, a length field that may lie, and `dataBytes` zero bytes. */
function file(header: string, dataBytes = 0, statedLength?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, statedLength ?? BigInt(text.byteLength), true);
  bytes.set(text, 8);
  return bytes;
}
const f32 = (shape: string, begin: number | string, end: number | string): string =>
  `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`;
const refusal = (bytes: Uint8Array): string => {
  try {
    parseSafetensors(bytes, 'w.safetensors');
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  throw new Error('was accepted');
};

describe('parseSafetensors', () => {
  it('reads a file laid out by hand', () => {
    const bytes = file(
      `{"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},"a":${f32('[1,2]', 0, 8)},"__metadata__":{"k":"v"}}`,
      16,
    );
    const view = new DataView(bytes.buffer, bytes.byteLength - 16);
    view.setFloat32(0, 1.5, true);
    view.setFloat32(4, -2, true);
    view.setBigInt64(8, -7n, true);
    const { tensors, metadata } = parseSafetensors(bytes, 'w');
    expect([...tensors.keys()]).toEqual(['a', 'b']);
    expect(tensors.get('a')).toEqual({ dtype: 'f32', shape: [1, 2], data: new Float32Array([1.5, -2]) });
    expect(tensors.get('b')).toEqual({ dtype: 'i64', shape: [], data: new BigInt64Array([-7n]) });
    expect(metadata.k).toBe('v');
  });

  it('gives views where the bytes are aligned and copies where they are not', () => {
    const padded = file(`{"a":${f32('[2]', 0, 8)}}`.padEnd(64), 8);
    expect(parseSafetensors(padded, 'w').tensors.get('a')!.data.buffer).toBe(padded.buffer);
    const shifted = new Uint8Array(padded.byteLength + 1).subarray(1);
    shifted.set(padded);
    shifted.set([0, 0, 0x80, 0x3f], 8 + 64 + 4);
    const { data } = parseSafetensors(shifted, 'w').tensors.get('a')!;
    expect(data).toEqual(new Float32Array([0, 1]));
    expect(data.buffer).not.toBe(shifted.buffer);
    const pooled = Buffer.alloc(padded.byteLength + 1).subarray(1); // a Buffer, whose slice() does not copy
    pooled.set(shifted);
    expect(parseSafetensors(pooled, 'w').tensors.get('a')!.data).toEqual(new Float32Array([0, 1]));
  });

  it('takes keys that mean something to JavaScript for plain names', () => {
    const { tensors, metadata } = parseSafetensors(
      file(`{"__proto__":${f32('[1]', 0, 4)},"__metadata__":{"__proto__":"p"}}`, 4),
      'w',
    );
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(Object.keys(metadata)).toEqual(['__proto__']);
    expect(metadata.toString).toBeUndefined();
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it.each<[string, number]>([
    ['F64', 8],
    ['F32', 4],
    ['F16', 2],
    ['BF16', 2],
    ['F8_E5M2', 1],
    ['F8_E4M3', 1],
    ['I64', 8],
    ['I32', 4],
    ['I16', 2],
    ['I8', 1],
    ['U64', 8],
    ['U32', 4],
    ['U16', 2],
    ['U8', 1],
    ['BOOL', 1],
  ])('takes %s, elements of %i bytes', (dtype, bytes) => {
    const header = `{"a":{"dtype":"${dtype}","shape":[3],"data_offsets":[0,${3 * bytes}]}}`;
    const { data } = parseSafetensors(file(header, 3 * bytes), 'w').tensors.get('a')!;
    expect([data.length, data.byteLength]).toEqual([3, 3 * bytes]);
  });

  it('accepts an empty tensor and an empty file', () => {
    expect(parseSafetensors(file(`{"a":${f32('[0,4]', 0, 0)}}`), 'w').tensors.get('a')!.data).toHaveLength(0);
    expect(parseSafetensors(file('{}'), 'w').tensors.size).toBe(0);
  });

  const one = f32('[1]', 0, 4);
  it.each<[string, Uint8Array, RegExp]>([
    ['too short', new Uint8Array(7), /w\.safetensors: 7 bytes are too few/],
    ['header beyond the file', file('{}', 0, 900n), /claims 900 bytes, but only 2 follow/],
    ['header a little beyond the file', file('{}', 0, 9n), /claims 9 bytes, but only 2 follow/],
    ['huge header', file('{}', 0, 100_000_001n), /claims 100000001 bytes, more than/],
    ['header of 2^64-1 bytes', file('{}', 0, 2n ** 64n - 1n), /claims 18446744073709551615 bytes/],
    ['not JSON', file('{"a":'), /header is not JSON/],
    ['not UTF-8', file('{"a\u0000"}').fill(0xff, 10, 11), /header is not JSON/],
    ['a list', file('[]'), /not an object/],
    ['null entry', file('{"a":null}'), /tensor 'a': its entry is not an object/],
    [
      'unknown dtype',
      file('{"a":{"dtype":"F12","shape":[1],"data_offsets":[0,4]}}', 4),
      /tensor 'a': its dtype "F12" is unknown/,
    ],
    [
      'dtype of Object',
      file('{"a":{"dtype":"constructor","shape":[1],"data_offsets":[0,4]}}', 4),
      /dtype "constructor" is unknown/,
    ],
    ['no shape', file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), /its shape \(missing\) is not/],
    ['negative dim', file(`{"a":${f32('[-1]', 0, 4)}}`, 4), /its shape \[-1\]/],
    ['broken dim', file(`{"a":${f32('[1.5]', 0, 6)}}`, 6), /its shape \[1.5\]/],
    ['dim as text', file(`{"a":${f32('["1"]', 0, 4)}}`, 4), /its shape \["1"\]/],
    ['a product beyond all numbers', file(`{"a":${f32('[1e15,1e15]', 0, 4)}}`, 4), /larger than any file/],
    ['negative offset', file(`{"a":${f32('[1]', -4, 0)}}`, 4), /its data_offsets \[-4,0\]/],
    [
      'three offsets',
      file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4),
      /its data_offsets \[0,4,8\]/,
    ],
    ['end before begin', file(`{"a":${f32('[1]', 4, 0)}}`, 4), /ends \(0\) before it begins \(4\)/],
    [
      'wrong size',
      file(`{"a":${f32('[2,2]', 0, 12)}}`, 12),
      /\[0, 12\] hold 12 bytes, but f32 of shape \[2, 2\] needs 16/,
    ],
    ['more bytes than the shape', file(`{"a":${f32('[1]', 0, 8)}}`, 8), /hold 8 bytes, but f32 of shape \[1\] needs 4/],
    [
      'beyond the data',
      file(`{"a":${one}}`, 3),
      /tensor 'a': its offsets \[0, 4\] reach beyond the file, which holds 3 bytes/,
    ],
    ['overlap', file(`{"a":${f32('[2]', 0, 8)},"b":${f32('[2]', 4, 12)}}`, 12), /tensor 'b'.*overlap.*ends at 8/],
    [
      'overlap by a byte',
      file(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        3,
      ),
      /tensor 'b'.*overlap.*ends at 2/,
    ],
    ['the same bytes twice', file(`{"a":${one},"b":${one}}`, 4), /tensor 'b'.*overlap/],
    ['hole', file(`{"a":${one},"b":${f32('[1]', 8, 12)}}`, 12), /tensor 'b'.*hole after 4/],
    ['hole at the start', file(`{"a":${f32('[1]', 4, 8)}}`, 8), /tensor 'a'.*hole after 0/],
    ['trailing bytes', file(`{"a":${one}}`, 9), /5 bytes follow the last tensor/],
    ['duplicate tensor', file(`{"a":${one},"b":${f32('[1]', 4, 8)},"\\u0061":${one}}`, 8), /names 'a' twice/],
    ['duplicate with a quote', file(`{"a\\"":${one},"a\\"":${f32('[1]', 4, 8)}}`, 8), /names 'a"' twice/],
    [
      'duplicate field',
      file(`{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}`, 4),
      /names 'dtype' twice/,
    ],
    ['metadata not strings', file('{"__metadata__":{"k":1}}'), /__metadata__ 'k' is not a string/],
    ['metadata a string', file('{"__metadata__":"x"}'), /__metadata__ is not an object/],
  ])('refuses %s', (_what, bytes, sentence) => {
    expect(refusal(bytes)).toMatch(sentence);
  });

  it('survives any damage to the header: reads it or refuses it in a sentence', () => {
    const sound = writeSafetensors(
      new Map<string, StoredTensor>([
        ['a', { dtype: 'f32', shape: [2, 3], data: new Float32Array(6) }],
        ['b.c', { dtype: 'i64', shape: [1], data: new BigInt64Array(1) }],
      ]),
      { k: 'v' },
    );
    let state = 1;
    const random = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = sound.slice(0, random(4) ? sound.length : random(sound.length));
      for (let n = random(3); n >= 0 && bytes.length; n--)
        bytes[random(Math.min(bytes.length, 200))] = '{}[]",:0123456789-eE\\ \u0000\u00ff'.charCodeAt(random(24));
      try {
        parseSafetensors(bytes, 'w');
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        expect((error as Error).message).toMatch(/^w: .*\.$/s);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });

  it('does not take the same word in different objects, or in values, for a duplicate', () => {
    expect(parseSafetensors(file(`{"a":${one},"__metadata__":{"a":"a","x":"\\"a\\":{"}}`, 4), 'w').tensors.size).toBe(
      1,
    );
  });
});

describe('toFloat32', () => {
  const values = (dtype: StoredTensor['dtype'], data: StoredTensor['data']): number[] => [
    ...toFloat32({ dtype, shape: [data.length], data }),
  ];
  it('decodes halves: zeros, the smallest, one, the largest, infinities, NaN', () => {
    expect(
      values(
        'f16',
        new Uint16Array([0, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc100, 0x7bff, 0x7c00, 0xfc00, 0x7e00]),
      ),
    ).toEqual([0, -0, 2 ** -24, 1023 * 2 ** -24, 6.103515625e-5, 1, -2.5, 65504, Infinity, -Infinity, NaN]);
  });
  it('decodes bf16 and f64', () => {
    expect(values('bf16', new Uint16Array([0x3f80, 0xc049, 0x7f80]))).toEqual([1, -3.140625, Infinity]);
    expect(values('f64', new Float64Array([0.1]))).toEqual([Math.fround(0.1)]);
  });
  it('does not copy f32 and refuses integers', () => {
    const data = new Float32Array(2);
    expect(toFloat32({ dtype: 'f32', shape: [2], data })).toBe(data);
    expect(() => toFloat32({ dtype: 'i32', shape: [1], data: new Int32Array(1) }, "w: tensor 'n'")).toThrow(
      /w: tensor 'n': its values are i32/,
    );
  });
});

describe('checksums', () => {
  const tensors = new Map<string, StoredTensor>([
    ['a', { dtype: 'f32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['b.c', { dtype: 'u8', shape: [3], data: Uint8Array.of(7, 8, 9) }],
  ]);
  const sound = writeSafetensors(tensors, { k: 'value' });
  const headerEnd = 8 + Number(new DataView(sound.buffer).getBigUint64(0, true));

  it('refuse every flipped bit of every tensor, and name the tensor', () => {
    for (let bit = headerEnd * 8; bit < sound.length * 8; bit++) {
      const bytes = sound.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      const name = bit >> 3 < headerEnd + 24 ? 'a' : 'b.c';
      expect(refusal(bytes)).toMatch(`w.safetensors: tensor '${name}' was changed since the file was written`);
    }
  });

  it('let no flipped bit of the header through that means something else', () => {
    const wanted = parseSafetensors(sound, 'w');
    let same = 0;
    for (let bit = 0; bit < headerEnd * 8; bit++) {
      const bytes = sound.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      try {
        const { tensors, metadata } = parseSafetensors(bytes, 'w');
        expect(tensors).toEqual(wanted.tensors);
        expect(metadata['k']).toBe('value');
        same++;
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }
    // Only the key of the checksums can be hit: 16 characters of 7 bits that stay text.
    expect(same).toBeLessThanOrEqual(16 * 8);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ['a checksum', (text) => text.replace(/[0-9a-f]{8} a\\n/, '00000000 a\\n'), /tensor 'a' was changed/],
    [
      'a line too many',
      (text) => text.replace(' a\\n', ' a\\n00000000 q\\n').replace(/ {11}$/, ''),
      /a tensor is missing/,
    ],
    ['the metadata', (text) => text.replace('"value"', '"valve"'), /the metadata were changed/],
  ])('refuse a change of %s', (_, change, sentence) => {
    const text = change(new TextDecoder().decode(sound.subarray(8, headerEnd)).trimEnd());
    const bytes = new Uint8Array([...file(text), ...sound.subarray(headerEnd)]);
    expect(refusal(bytes)).toMatch(sentence);
  });

  it('are not asked of files of others', () => {
    const text = new TextDecoder().decode(sound.subarray(8, headerEnd)).replace('tuningfork_crc32', 'another');
    const bytes = new Uint8Array([...file(text), ...sound.subarray(headerEnd)]);
    bytes[bytes.length - 1]++;
    expect(parseSafetensors(bytes, 'w').tensors.get('b.c')!.data).toEqual(Uint8Array.of(7, 8, 10));
  });
});

describe('writeSafetensors', () => {
  const t = (dtype: StoredTensor['dtype'], shape: number[], data: StoredTensor['data']): StoredTensor => ({
    dtype,
    shape,
    data,
  });
  const tensors: [string, StoredTensor][] = [
    ['z', t('u8', [3], new Uint8Array([1, 2, 3]))],
    ['7', t('f32', [2], new Float32Array([1, 2]))],
    ['b', t('f16', [1], new Uint16Array([0x3c00]))],
    ['__proto__', t('f32', [1], new Float32Array([3]))],
    ['wide', t('f64', [1], new Float64Array([4]))],
  ];

  it('writes the bytes the format prescribes, whatever the order given', () => {
    const bytes = writeSafetensors(new Map(tensors), { format: 'x"y' });
    expect(writeSafetensors(new Map([...tensors].reverse()), { format: 'x"y' })).toEqual(bytes);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    // By zlib's CRC-32: of dtype, shape and bytes.
    const sums = [
      ['7', 'f32 2', new Float32Array([1, 2])],
      ['__metadata__', '[["format","x\\"y"]]', new Uint8Array()],
      ['__proto__', 'f32 1', new Float32Array([3])],
      ['b', 'f16 1', new Uint16Array([0x3c00])],
      ['wide', 'f64 1', new Float64Array([4])],
      ['z', 'u8 3', new Uint8Array([1, 2, 3])],
    ] as const;
    const lines = sums.map(([name, text, { buffer }]) => {
      const sum = crc32(Buffer.concat([Buffer.from(text), Buffer.from(buffer)]));
      return `${sum.toString(16).padStart(8, '0')} ${name}`;
    });
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd()).toBe(
      `{"__metadata__":{"format":"x\\"y","tuningfork_crc32":${JSON.stringify(lines.join('\n'))}},` +
        '"wide":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},' +
        '"7":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},' +
        '"b":{"dtype":"F16","shape":[1],"data_offsets":[20,22]},"z":{"dtype":"U8","shape":[3],"data_offsets":[22,25]}}',
    );
    const data = new DataView(bytes.buffer, 8 + length);
    expect([
      data.byteLength,
      data.getFloat64(0, true),
      data.getFloat32(12, true),
      data.getFloat32(16, true),
      data.getUint8(24),
    ]).toEqual([25, 4, 2, 3, 3]);
  });

  it('pads every header to eight bytes, so that tensors are aligned', () => {
    for (let letters = 1; letters <= 8; letters++) {
      const bytes = writeSafetensors(new Map([['x'.repeat(letters), t('f64', [1], new Float64Array([1]))]]), {});
      expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, `${letters} letters`).toBe(0);
    }
  });

  it('comes back as it went', () => {
    const back = parseSafetensors(writeSafetensors(new Map(tensors), { a: '1' }), 'w');
    expect(new Map([...back.tensors].sort())).toEqual(new Map([...tensors].sort()));
    expect({ ...back.metadata }).toEqual({ a: '1' });
  });

  it('refuses a tensor whose values do not fill its shape, and the reserved name', () => {
    expect(() => writeSafetensors(new Map([['a', t('f32', [3], new Float32Array(2))]]))).toThrow(
      /'a': f32 of shape \[3\] needs 12 bytes, but it has 8/,
    );
    expect(() => writeSafetensors(new Map([['__metadata__', t('f32', [1], new Float32Array(1))]]))).toThrow(UserError);
  });
});

const data = testData();
describe.runIf(data)('real files', () => {
  it('reads activations that another program wrote', async () => {
    const { tensors, metadata } = await readSafetensorsFile(
      join(data!, 'golden/efficientnet_b0_activations.safetensors'),
    );
    expect(tensors.get('features')).toMatchObject({ dtype: 'f32', shape: [4, 1280] });
    expect(metadata.ids).toBe('100008,100023,100053,100078');
    // `features` is the mean of `head` over its 7x7 places, which no misread offset would leave true.
    const [head, features] = [toFloat32(tensors.get('head')!), toFloat32(tensors.get('features')!)];
    for (const channel of [0, 1279, 4 * 1280 - 1]) {
      const mean = head.subarray(channel * 49, channel * 49 + 49).reduce((sum, x) => sum + x, 0) / 49;
      expect(features[channel]).toBeCloseTo(mean, 5);
    }
  });
});
