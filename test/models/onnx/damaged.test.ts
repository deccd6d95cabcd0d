import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/user_error.ts';
import { externalDataBeside } from '../../../models/onnx/external_data.node.ts';
import { importOnnx } from '../../../models/onnx/import_onnx.ts';
import { loadOnnx } from '../../../models/onnx/load_onnx.ts';
import { DATA_TYPES, encodeModel, EXTERNAL, type MessageInit } from '../../../models/onnx/proto.ts';
import { buildModel, type NodePlan } from './build.ts';

const X = { x: { shape: [1, 2] } };
const of = (...nodes: readonly NodePlan[]) => buildModel({ nodes, inputs: X, outputs: ['y'] });
const relu = (from: string, to: string): NodePlan => ({ op: 'Relu', inputs: [from], outputs: [to] });

/** A model of y = x + w with this tensor as w. */
const withTensor = (w: MessageInit<'TensorProto'>): Uint8Array =>
  encodeModel({
    irVersion: 8n,
    opsetImport: [{ version: 17n }],
    graph: {
      node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
      initializer: [{ name: 'w', dims: [2n], dataType: DATA_TYPES.float, ...w }],
      input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2n }] } } } }],
      output: [{ name: 'y' }],
    },
  });

describe('damaged ONNX files are refused in a sentence:', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /holds no graph/],
    ['text', new TextEncoder().encode('not a model at all'), /is no ONNX file/],
    ['too few bytes', withTensor({ rawData: new Uint8Array(7) }), /takes 8 bytes and there are 7/],
    ['no data', withTensor({}), /takes 2 elements and there are 0/],
    [
      'a size that lies',
      withTensor({ dims: [1n << 40n], rawData: new Uint8Array(8) }),
      /takes \d+ bytes and there are 8/,
    ],
    ['a size beyond numbers', withTensor({ dims: [1n << 62n, 1n << 62n], rawData: new Uint8Array(8) }), /is no shape/],
    ['a negative size', withTensor({ dims: [-2n], rawData: new Uint8Array(8) }), /is no shape/],
    ['an unknown type', withTensor({ dataType: 99, rawData: new Uint8Array(8) }), /of type number 99/],
    ['text in a tensor', withTensor({ dataType: DATA_TYPES.string }), /of type string/],
    [
      'external data without a reader',
      withTensor({ dataLocation: EXTERNAL, externalData: [{ key: 'location', value: 'w' }] }),
      /give a function that reads it/,
    ],
    ['external data of nowhere', withTensor({ dataLocation: EXTERNAL }), /does not say where/],
    ['a value from nowhere', of(relu('z', 'y')), /"z", which nothing gives/],
    ['a circle', of(relu('a', 'y'), relu('y', 'a')), /made from what it gives itself/],
    ['two makers', of(relu('x', 'y'), relu('x', 'y')), /two nodes give "y"/],
    ['no maker', of(relu('x', 'a')), /no node gives the output "y"/],
    ['an input that is missing', of({ op: 'Add', inputs: ['x'], outputs: ['y'] }), /input 1 is missing/],
    [
      'an attribute of another type',
      of({ op: 'Elu', inputs: ['x'], outputs: ['y'], attributes: { alpha: 'a' } }),
      /attribute alpha is not of the type f/,
    ],
    [
      'an axis that is not there',
      of({ op: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: 5 } }),
      /no axis 5 of 2/,
    ],
    [
      'an opset to come',
      buildModel({ nodes: [relu('x', 'y')], inputs: X, outputs: ['y'], opset: 99 }),
      /opset 99, and 7 to 22/,
    ],
    [
      'an opset of old',
      buildModel({ nodes: [relu('x', 'y')], inputs: X, outputs: ['y'], opset: 3 }),
      /opset 3, and 7 to 22/,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => importOnnx(bytes)).toThrow(UserError);
    expect(() => importOnnx(bytes)).toThrow(message);
  });

  it('a few bytes that ask for gigabytes', () => {
    const ask = (op: string, shape: readonly number[], more: readonly string[] = []) =>
      buildModel({
        nodes: [{ op, inputs: [...more, 'n'], outputs: ['y'] }],
        inputs: {},
        outputs: ['y'],
        initialisers: { n: { shape: [shape.length], data: shape, type: 'int64' }, one: { shape: [1], data: [1] } },
      });
    expect(() => importOnnx(ask('ConstantOfShape', [1e6, 1e6]))).toThrow(/more than is believed/);
    expect(() => importOnnx(ask('Expand', [1e5, 1e5], ['one']))).toThrow(/more than is believed/);
    expect(() => importOnnx(ask('Tile', [1e12], ['one']))).toThrow(UserError);
  });

  it('names all ops that are not there, with their nodes', () => {
    const nodes = [
      { op: 'Loop', inputs: ['x'], outputs: ['a'], name: 'first' },
      { op: 'FancyOp', inputs: ['a'], outputs: ['b'], name: 'second', domain: 'com.example' },
      { op: 'Loop', inputs: ['b'], outputs: ['y'] },
    ];
    expect(() => importOnnx(buildModel({ nodes, inputs: X, outputs: ['y'] }), { source: 'n.onnx' })).toThrow(
      'n.onnx: these ops are not computed here: Loop (opset 17) of first, y; com.example.FancyOp (opset 1) of second; ' +
        'export the network without them',
    );
  });

  it('what is no classifier of images', () => {
    const two = buildModel({ nodes: [relu('x', 'y')], inputs: { ...X, z: { shape: [1] } }, outputs: ['y', 'z'] });
    expect(() => loadOnnx(two)).toThrow(/2 inputs and 2 outputs/);
    expect(() => loadOnnx(of(relu('x', 'y')))).toThrow(/images are \[N, C, H, W\]/);
    const images = buildModel({ nodes: [relu('x', 'y')], inputs: { x: { shape: [1, 3, 4, 4] } }, outputs: ['y'] });
    expect(() => loadOnnx(images, { classes: 2 })).toThrow(/no classifier whose classes can be replaced/);
    expect(() => loadOnnx(images, { sise: 3 } as never)).toThrow(/there is no option sise/);
  });
});

describe('data in other files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'net'));
  const data = new Uint8Array(Float32Array.of(9, 1, 2).buffer);
  writeFileSync(join(folder, 'net', 'w.bin'), data);
  writeFileSync(join(folder, 'secret'), data);
  symlinkSync(join(folder, 'secret'), join(folder, 'net', 'link'));
  const external = externalDataBeside(join(folder, 'net', 'n.onnx'));
  const from = (location: string, offset = '4', length = '8') =>
    withTensor({
      dataLocation: EXTERNAL,
      externalData: Object.entries({ location, offset, length }).map(([key, value]) => ({ key, value })),
    });

  it('are read', () => expect([...importOnnx(from('w.bin'), { external }).weights.get('w')!]).toEqual([1, 2]));
  it.each([
    ['../secret', /outside of its folder/],
    ['link', /outside of its folder/],
    ['/etc/passwd', /no path within its folder/],
    ['nothing', /is not there/],
    ['.', /wanted|cut off/],
  ])('but not from %s', (location, message) => {
    expect(() => importOnnx(from(location), { external })).toThrow(UserError);
    expect(() => importOnnx(from(location), { external })).toThrow(message);
  });
  it('nor beyond their end', () => expect(() => importOnnx(from('w.bin', '8'), { external })).toThrow(/cut off/));
});
