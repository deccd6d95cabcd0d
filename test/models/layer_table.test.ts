import { expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { buildModel } from '../../models/build_network.ts';
import { layerTable } from '../../models/layer_table.ts';

/**
 * Outputs of the segments for an image of 224 x 224, as [side, channels] (VGG: Simonyan & Zisserman 2015, table 1;
 * ResNet: He et al. 2016, table 1; EfficientNet: Tan & Le 2019, table 1, where a stage's row tells its input), and
 * multiply-adds in billions, as torchvision publishes them with its weights (there "GFLOPS").
 */
const PUBLISHED: Record<string, { layers: Record<string, [number, number]>; billions: number }> = {
  vgg11: {
    layers: { block1: [224, 64], block2: [112, 128], block3: [56, 256], block4: [28, 512], block5: [14, 512] },
    billions: 7.61,
  },
  vgg16: {
    layers: { block1: [224, 64], block2: [112, 128], block3: [56, 256], block4: [28, 512], block5: [14, 512] },
    billions: 15.47,
  },
  resnet50: {
    layers: { stem: [56, 64], stage1: [56, 256], stage2: [28, 512], stage3: [14, 1024], stage4: [7, 2048] },
    billions: 4.09,
  },
  efficientnet_b0: {
    layers: {
      stem: [112, 32],
      stage1: [112, 16],
      stage2: [56, 24],
      stage3: [28, 40],
      stage4: [14, 80],
      stage5: [14, 112],
      stage6: [7, 192],
      stage7: [7, 320],
      head: [7, 1280],
    },
    billions: 0.39,
  },
};

/** The layers of a network with 1000 classes, on one image; nothing is computed. */
function layersOf(name: string, height: number, width: number) {
  const { network } = buildModel(name, 1000);
  const shapes = new Map<string, readonly number[]>(network.specs.map((spec) => [spec.name, spec.shape]));
  for (const { kind, name: of, shape } of network.specs)
    if (kind === 'mean') shapes.set(of.replace(/mean$/, 'stats'), [2, shape[0]]);
  return layerTable(network, { tensor: (of) => input(of, shapes.get(of)!) }, input('x', [1, height, width, 3]));
}

it.each(Object.keys(PUBLISHED))('%s has the layers and the multiply-adds that were published', (name) => {
  const rows = layersOf(name, 224, 224);
  const { layers, billions } = PUBLISHED[name];
  for (const [layer, [side, channels]] of Object.entries(layers))
    expect(rows.find(({ names }) => names.includes(layer))!.shape, layer).toEqual([1, side, side, channels]);
  const multiplyAdds = rows.reduce((sum, { flops }) => sum + flops, 0) / 2;
  // Two digits after the point were published.
  expect(Math.abs(multiplyAdds / 1e9 - billions)).toBeLessThan(0.005);
});

it('an image of half the height, and one of half the width, take half as many multiply-adds in convolutions', () => {
  const flopsOf = (height: number, width: number) =>
    layersOf('vgg16', height, width)
      .filter(({ names }) => names.some((of) => of.startsWith('block')))
      .reduce((sum, { flops }) => sum + flops, 0);
  expect([2 * flopsOf(112, 224), 2 * flopsOf(224, 112)]).toEqual([flopsOf(224, 224), flopsOf(224, 224)]);
});
