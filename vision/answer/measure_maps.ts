import { faithfulness, saliencyOf, type Faithfulness } from './asked/faithfulness.ts';
import type { Explainer, Explanation } from './explain.ts';
import type { Method } from './methods.ts';

export type Measures = Partial<Record<Method, Faithfulness>>;

/**
 * How faithful each map of an explanation is.
 * @param explainer made with `measured`
 * @param confidence of a row of scores in what is explained, 0..1
 */
export async function measureMaps(
  explainer: Explainer,
  { example, maps }: Pick<Explanation, 'example' | 'maps'>,
  confidence: (scores: Float32Array) => number,
): Promise<Measures> {
  const asked = explainer.asked!;
  const image = await explainer.imageOf(example);
  const measures: Measures = {};
  for (const map of maps)
    measures[map.method] = await faithfulness(asked, { image, confidence }, saliencyOf(map, asked.side));
  return measures;
}
