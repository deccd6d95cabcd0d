import type { Device } from '../../engine/device/device.ts';
import type { Explained } from '../report/data.ts';
import { toPicture } from '../report/encode.node.ts';
import { drawMap, plainPicture } from './draw.ts';
import { METHODS, explainGalaxies, type ExplainRequest } from './explain.ts';
import type { Examination } from './predictor.ts';

/** Galaxies explained by every method, as a report shows them. */
export async function explainForReport(
  device: Device,
  examination: Examination,
  requests: readonly ExplainRequest[],
): Promise<Explained[]> {
  const { dataset, views } = examination;
  const explanations = await explainGalaxies(device, examination, requests, METHODS);
  return Promise.all(
    explanations.map(async ({ galaxy, maps }) => {
      const picture = await plainPicture(dataset, views.geometry, galaxy);
      return {
        id: dataset.galaxies[galaxy].id,
        input: toPicture(picture),
        maps: maps.map((map) => ({ method: map.method, picture: toPicture(drawMap(picture, map)) })),
      };
    }),
  );
}
