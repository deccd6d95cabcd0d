import { describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/user_error.ts';
import { decodeModel, encodeModel, type MessageInit } from '../../../models/onnx/proto.ts';
import { OCR_MODELS, ocrModel } from './models.ts';

// By hand, after the wire format: tag = number << 3 | kind, and a length before what is nested.
const text = (s: string) => [s.length, ...new TextEncoder().encode(s)];
const nested = (tag: number, bytes: readonly number[]) => [tag, bytes.length, ...bytes];

const BY_HAND = [
  ...[0x08, 8], // ir_version = 8
  ...nested(0x42, [0x10, 17]), // opset_import { version = 17 }
  ...nested(0x3a, [
    ...nested(0x0a, [
      ...[0x0a, ...text('x')],
      ...[0x12, ...text('y')],
      ...[0x1a, ...text('relu1')],
      ...[0x22, ...text('LeakyRelu')],
      // attribute { name = alpha, f = 0.5, type = FLOAT }
      ...nested(0x2a, [0x0a, ...text('alpha'), 0x15, 0, 0, 0, 0x3f, 0xa0, 0x01, 1]),
      // attribute { name = ints, ints = [3, -1] unpacked as old exporters write them, type = INTS }
      ...nested(0x2a, [
        ...[0x0a, ...text('ints'), 0x40, 3, 0x40],
        ...[255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        ...[0xa0, 0x01, 7],
      ]),
    ]),
    ...nested(0x2a, [0x08, 2, 0x10, 1, 0x42, ...text('w'), ...nested(0x4a, [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40])]),
  ]),
];

describe('ONNX protobuf', () => {
  it('reads a model that was written by hand', () => {
    const { irVersion, opsetImport, graph } = decodeModel(Uint8Array.from(BY_HAND), 'hand.onnx');
    expect(irVersion).toBe(8n);
    expect(opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 17n]]);
    const [{ input, output, name, opType, attribute }] = graph!.node;
    expect({ input, output, name, opType }).toEqual({
      input: ['x'],
      output: ['y'],
      name: 'relu1',
      opType: 'LeakyRelu',
    });
    expect(attribute.map(({ name, f, type, ints }) => ({ name, f, type, ints }))).toEqual([
      { name: 'alpha', f: 0.5, type: 1, ints: [] },
      { name: 'ints', f: 0, type: 7, ints: [3n, -1n] },
    ]);
    const [w] = graph!.initializer;
    expect([w.name, w.dims, w.dataType, [...w.rawData]]).toEqual(['w', [2n], 1, [0, 0, 128, 63, 0, 0, 0, 64]]);
  });

  it('writes what it reads', () => {
    const model = {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      metadataProps: [{ key: 'a', value: 'b' }],
      graph: {
        name: 'g',
        node: [{ opType: 'Relu', input: ['x'], output: ['y'], attribute: [{ name: 'p', ints: [1n, -2n], type: 7 }] }],
        input: [
          { name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: 3n }] } } } },
        ],
        output: [{ name: 'y' }],
      },
    } satisfies MessageInit<'ModelProto'>;
    expect(decodeModel(encodeModel(model), 'again.onnx')).toMatchObject(model);
  });

  it.each(Object.keys(OCR_MODELS) as (keyof typeof OCR_MODELS)[])('reads %s and writes it again', (name) => {
    const model = decodeModel(ocrModel(name), name);
    expect(model.graph!.node.length).toBeGreaterThan(100);
    expect(decodeModel(encodeModel(model as unknown as MessageInit<'ModelProto'>), name)).toEqual(model);
  });

  it('refuses what is cut off, and what is nested deeper than a stack', () => {
    const cls = ocrModel('cls');
    for (const length of [1, 5, 1000, cls.length - 1])
      expect(() => decodeModel(cls.subarray(0, length), 'cut.onnx')).toThrow(UserError);
    // A graph in an attribute of a node of a graph, and so on.
    let inner: number[] = [];
    const wrap = (tag: number) => {
      const size: number[] = [];
      for (let n = inner.length; ; n >>= 7) {
        size.push((n & 127) | (n > 127 ? 128 : 0));
        if (n <= 127) break;
      }
      inner = [tag, ...size, ...inner];
    };
    for (let depth = 0; depth < 400; depth++) [0x32, 0x2a, 0x0a].forEach(wrap);
    wrap(0x3a);
    expect(() => decodeModel(Uint8Array.from(inner), 'deep.onnx')).toThrow(UserError);
  });
});
