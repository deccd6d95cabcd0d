import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { differenceOf } from '../../cli/row_state.node.ts';
import { imageOrigin } from '../../cli/row_origin.node.ts';
import type { OnnxFlags } from '../../cli/load_model.node.ts';
import type { Stretch } from '../../vision/data/stretch.ts';
import { DATA_TYPES, EXTERNAL, encodeModel } from '../../models/onnx/proto.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-origin-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const IMAGES = { name: 'incoming', examples: [{ id: 'a' }, { id: 'b' }] };

/** A model whose only weights lie in another file. */
writeFileSync(
  at('net.onnx'),
  encodeModel({
    irVersion: 8n,
    graph: {
      initializer: [
        {
          ...{ name: 'w', dims: [2n], dataType: DATA_TYPES.float, dataLocation: EXTERNAL },
          externalData: Object.entries({ location: 'w.bin', offset: '0', length: '8' }).map(([key, value]) => ({
            key,
            value,
          })),
        },
      ],
    },
  }),
);
const weights = (...values: number[]) => writeFileSync(at('w.bin'), new Uint8Array(Float32Array.from(values).buffer));
weights(1, 2);

const origin = (flags: OnnxFlags = {}, data = IMAGES, stretch?: Stretch) =>
  imageOrigin(at('net.onnx'), flags, data, stretch);

describe('what rows depend on', () => {
  it.each<[string, Parameters<typeof origin>, RegExp]>([
    ['the size', [{ size: 64 }], /^--size was absent and is now 64$/],
    ['what is taken off', [{ mean: [0, 0, 0.5] }], /^--mean was absent and is now 0,0,0\.5$/],
    ['what it is divided by', [{ std: [1, 1, 1] }], /^--std /],
    ['the brightest pixel', [{ scale: 255 }], /^--scale was absent and is now 255$/],
    ['the order of channels', [{ channels: 'bgr' }], /^--channels was absent and is now bgr$/],
    ['the data', [{}, { ...IMAGES, name: 'outgoing' }], /^data was incoming and is now outgoing$/],
    ['the images', [{}, { ...IMAGES, examples: [{ id: 'b' }, { id: 'a' }] }], /^ids was \w{12} and is now \w{12}$/],
    ['the stretch', [{}, IMAGES, { kind: 'asinh' }], /^stretch was absent and is now {"kind":"asinh"}$/],
  ])('%s', async (_, args, difference) => {
    expect(differenceOf(await origin(), await origin())).toBeUndefined();
    expect(differenceOf(await origin(), await origin(...args))).toMatch(difference);
  });

  it('the weights of an ONNX file that lie in another file', async () => {
    const before = await origin();
    weights(1, 3);
    expect(differenceOf(before, await origin())).toMatch(/^model was \w{12} and is now \w{12}$/);
  });
});
