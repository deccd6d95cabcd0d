import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModel, viewsFor } from '../../vision/answer/stored_model.ts';
import type { Dataset } from '../../vision/data/dataset.ts';
import { testData } from '../data.ts';

describe.runIf(testData())('bare weights', () => {
  it('see of a photograph what networks on ImageNet are judged on', async () => {
    const file = join(testData()!, 'weights/efficientnet_b0_imagenet_notop.safetensors');
    const stored = await readModel(readFileSync(file), file, () => {
      throw new Error('they name no task');
    });
    // A photograph whose grey says how far to the right a pixel lies, in 1/256 of its height.
    const [width, height] = [1536, 1024];
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
      Math.floor((256 * (Math.floor(i / 3) % width)) / width),
    );
    const dataset: Dataset = {
      name: 'one',
      examples: [{ id: 'wide' }],
      notes: [],
      load: async () => ({ width, height, data }),
      close: async () => {},
    };
    const views = viewsFor(stored, dataset);
    const { images, view } = (await views.feeds([views.plain(0)])) as Record<string, Uint32Array | Float32Array>;
    const [step, , left, , , top] = view;
    expect(step).toBe(1);
    // 384 pixels wide at a height of 256, of which the middle 224 are seen: from 80/384 to 304/384 of the width.
    const grey = (column: number) => images[top * views.side + left + column] & 255;
    expect(Math.abs(grey(0) - (256 * 80) / 384)).toBeLessThanOrEqual(1);
    expect(Math.abs(grey(223) - (256 * 303) / 384)).toBeLessThanOrEqual(1);
  });
});
