import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { layerOf, layersFromText, layersToText, MOST_LAYERS } from '../../web/learn/layer_spec.ts';
import { parametersOf, planLayers, standardLayers } from '../../web/learn/network.ts';
import { DEFAULT_SETTINGS } from '../../web/learn/settings.ts';

const plan = (text: string, classes = 2) => planLayers({ ...DEFAULT_SETTINGS, layers: layersFromText(text) }, classes);

describe('a list of layers', () => {
  it('of the standard network gives the same layers with and without being listed', () => {
    for (const settings of [DEFAULT_SETTINGS, { ...DEFAULT_SETTINGS, batchNorm: true, stride: 2, filterSize: 5 }]) {
      const layers = standardLayers(settings);
      expect(planLayers({ ...DEFAULT_SETTINGS, layers })).toEqual(planLayers(settings));
      expect(layersFromText(layersToText(layers))).toEqual(layers);
    }
  });

  it('becomes layers that name their inputs, with the shapes worked out by hand', () => {
    const plans = plan(
      'conv filters=4 size=5 stride=2; activation name=silu; depthwise padding=valid bias=false; norm; pool size=3 stride=3; ' +
        'conv filters=4 size=1; residual from=5; squeezeExcite units=3; dense units=7; dense',
    );
    expect(plans.map(({ name, inputs, shape }) => [name, inputs, shape.slice(1)])).toEqual([
      ['input', [], [32, 32, 3]],
      ['conv1', [0], [16, 16, 4]],
      ['act1', [1], [16, 16, 4]],
      ['depthwise1', [2], [14, 14, 4]],
      ['norm1', [3], [14, 14, 4]],
      ['pool1', [4], [4, 4, 4]],
      ['conv2', [5], [4, 4, 4]],
      ['add1', [6, 5], [4, 4, 4]],
      ['mean1', [7], [4]],
      ['dense1', [8], [3]],
      ['act2', [9], [3]],
      ['dense2', [10], [4]],
      ['act3', [11], [4]],
      ['scale1', [7, 12], [4, 4, 4]],
      ['dense3', [13], [7]],
      ['dense', [14], [2]],
      ['loss', [15], []],
    ]);
    expect(Object.fromEntries(parametersOf(plans).map(({ name, shape }) => [name, shape]))).toEqual({
      'conv1/w': [5, 5, 3, 4],
      'conv1/b': [4],
      'depthwise1/w': [3, 3, 4],
      'norm1/gamma': [4],
      'norm1/beta': [4],
      'norm1/running': [2, 4],
      'conv2/w': [1, 1, 4, 4],
      'conv2/b': [4],
      'dense1/w': [4, 3],
      'dense1/b': [3],
      'dense2/w': [3, 4],
      'dense2/b': [4],
      'dense3/w': [64, 7],
      'dense3/b': [7],
      'dense/w': [7, 2],
      'dense/b': [2],
    });
  });

  it('is refused in a sentence that names the layer', () => {
    const refused: [string, string][] = [
      ['', 'the network has no layers: add one'],
      ['conv; sorting; dense', 'layer 2: there is no kind sorting; there are conv, depthwise, norm,'],
      ['conv size=4; dense', 'layer 1, convolution: size must be one of 3, 1, 5, 7, not 4'],
      ['conv filters=0; dense', 'layer 1, convolution: filters must be a whole number from 1 to 32, not 0'],
      ['conv filters=2.5; dense', 'layer 1, convolution: filters must be a whole number from 1 to 32, not 2.5'],
      [
        'conv filter=3; dense',
        'layer 1, convolution: it has no option filter; it has filters, size, stride, padding, bias',
      ],
      ['norm units=3; dense', 'layer 1, batch norm: it has no option units; it has none'],
      ['conv 3; dense', 'layer 1: an option is written name=value, as size=3, not 3'],
      [
        'pool size=8 stride=8; pool size=5; dense',
        'layer 2, pooling: a window of 5 × 5 does not fit into maps of 4 × 4',
      ],
      ['dense units=9; conv; dense', 'layer 2, convolution: it needs maps, and after a dense layer there are none'],
      [
        'conv filters=4; residual from=0; dense',
        'layer 2, residual addition: it adds maps of 32 × 32 × 4 to those of the image, 32 × 32 × 3: the two must be alike',
      ],
      [
        'conv; pool; conv; residual from=1; dense',
        'layer 4, residual addition: it adds maps of 16 × 16 × 8 to those of layer 1, convolution, 32 × 32 × 8: the two must be alike',
      ],
      [
        'conv; residual from=1; dense',
        'layer 2, residual addition: it would add the layer before it to itself; name an earlier one',
      ],
      [
        'conv; residual from=3; dense',
        'layer 2, residual addition: it adds layer 3, which comes after it; name an earlier one',
      ],
      [
        'conv; pool',
        'the last layer must be a dense layer of 2 units, one for each class, and layer 2, pooling, is none',
      ],
      [
        'dense units=3',
        'the last layer must be a dense layer of 2 units, one for each class, and layer 1, dense layer, has 3',
      ],
      [`${'norm;'.repeat(MOST_LAYERS)}dense`, 'the network has 21 layers, and 20 is the most'],
      ['dense units=128; dense', 'the network has 393602 parameters, and 20000 is the most'],
      ['conv filters=32; norm; norm; norm; norm; dense', 'the network has 66'],
      ['conv filters=32; norm; norm; norm; norm; pool; pool; dense', 'the maps of one image are 17'],
    ];
    for (const [text, sentence] of refused) {
      expect(() => plan(text), text).toThrow(UserError);
      expect(() => plan(text), text).toThrow(sentence);
    }
    expect(() => plan('dense units=3', 3)).not.toThrow();
    const odd = [layerOf('dense', { weights: 3 })];
    expect(() => planLayers({ ...DEFAULT_SETTINGS, layers: odd })).toThrow('it has no option weights');
  });
});
