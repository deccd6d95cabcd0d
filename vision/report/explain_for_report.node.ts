import type { Device } from '../../engine/device/device.ts';
import type { Explained } from './data.ts';
import { toPicture } from './encode.node.ts';
import { drawMap, plainPicture } from '../answer/draw.ts';
import { explainExamples, type ExplainRequest } from '../answer/explain.ts';
import { REPORT_METHODS } from '../answer/methods.ts';
import type { Examination } from '../answer/predictor.ts';

/** Images explained by every method, as a report shows them. */
export async function explainForReport(
  device: Device,
  examination: Examination,
  requests: readonly ExplainRequest[],
): Promise<Explained[]> {
  const { dataset, views } = examination;
  const explanations = await explainExamples(device, examination, requests, REPORT_METHODS);
  return Promise.all(
    explanations.map(async ({ example, maps }) => {
      const picture = await plainPicture(dataset, views.geometry, example);
      return {
        id: dataset.examples[example].id,
        input: await toPicture(picture),
        maps: await Promise.all(
          maps.map(async (map) => ({ method: map.method, picture: await toPicture(drawMap(picture, map)) })),
        ),
      };
    }),
  );
}
