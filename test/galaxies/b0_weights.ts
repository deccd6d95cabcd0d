import { efficientNetParameters } from '../../models/efficientnet_parameters.ts';
import { efficientNetConfig } from '../../models/efficientnet_table.ts';
import { writeSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import { initialValues } from '../../models/initialise.ts';

/**
 * Writes an EfficientNet-B0 with random weights under our own names and without a classifier: a trunk as good as any to
 * freeze.
 */
export async function writeRandomB0(path: string): Promise<void> {
  const specs = efficientNetParameters(efficientNetConfig('b0', 2)).filter(
    ({ name }) => !name.startsWith('classifier.'),
  );
  await writeSafetensorsFile(
    path,
    new Map(
      specs.map((spec) => [spec.name, { dtype: 'f32' as const, shape: spec.shape, data: initialValues(spec, 5) }]),
    ),
  );
}
