import { expect, it } from 'vitest';
import { addableTo, fitting, inserted, moved, removed } from '../../web/learn/layer_edit.ts';
import { layerOf, layersFromText, layersToText } from '../../web/learn/layer_spec.ts';

const LAYERS = layersFromText('conv; activation; depthwise; norm; residual from=2; dense');
const text = (layers: typeof LAYERS) => layersToText(layers).replaceAll('\n', '; ');

it('moves layers, and what is added stays the same layer', () => {
  expect(text(moved(LAYERS, 1, 1))).toBe('conv; depthwise; activation; norm; residual from=3; dense');
  expect(text(moved(LAYERS, 1, -1))).toBe('activation; conv; depthwise; norm; residual from=1; dense');
  expect(text(moved(LAYERS, 4, -1))).toBe('conv; activation; depthwise; residual from=2; norm; dense');
  expect(moved(LAYERS, 0, -1)).toEqual(LAYERS);
  expect(moved(LAYERS, 5, 1)).toEqual(LAYERS);
});

it('removes layers, and what was added is the one before it', () => {
  expect(text(removed(LAYERS, 0))).toBe('activation; depthwise; norm; residual from=1; dense');
  expect(text(removed(LAYERS, 1))).toBe('conv; depthwise; norm; residual from=1; dense');
  expect(text(removed(LAYERS, 2))).toBe('conv; activation; norm; residual from=2; dense');
  expect(text(removed(removed(LAYERS, 0), 0))).toBe('depthwise; norm; residual; dense');
});

it('inserts layers that fit where they go', () => {
  expect(text(inserted(LAYERS, 0, layerOf('norm')))).toBe(
    'norm; conv; activation; depthwise; norm; residual from=3; dense',
  );
  expect(text(inserted(LAYERS, 2, layerOf('norm')))).toBe(
    'conv; activation; norm; depthwise; norm; residual from=2; dense',
  );
  const image = [1, 8, 8, 3];
  const shapes = [
    [1, 8, 8, 8],
    [1, 8, 8, 8],
    [1, 4, 4, 8],
    [1, 4, 4, 8],
    [1, 2],
  ];
  expect(addableTo(2, shapes, image)).toEqual([1]);
  expect(addableTo(4, shapes, image)).toEqual([3]);
  expect(addableTo(5, shapes, image)).toEqual([]);
  expect(fitting('residual', 2, shapes, image)).toEqual({ kind: 'residual', from: 1 });
  expect(fitting('pool', 2, shapes, image)).toEqual(layerOf('pool'));
});
