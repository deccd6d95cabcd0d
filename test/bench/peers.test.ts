import { describe, expect, it } from 'vitest';
import { weights } from '../../bench/job_data.ts';
import { importOptional } from '../../bench/optional_package.ts';
import { efficientNetOnnx } from '../../bench/ort/efficientnet.ts';
import { OnnxGraph } from '../../bench/ort/onnx.ts';
import { permuted } from '../../bench/permuted.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('a model as ONNX', () => {
  it('has the bytes that the format asks for', () => {
    const g = new OnnxGraph();
    g.node('Flatten', ['x'], { axis: 300, pads: [1, 2], alpha: { float: 1 } }, 'y');
    // Written down by hand from onnx.proto3 and the encoding of protocol buffers: field · 8 + wire type, length,
    // content.
    const attributes = [
      '2a0c' + '0a0461786973' + '18ac02' + 'a00102', // axis: i = 300, type INT
      '2a0d' + '0a0470616473' + '4001' + '4002' + 'a00107', // pads: ints, type INTS
      '2a0f' + '0a05616c706861' + '150000803f' + 'a00101', // alpha: f = 1, type FLOAT
    ];
    const node = ['0a0178', '120179', '1a0179', '2207466c617474656e', ...attributes].join('');
    const length = (text: string) => (text.length / 2).toString(16).padStart(2, '0');
    const graph = `0a${length(node)}${node}12056772617068`;
    expect(hex(g.model())).toBe(
      ['0808', '120a74756e696e67666f726b', `3a${length(graph)}${graph}`, '4204', '0a00', '1011'].join(''),
    );
  });
  it('refuses a constant of another size', () =>
    expect(() => new OnnxGraph().constant('w', [2, 2], new Float32Array(3))).toThrow(
      'w: 3 numbers do not fill [2, 2]',
    ));
  it('holds every parameter of EfficientNet-B0', () => {
    // 5.3 million weights and 42 thousand running statistics, of four bytes, and little else.
    const bytes = efficientNetOnnx(weights(), 1, 32).length;
    expect(bytes).toBeGreaterThan(4 * 5_330_000);
    expect(bytes).toBeLessThan(4 * 5_330_000 + 100_000);
  });
});

it('axes change places', () => {
  const values = Float32Array.from({ length: 6 }, (_, i) => i);
  expect([...permuted(values, [1, 2, 3], [2, 0, 1])]).toEqual([0, 3, 1, 4, 2, 5]);
  expect([...permuted(permuted(values, [1, 2, 3], [2, 0, 1]), [3, 1, 2], [1, 2, 0])]).toEqual([...values]);
});

it('a package that is not there is asked for', async () => {
  await expect(importOptional('no-such-package', '1.2.3')).rejects.toThrow(
    /no-such-package does not load .*`npm install --no-save --ignore-scripts no-such-package@1\.2\.3`/,
  );
});
